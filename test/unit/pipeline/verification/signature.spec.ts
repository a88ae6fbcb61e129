import { beforeAll, describe, expect, it } from 'vitest';
import type { VerificationKey } from '../../../../libs/introspection/src/pipeline/keys/jwk.js';
import { StaticKeySet } from '../../../../libs/introspection/src/pipeline/verification/key-set.js';
import { findSigningKey } from '../../../../libs/introspection/src/pipeline/verification/signature.js';
import { derSigner, ecKey, edKey, macSigner, octKey, rsaKey, type Signer, signer, type TestKey } from '../../../support/keys.js';
import { compact, flipBit } from '../../../support/tokens.js';

const [own, other] = [ecKey(), ecKey()];
const unusable: VerificationKey = { kid: 'x', key: undefined, algorithms: [] };
const secret = Buffer.alloc(64, 7);
let rsa: TestKey;

beforeAll(async () => {
  rsa = await rsaKey();
});

/** As the library holds keys. */
const held = (...keys: object[]): readonly VerificationKey[] => new StaticKeySet({ keys }).current;
const write = (alg: string, sign: Signer | Buffer): string => compact({ alg }, { sub: 'u1' }, sign);
const jws = write('ES256', signer('ES256', own.privateKey));

const ALGORITHMS: Record<string, () => { key: object; stranger?: object; sign: Signer }> = {
  ...Object.fromEntries(
    ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) => [
      alg,
      () => ({ key: rsa.jwk, sign: signer(alg, rsa.privateKey) }),
    ]),
  ),
  ...Object.fromEntries(
    (
      [
        ['ES256', 'P-256'],
        ['ES384', 'P-384'],
        ['ES512', 'P-521'],
      ] as const
    ).map(([alg, curve]) => [
      alg,
      () => {
        const key = ecKey(curve);
        return { key: key.jwk, stranger: ecKey(curve).jwk, sign: signer(alg, key.privateKey) };
      },
    ]),
  ),
  ...Object.fromEntries(
    ['EdDSA', 'Ed25519'].map((alg) => [
      alg,
      () => {
        const key = edKey();
        return { key: key.jwk, stranger: edKey().jwk, sign: signer(alg, key.privateKey) };
      },
    ]),
  ),
  ...Object.fromEntries(
    ['HS256', 'HS384', 'HS512'].map((alg) => [
      alg,
      () => ({ key: octKey(secret), stranger: octKey(64), sign: macSigner(alg, secret) }),
    ]),
  ),
};

describe('findSigningKey', () => {
  it.each(Object.entries(ALGORITHMS))('AT-04 JWK-18 finds the key of a signature by %s', (alg, make) => {
    const { key, stranger, sign } = make();
    const text = write(alg, sign);
    const keys = held(key);
    expect(findSigningKey(text, alg, keys)).toBe(keys[0]?.key);
    for (const part of [0, 1, 2] as const) expect(findSigningKey(flipBit(text, part, 9), alg, keys)).toBeUndefined();
    if (stranger !== undefined) expect(findSigningKey(text, alg, held(stranger))).toBeUndefined();
  });

  it('AT-04 finds it wherever it stands, and none where none of them signed', () => {
    const keys = [unusable, ...held(other.jwk, own.jwk)];
    expect(findSigningKey(jws, 'ES256', keys)).toBe(keys[2]?.key);
    for (const strangers of [[], [unusable], held(other.jwk)]) expect(findSigningKey(jws, 'ES256', strangers)).toBeUndefined();
  });

  it('JWT-06 finds none for another algorithm, or one that is not known', () => {
    for (const algorithm of ['ES384', 'RS256', 'HS256', 'es256', 'none', '', 'constructor'])
      expect(findSigningKey(jws, algorithm, held(own.jwk)), algorithm).toBeUndefined();
    const signed = write('RS256', signer('RS256', rsa.privateKey));
    for (const algorithm of ['RS384', 'PS256']) expect(findSigningKey(signed, algorithm, held(rsa.jwk))).toBeUndefined();
  });

  it('JWT-24 finds none for a signature in the form of X.509, of zeros, or of another length', () => {
    const good = signer('ES256', own.privateKey);
    const short: Signer = (input) => good(input).subarray(0, 63);
    const long: Signer = (input) => Buffer.concat([good(input), Buffer.alloc(1)]);
    for (const signature of [derSigner('ES256', own.privateKey), Buffer.alloc(64), Buffer.alloc(63), short, long])
      expect(findSigningKey(write('ES256', signature), 'ES256', held(own.jwk))).toBeUndefined();
  });

  it('finds none for a MAC that is cut short, or made with a public key', () => {
    const keys = held(octKey(secret));
    const cut: Signer = (input) => macSigner('HS256', secret)(input).subarray(0, 16);
    for (const signature of [cut, Buffer.alloc(0)])
      expect(findSigningKey(write('HS256', signature), 'HS256', keys)).toBeUndefined();
    const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' });
    expect(findSigningKey(write('HS256', macSigner('HS256', pem as string)), 'HS256', held(rsa.jwk))).toBeUndefined();
  });

  it('PS256 wants the salt to be as long as the hash', async () => {
    const { constants, sign } = await import('node:crypto');
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const salted = (saltLength: number): string =>
      write('PS256', (input) => sign('sha256', input, { key: rsa.privateKey, padding, saltLength }));
    const keys = held(rsa.jwk);
    expect(findSigningKey(salted(32), 'PS256', keys)).toBe(keys[0]?.key);
    for (const saltLength of [0, 20, 64]) expect(findSigningKey(salted(saltLength), 'PS256', keys)).toBeUndefined();
  });
});
