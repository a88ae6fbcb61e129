import { exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { Decrypter } from '../../../../libs/introspection/src/pipeline/verification/decryption.js';
import { encrypted } from '../../../support/signed-answers.js';

interface Pair {
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

const TEXT = 'what was encrypted';
let ec: Pair;
let okp: Pair;
let rsa: Pair;

async function pair(alg: string, options: { crv?: string } = {}): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, ...options });
  return { publicKey, jwk: await exportJWK(privateKey) };
}

beforeAll(async () => {
  [ec, okp, rsa] = await Promise.all([pair('ECDH-ES'), pair('ECDH-ES', { crv: 'X25519' }), pair('RSA-OAEP')]);
});

const encrypt = (to: Pair, header: Record<string, unknown> = {}, text = TEXT) => encrypted(text, to.publicKey, header);
const decrypt = (jwe: string, ...keys: JWK[]) => new Decrypter(keys).decrypt(jwe);

describe('decrypt', () => {
  it.each(['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'])(
    'AT-14 opens %s with EC and OKP keys',
    async (alg) => {
      expect(await decrypt(await encrypt(ec, { alg }), rsa.jwk, ec.jwk)).toBe(TEXT);
      expect(await decrypt(await encrypt(okp, { alg }), rsa.jwk, okp.jwk)).toBe(TEXT);
    },
  );

  it('AT-14 opens RSA-OAEP with RSA keys', async () => {
    expect(await decrypt(await encrypt(rsa, { alg: 'RSA-OAEP' }), ec.jwk, rsa.jwk)).toBe(TEXT);
  });

  it.each(['A128GCM', 'A192GCM', 'A256GCM', 'A128CBC-HS256', 'A192CBC-HS384', 'A256CBC-HS512'])(
    'JWE-07 opens %s',
    async (enc) => {
      expect(await decrypt(await encrypt(ec, { enc }), ec.jwk)).toBe(TEXT);
    },
  );

  it.each(['', 'a.b.c', 'a.b.c.d.e', 'x'.repeat(50)])('is undefined for %j', async (text) => {
    expect(await decrypt(text, ec.jwk)).toBeUndefined();
  });

  it('is undefined for a text that was changed, or is for somebody else', async () => {
    const jwe = await encrypt(ec);
    const parts = jwe.split('.');
    parts[4] = 'A'.repeat(parts[4]?.length ?? 0);
    expect(await decrypt(parts.join('.'), ec.jwk)).toBeUndefined();
    expect(await decrypt(jwe, (await pair('ECDH-ES')).jwk)).toBeUndefined();
    expect(await decrypt(jwe)).toBeUndefined();
  });

  it('is undefined for bytes that are no UTF-8', async () => {
    const { CompactEncrypt } = await import('jose');
    const jwe = await new CompactEncrypt(Buffer.from([0xff]))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A128GCM' })
      .encrypt(ec.publicKey);
    expect(await decrypt(jwe, ec.jwk)).toBeUndefined();
  });

  it('JWE-07 refuses a shared key, also where one is configured', async () => {
    const secret = Buffer.alloc(32, 1);
    const jwe = await encrypted(TEXT, secret, { alg: 'dir', enc: 'A256GCM' });
    expect(await decrypt(jwe, { kty: 'oct', k: secret.toString('base64url') })).toBeUndefined();
  });

  it('JWE-04 refuses compressed content, though it would decrypt', async () => {
    expect(await decrypt(await encrypt(ec, { zip: 'DEF' }), ec.jwk)).toBeUndefined();
  });

  it('refuses content that is said to be something else than a JWT', async () => {
    expect(await decrypt(await encrypt(ec, { cty: 'JSON' }), ec.jwk)).toBeUndefined();
    expect(await decrypt(await encrypt(ec, { cty: undefined as unknown as string }), ec.jwk)).toBe(TEXT);
    expect(await decrypt(await encrypt(ec, { cty: 'application/jwt' }), ec.jwk)).toBe(TEXT);
  });
});

describe('the choice of a key', () => {
  it('opens with a key of that kid, or of none', async () => {
    const jwe = await encrypt(ec, { kid: 'k1' });
    expect(await decrypt(jwe, { ...ec.jwk, kid: 'k1' })).toBe(TEXT);
    expect(await decrypt(jwe, ec.jwk)).toBe(TEXT);
    expect(await decrypt(jwe, { ...ec.jwk, kid: 'k2' })).toBeUndefined();
    expect(await decrypt(await encrypt(ec), { ...ec.jwk, kid: 'k2' })).toBe(TEXT);
  });

  it('JWE-07 uses a key with its own algorithm only', async () => {
    const jwe = await encrypt(ec);
    expect(await decrypt(jwe, { ...ec.jwk, alg: 'ECDH-ES' })).toBe(TEXT);
    expect(await decrypt(jwe, { ...ec.jwk, alg: 'ECDH-ES+A128KW' })).toBeUndefined();
  });

  it('goes on to the next key, four in all', async () => {
    const others = await Promise.all([1, 2, 3, 4].map(() => pair('ECDH-ES')));
    const jwks = others.map(({ jwk }) => jwk);
    const jwe = await encrypt(ec);
    expect(await decrypt(jwe, ...jwks.slice(0, 3), ec.jwk)).toBe(TEXT);
    expect(await decrypt(jwe, ...jwks, ec.jwk)).toBeUndefined();
    expect(await decrypt(jwe, rsa.jwk, ...jwks.slice(0, 3), ec.jwk)).toBe(TEXT);
  });

  it.each<[what: string, header: Record<string, unknown>, expected: boolean]>([
    ['the kid', { alg: 'ECDH-ES', kid: 'k1' }, true],
    ['no kid', { alg: 'ECDH-ES' }, true],
    ['another kid', { alg: 'ECDH-ES', kid: 'k2' }, false],
    ['another kind of key', { alg: 'RSA-OAEP', kid: 'k1' }, false],
  ])('may decrypt a JWE with %s', (_what, header, expected) => {
    expect(new Decrypter([{ ...ec.jwk, kid: 'k1' }]).mayDecrypt(header)).toBe(expected);
  });

  it('may decrypt nothing where there are no keys, or keys of no kind', () => {
    expect(new Decrypter([]).mayDecrypt({ alg: 'ECDH-ES' })).toBe(false);
    expect(new Decrypter([{}]).mayDecrypt({ alg: 'ECDH-ES' })).toBe(false);
  });
});
