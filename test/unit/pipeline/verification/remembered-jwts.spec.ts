import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RememberedJwts } from '../../../../libs/introspection/src/pipeline/verification/remembered-jwts.js';
import type { VerifiedToken } from '../../../../libs/introspection/src/pipeline/verification/verified-token.js';

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
const setOf = (...keys: (KeyObject | undefined)[]) => keys.map((key) => ({ key, kid: 'k', algorithms: ['ES256'] }));
const verified = { issuer: 'https://as.example.com' } as VerifiedToken;

describe('Remembered JWTs', () => {
  it('are recalled with the key set that verified them, and with no other', () => {
    const jwts = new RememberedJwts();
    const key = newKey();
    const keySet = setOf(key);
    expect(jwts.recall('a', keySet)).toBe(undefined);
    jwts.remember('a', 700, { verified, key, keySet });
    expect(jwts.recall('a', keySet)).toBe(verified);
    expect(jwts.recall('b', keySet)).toBe(undefined);
    expect(jwts.recall('a', setOf(key))).toBe(undefined);
    expect(jwts.recall('a', undefined)).toBe(undefined);
  });

  it('are not recalled where no current set held the key', () => {
    const jwts = new RememberedJwts();
    jwts.remember('a', 700, { verified, key: newKey(), keySet: undefined });
    expect(jwts.recall('a', undefined)).toBe(undefined);
  });

  it('keep their signature while the key stands, also when it is published again', () => {
    const jwts = new RememberedJwts();
    const key = newKey();
    jwts.remember('a', 700, { verified, key, keySet: setOf(key) });
    const again = createPublicKey({ key: key.export({ format: 'jwk' }), format: 'jwk' });
    expect(again).not.toBe(key);
    expect(jwts.keyOf('a', setOf(undefined, newKey(), again))).toBe(again);
    expect(jwts.keyOf('b', setOf(key))).toBe(undefined);
  });

  it('lose it when the key is gone, or another has its place', () => {
    const jwts = new RememberedJwts();
    jwts.remember('a', 700, { verified, key: newKey(), keySet: undefined });
    expect(jwts.keyOf('a', [])).toBe(undefined);
    expect(jwts.keyOf('a', setOf(newKey()))).toBe(undefined);
  });

  it('are bounded by bytes: the oldest are forgotten, the used ones stay', () => {
    const jwts = new RememberedJwts();
    const key = newKey();
    const keySet = setOf(key);
    const jwt = { verified, key, keySet };
    jwts.remember('hot', 700, jwt);
    jwts.remember('cold', 700, jwt);
    for (let count = 0; count < 20_000; count += 1) {
      jwts.remember(`flood ${count}`, 700, jwt);
      if (count % 1000 === 0) expect(jwts.recall('hot', keySet)).toBe(verified);
    }
    expect(jwts.recall('cold', keySet)).toBe(undefined);
    for (let count = 0; count < 1100; count += 1) jwts.remember(`large ${count}`, 8192, jwt);
    expect(jwts.recall('hot', keySet)).toBe(undefined);
  });
});
