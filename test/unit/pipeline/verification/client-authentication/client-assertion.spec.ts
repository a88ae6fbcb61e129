import { createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { authenticate, authenticatorFor, unavailability } from '../../../../support/authenticated-call.js';
import { isSignedBy, type ClientAssertion } from '../../../../support/client-assertions.js';
import { ISSUER, NOW_SECONDS } from '../../../../support/issuer-options.js';
import { ecKey } from '../../../../support/keys.js';

const key = ecKey();
const jwk = { ...key.privateKey.export({ format: 'jwk' }), kid: 'k1' };
const SECRET = 'x'.repeat(64);
const privateKeyJwt = { method: 'private_key_jwt', clientId: 'rs1', key: jwk };
const secretJwt = { method: 'client_secret_jwt', clientId: 'rs1', clientSecret: SECRET };

async function assertion(options: Record<string, unknown>): Promise<ClientAssertion> {
  const { form, headers } = await authenticate(authenticatorFor(options));
  expect(headers).toEqual({});
  expect(form).toEqual({
    client_id: 'rs1',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as unknown,
  });
  const compact = String(form['client_assertion']);
  const [header = '', claims = '', signature = ''] = compact.split('.');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  const input = Buffer.from(`${header}.${claims}`);
  return { compact, header: read(header), claims: read(claims), input, signature: Buffer.from(signature, 'base64url') };
}

describe('private_key_jwt', () => {
  it('PKJ-01 PKJ-02 PKJ-03 PKJ-04 PKJ-06 PKJ-08 PKJ-09 PKJ-11 says who we are, to the issuer alone, for a minute', async () => {
    const made = await assertion(privateKeyJwt);
    expect(made.header).toEqual({ alg: 'ES256', typ: 'client-authentication+jwt', kid: 'k1' });
    expect(made.claims).toEqual({
      iss: 'rs1',
      sub: 'rs1',
      aud: ISSUER,
      iat: NOW_SECONDS,
      exp: NOW_SECONDS + 60,
      jti: expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
    });
    expect(isSignedBy(made, key.publicKey)).toBe(true);
  });

  it('PKJ-05 PKJ-15 is made anew for each call', async () => {
    const authenticator = authenticatorFor(privateKeyJwt);
    const [first, second] = [await authenticate(authenticator), await authenticate(authenticator)];
    expect(first.form['client_assertion']).not.toBe(second.form['client_assertion']);
  });

  it('takes audience, lifetime, kid and algorithm from the options', async () => {
    const options = { audience: `${ISSUER}/token`, lifetimeSeconds: 10, keyId: 'other', algorithm: 'ES256' };
    const { header, claims } = await assertion({ ...privateKeyJwt, ...options });
    expect(header).toMatchObject({ kid: 'other', alg: 'ES256' });
    expect(claims).toMatchObject({ aud: `${ISSUER}/token`, exp: NOW_SECONDS + 10 });
  });

  it('PKJ-13 takes PEM text and key objects, which name no kid', async () => {
    for (const given of [key.privateKey, key.privateKey.export({ format: 'pem', type: 'pkcs8' })]) {
      const made = await assertion({ ...privateKeyJwt, key: given });
      expect(Object.keys(made.header)).not.toContain('kid');
      expect(isSignedBy(made, key.publicKey)).toBe(true);
    }
  });

  it('PKJ-09 asks for the key before each call, so that it may change', async () => {
    const keys = [jwk, { ...ecKey().privateKey.export({ format: 'jwk' }), kid: 'k2' }];
    const authenticator = authenticatorFor({ ...privateKeyJwt, key: () => keys.shift() });
    for (const kid of ['k1', 'k2']) {
      const [header = ''] = String((await authenticate(authenticator)).form['client_assertion']).split('.');
      expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ kid });
    }
    expect(await unavailability(authenticate(authenticator))).toContain('key of clientAuthentication');
  });

  it('PKJ-13 names the option whose function gives no key', async () => {
    const key = () => Promise.reject(new Error('no'));
    expect(await unavailability(authenticate(authenticatorFor({ ...privateKeyJwt, key })))).toMatch(/\bkey\b/);
  });

  it('PKJ-13 tells of a key that cannot sign, and quotes nothing of it', async () => {
    for (const given of ['no key at all', generateKeyPairSync('ed448').privateKey, {}]) {
      const detail = await unavailability(authenticate(authenticatorFor({ ...privateKeyJwt, key: () => given })));
      expect(detail).toMatch(/key of clientAuthentication: \S/);
      expect(detail).not.toContain('no key at all');
    }
  });
});

describe('client_secret_jwt', () => {
  it.each([
    [undefined, 'HS256', 'sha256'],
    ['HS384', 'HS384', 'sha384'],
    ['HS512', 'HS512', 'sha512'],
  ])('CAUTH-07 with the algorithm %s is %s by the octets of the secret', async (algorithm, alg, hash) => {
    const made = await assertion({ ...secretJwt, ...(algorithm !== undefined && { algorithm }) });
    expect(made.header).toEqual({ alg, typ: 'client-authentication+jwt' });
    expect(made.claims).toMatchObject({ iss: 'rs1', aud: ISSUER });
    expect(made.signature).toEqual(createHmac(hash, SECRET).update(made.input).digest());
  });

  it.each([
    ['HS256', 32],
    ['HS384', 48],
    ['HS512', 64],
  ])('CAUTH-07 wants at least as many octets as %s has', async (algorithm, octets) => {
    const authenticator = (clientSecret: string) =>
      authenticatorFor({ ...secretJwt, algorithm, clientSecret: () => clientSecret });
    expect(await unavailability(authenticate(authenticator('x'.repeat(octets - 1))))).toMatch(/clientSecret/);
    expect((await authenticate(authenticator('x'.repeat(octets)))).form).toHaveProperty('client_assertion');
    // Octets, not characters.
    expect((await authenticate(authenticator('é'.repeat(octets / 2)))).form).toHaveProperty('client_assertion');
  });

  it('wants a secret', async () => {
    const authenticator = authenticatorFor({ ...secretJwt, clientSecret: () => '' });
    expect(await unavailability(authenticate(authenticator))).toContain('clientSecret');
  });
});
