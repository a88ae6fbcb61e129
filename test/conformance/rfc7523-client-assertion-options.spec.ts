import { createHmac, generateKeyPairSync } from 'node:crypto';
import type { ClientAuthentication, IntrospectionModuleOptions } from 'nestjs-introspection';
import { describe, expect, it } from 'vitest';
import type { AuthorizationServer } from '../support/authorization-server.js';
import { assertionOf, JWT_BEARER, otherCredentials } from '../support/client-assertions.js';
import { wrongOptions, changed, problemsOf } from '../support/configuration.js';
import { expect200, expect503 } from '../support/expectations.js';
import { ecKey, rsaKey } from '../support/keys.js';
import { describeScenarios, scenario } from '../support/scenario.js';

type SecretJwt = Extract<ClientAuthentication, { method: 'client_secret_jwt' }>;
const S32 = 'a-secret-of-thirty-two-octets-!!';
const S48 = `${S32}sixteen-octets-!`;
const S64 = `${S32}${S32}`;
const own = ecKey();
const rsa = await rsaKey();

const secretJwt = (overrides: Partial<SecretJwt> = {}): Partial<IntrospectionModuleOptions> => ({
  clientAuthentication: { method: 'client_secret_jwt', clientId: 'rs1', clientSecret: S32, ...overrides },
});

const macs: [alg: 'HS256' | 'HS384' | 'HS512', secret: string, overrides: Partial<SecretJwt>][] = [
  ['HS256', S32, {}],
  ['HS256', S64, { algorithm: 'HS256' }],
  ['HS384', S48, { algorithm: 'HS384' }],
  ['HS512', S64, { algorithm: 'HS512' }],
  ['HS256', 'ü'.repeat(16), {}],
  ['HS256', `${S32} with a blank\tand "quotes"`, {}],
];

describeScenarios('client_secret_jwt', [
  ...macs.map(([alg, clientSecret, overrides]) =>
    scenario(
      `CAUTH-07 PKJ-11 ${alg} with ${Buffer.byteLength(clientSecret)} octets: the MAC is right and the secret stays here`,
      { options: secretJwt({ ...overrides, clientSecret }) },
      async ({ as, rs }) => {
        expect200(await rs.get('/r', `Bearer ${as.token()}`));
        const [request] = as.introspectionRequests();
        const { header, claims, input, signature } = assertionOf(request);
        const expected = createHmac(`sha${alg.slice(2)}`, Buffer.from(clientSecret, 'utf8'))
          .update(input)
          .digest();
        expect(header).toMatchObject({ alg, typ: 'client-authentication+jwt' });
        expect(signature.equals(expected)).toBe(true);
        expect(claims).toMatchObject({ iss: 'rs1', sub: 'rs1', aud: as.issuer });
        expect(Number(claims['exp']) - Number(claims['iat'])).toBeLessThanOrEqual(60);
        expect(request?.form.getAll('client_assertion_type')).toEqual([JWT_BEARER]);
        expect(otherCredentials(request)).toEqual([]);
        expect(`${request?.body}\n${rs.logs.join('\n')}`).not.toContain(encodeURIComponent(clientSecret).slice(0, 20));
      },
    ),
  ),

  scenario('PKJ-05 CAUTH-07 two calls have two assertions', { options: secretJwt() }, async ({ as, rs }) => {
    for (let round = 0; round < 2; round += 1) expect200(await rs.get('/r', `Bearer ${as.token()}`));
    const ids = as.introspectionRequests().map((request) => assertionOf(request).claims['jti']);
    expect(new Set(ids).size).toBe(2);
  }),

  scenario(
    'CAUTH-07 T123 a function whose secret is too short for the hash: 503, nothing asked, nothing told',
    { options: secretJwt({ clientSecret: () => 'short-but-secret' }) },
    async ({ rs }) => {
      const answer = await rs.get('/r', 'Bearer some-client-token');
      expect503(answer);
      expect(answer.introspections).toBe(0);
      expect(rs.logs).not.toEqual([]);
      expect(rs.logs.join('\n')).not.toContain('short-but-secret');
    },
  ),
]);

const signed = (algorithms: unknown) => ({
  options: { clientAuthentication: { method: 'private_key_jwt', clientId: 'rs1', key: own.privateKey } as const },
  prepare: ({ as }: { as: AuthorizationServer }) => {
    as.metadata = {
      ...as.metadata,
      introspection_endpoint_auth_methods_supported: ['private_key_jwt'],
      ...(algorithms !== undefined && { introspection_endpoint_auth_signing_alg_values_supported: algorithms }),
    };
  },
});
const warned = (logs: readonly string[]): boolean => logs.some((line) => /ES256|signing_alg/.test(line));

describeScenarios('Signing algorithms that the metadata advertises', [
  scenario('META-09 PKJ-07 the configured one is used where it is listed', signed(['RS256', 'ES256']), async ({ as, rs }) => {
    expect200(await rs.get('/r', `Bearer ${as.token()}`));
    expect(assertionOf(as.introspectionRequests()[0]).header['alg']).toBe('ES256');
    expect(warned(rs.logs)).toBe(false);
  }),
  ...(
    [
      ['no list at all', undefined],
      ['a list without it', ['PS256']],
      ['a list of none', ['none']],
    ] as const
  ).map(([what, algorithms]) =>
    scenario(`META-09 PKJ-07 ${what}: a warning, and the configured one is used`, signed(algorithms), async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      expect(assertionOf(as.introspectionRequests()[0]).header['alg']).toBe('ES256');
      expect(warned(rs.logs)).toBe(true);
    }),
  ),
]);

const wrong: [what: string, clientAuthentication: Record<string, unknown>][] = [
  ['CAUTH-07 HS256 with a secret of 20 octets', { method: 'client_secret_jwt', clientSecret: 'x'.repeat(20) }],
  ['CAUTH-07 HS256 with a secret of 31 octets', { method: 'client_secret_jwt', clientSecret: 'x'.repeat(31) }],
  ['CAUTH-07 HS384 with 47 octets', { method: 'client_secret_jwt', clientSecret: 'x'.repeat(47), algorithm: 'HS384' }],
  ['CAUTH-07 HS512 with 63 octets', { method: 'client_secret_jwt', clientSecret: 'x'.repeat(63), algorithm: 'HS512' }],
  ['CAUTH-07 an asymmetric algorithm with a secret', { method: 'client_secret_jwt', clientSecret: S64, algorithm: 'RS256' }],
  ['CAUTH-07 no secret', { method: 'client_secret_jwt' }],
  ['PKJ-07 algorithm none', { method: 'private_key_jwt', key: own.privateKey, algorithm: 'none' }],
  ['PKJ-07 an algorithm for another key', { method: 'private_key_jwt', key: own.privateKey, algorithm: 'RS256' }],
  ['PKJ-07 an algorithm for another curve', { method: 'private_key_jwt', key: own.privateKey, algorithm: 'ES384' }],
  ['PKJ-07 a symmetric algorithm', { method: 'private_key_jwt', key: own.privateKey, algorithm: 'HS256' }],
  ['PKJ-07 an unknown algorithm', { method: 'private_key_jwt', key: own.privateKey, algorithm: 'XY256' }],
  ['PKJ-07 an RSA key of 1024 bits', { method: 'private_key_jwt', key: weakRsa() }],
  ['PKJ-13 no key', { method: 'private_key_jwt' }],
  ['PKJ-13 a public key', { method: 'private_key_jwt', key: own.publicKey }],
  ['PKJ-13 a public JWK', { method: 'private_key_jwt', key: own.jwk }],
  ['PKJ-13 a text that is no key', { method: 'private_key_jwt', key: 'not-a-pem-but-secret' }],
  ['PKJ-13 an encrypted PEM', { method: 'private_key_jwt', key: encryptedPem() }],
  ['PKJ-13 a symmetric JWK', { method: 'private_key_jwt', key: { kty: 'oct', k: Buffer.alloc(64, 7).toString('base64url') } }],
  ['PKJ-04 a lifetime of nothing', { method: 'private_key_jwt', key: own.privateKey, lifetimeSeconds: 0 }],
  ['PKJ-04 a negative lifetime', { method: 'private_key_jwt', key: own.privateKey, lifetimeSeconds: -1 }],
  ['PKJ-04 a lifetime that is no number', { method: 'private_key_jwt', key: own.privateKey, lifetimeSeconds: '60' }],
  ['PKJ-04 a lifetime that never ends', { method: 'private_key_jwt', key: own.privateKey, lifetimeSeconds: Infinity }],
  ['PKJ-03 a list of audiences', { method: 'private_key_jwt', key: own.privateKey, audience: ['https://as.example.com'] }],
  ['PKJ-03 an empty audience', { method: 'private_key_jwt', key: own.privateKey, audience: '' }],
  ['PKJ-11 a secret beside the key', { method: 'private_key_jwt', key: own.privateKey, clientSecret: S32 }],
];

describe('Client assertions, refused at start-up', () => {
  it.each(wrong)('%s', (_what, clientAuthentication) => {
    const options = changed({ clientAuthentication: { clientId: 'rs1', ...clientAuthentication } });
    expect(wrongOptions(options).join()).toMatch(/^clientAuthentication/);
    expect(JSON.stringify(problemsOf(options))).not.toMatch(/not-a-pem-but-secret|x{20}|BwcHBwcH/);
  });

  it('PKJ-07 PKJ-13 the control: each of these keys is accepted with its own algorithm', () => {
    for (const [key, algorithm] of [
      [own.privateKey, 'ES256'],
      [rsa.privateKey, 'PS512'],
    ] as const) {
      const clientAuthentication = { method: 'private_key_jwt', clientId: 'rs1', key, algorithm, lifetimeSeconds: 30 };
      expect(problemsOf(changed({ clientAuthentication }))).toEqual([]);
    }
  });
});

function weakRsa(): unknown {
  return generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
}

function encryptedPem(): string {
  return own.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'p' }).toString();
}
