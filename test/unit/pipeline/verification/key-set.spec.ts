import { describe, expect, it } from 'vitest';
import type { VerificationKey } from '../../../../libs/introspection/src/pipeline/keys/jwk.js';
import { chooseKeys, StaticKeySet } from '../../../../libs/introspection/src/pipeline/verification/key-set.js';
import { ecKey, octKey } from '../../../support/keys.js';

const { publicKey } = ecKey();
const held = (kid: string | undefined, ...algorithms: string[]): VerificationKey => ({ kid, key: publicKey, algorithms });
const UNKNOWN = { kind: 'unknown' };

describe('chooseKeys', () => {
  const [a, rsa, nameless, broken] = [held('a', 'ES256'), held('a', 'RS256'), held(undefined, 'ES256'), held('broken')];
  const all = [broken, a, rsa, nameless];

  it('JWK-05 takes those of the kid that fit the algorithm', () => {
    expect(chooseKeys(all, 'ES256', 'a')).toEqual({ kind: 'keys', keys: [a] });
    expect(chooseKeys(all, 'RS256', 'a')).toEqual({ kind: 'keys', keys: [rsa] });
  });

  it('JWK-06 JWK-07 has no key for a kid that is known, where none of them fits', () => {
    expect(chooseKeys(all, 'ES384', 'a')).toEqual({ kind: 'keys', keys: [] });
    expect(chooseKeys(all, 'ES256', 'broken')).toEqual({ kind: 'keys', keys: [] });
  });

  it('JWK-03 does not know a kid in another case, or an empty one', () => {
    expect(chooseKeys(all, 'ES256', 'A')).toEqual(UNKNOWN);
    expect(chooseKeys(all, 'ES256', '')).toEqual(UNKNOWN);
    expect(chooseKeys([], 'ES256', 'a')).toEqual(UNKNOWN);
  });

  it('JWK-04 takes all that fit where the token names no kid', () => {
    expect(chooseKeys(all, 'ES256', undefined)).toEqual({ kind: 'keys', keys: [a, nameless] });
    expect(chooseKeys(all, 'ES384', undefined)).toEqual(UNKNOWN);
    expect(chooseKeys([], 'ES256', undefined)).toEqual(UNKNOWN);
  });

  it('JWK-04 takes four at most', () => {
    const many = Array.from({ length: 6 }, (_none, index) => held(String(index), 'ES256'));
    expect(chooseKeys(many, 'ES256', undefined)).toEqual({ kind: 'keys', keys: many.slice(0, 4) });
  });
});

describe('StaticKeySet', () => {
  it('JWK-08 knows its keys, also secret ones, and is never asked for newer ones', () => {
    const ec = ecKey();
    const keys = new StaticKeySet({ keys: [ec.jwk, octKey(32, 'o1')] });
    expect(keys.find('ES256', ec.kid)).toMatchObject({ kind: 'keys', keys: [{ kid: ec.kid }] });
    expect(keys.find('HS256', 'o1')).toMatchObject({ kind: 'keys', keys: [{ kid: 'o1', algorithms: ['HS256'] }] });
    keys.noteBadSignature();
    expect(keys.find('ES256', 'other')).toEqual(UNKNOWN);
  });

  it('JWK-01 knows none where it was given no key set', () => {
    for (const jwks of [undefined, {}, { keys: {} }, { keys: [] }, { keys: [5] }])
      expect(new StaticKeySet(jwks).find('ES256', undefined)).toEqual(UNKNOWN);
  });
});
