import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { ClientAuthentication, IntrospectionModuleOptions } from 'nestjs-introspection';
import { expect } from 'vitest';
import { json, type RawHandler } from '../support/authorization-server.js';
import { assertionOf, eventLog, isSignedBy, JWT_BEARER, otherCredentials } from '../support/client-assertions.js';
import { expect200, expect503 } from '../support/expectations.js';
import { ecKey, edKey, rsaKey } from '../support/keys.js';
import { describeScenarios, scenario, type Scenario } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';

type PrivateKeyJwt = Extract<ClientAuthentication, { method: 'private_key_jwt' }>;

const own = ecKey('P-256', 'rs1-key');
const successor = ecKey('P-256', 'rs1-key-2');
const rsa = await rsaKey(2048, 'rs1-rsa');
const edwards = edKey('ed25519', 'rs1-ed');
const jwkOf = ({ privateKey, kid }: typeof own): PrivateKeyJwt['key'] => ({
  ...(privateKey.export({ format: 'jwk' }) as { kty: string }),
  kid,
});

const privateKeyJwt = (overrides: Partial<PrivateKeyJwt> = {}): Partial<IntrospectionModuleOptions> => ({
  clientAuthentication: { method: 'private_key_jwt', clientId: 'rs1', key: jwkOf(own), ...overrides },
});

/** The assertion of the only call that a good token cost. */
async function asked({ as, rs }: Fixture): Promise<ReturnType<typeof assertionOf>> {
  const before = as.introspections;
  expect200(await rs.get('/r', `Bearer ${as.token()}`));
  expect(as.introspections - before).toBe(1);
  return assertionOf(as.introspectionRequests().at(-1));
}

describeScenarios(
  'Client assertions',
  [
    scenario('PKJ-01 PKJ-11 CAUTH-03 CAUTH-11 BCP-08 one assertion, its type, and no other credential', {}, async (fixture) => {
      await asked(fixture);
      const request = fixture.as.introspectionRequests()[0];
      expect(request?.form.getAll('client_assertion_type')).toEqual([JWT_BEARER]);
      expect(request?.form.getAll('token')).toHaveLength(1);
      expect(otherCredentials(request)).toEqual([]);
      expect(request?.url).toBe('/introspect');
    }),

    scenario('PKJ-02 PKJ-10 iss and sub are the client id, and client_id says nothing else', {}, async (fixture) => {
      const { claims } = await asked(fixture);
      expect([claims['iss'], claims['sub']]).toEqual(['rs1', 'rs1']);
      expect(
        fixture.as
          .introspectionRequests()[0]
          ?.form.getAll('client_id')
          .filter((id) => id !== 'rs1'),
      ).toEqual([]);
    }),

    scenario('PKJ-03 aud is the issuer identifier, alone and a text', {}, async (fixture) => {
      expect((await asked(fixture)).claims['aud']).toBe(fixture.as.issuer);
    }),

    scenario(
      'PKJ-04 PKJ-06 PKJ-12 it is issued now, never ahead of the clock, and lives for 60 seconds at most',
      {},
      async (fixture) => {
        for (const milliseconds of [0, 1, 500, 999]) {
          fixture.clock.setMilliseconds(1_900_000_000_000 + milliseconds);
          const { iat, exp, nbf } = (await asked(fixture)).claims as Record<string, number>;
          expect(iat).toBe(1_900_000_000);
          expect(exp).toBeGreaterThan(1_900_000_000);
          expect(exp).toBeLessThanOrEqual(1_900_000_060);
          if (nbf !== undefined) expect(nbf).toBeLessThanOrEqual(1_900_000_000);
        }
      },
    ),

    scenario('PKJ-05 T123 every call has an assertion of its own', {}, async (fixture) => {
      const assertions = [];
      for (let round = 0; round < 5; round += 1) assertions.push(await asked(fixture));
      const ids = assertions.map(({ claims }) => claims['jti']);
      expect(new Set(ids).size).toBe(5);
      for (const id of ids) expect(String(id).length).toBeGreaterThanOrEqual(16);
    }),

    scenario('PKJ-08 PKJ-09 the header says what it is and which key made it', {}, async (fixture) => {
      const { header } = await asked(fixture);
      expect(header).toMatchObject({ typ: 'client-authentication+jwt', kid: 'rs1-key', alg: 'ES256' });
      // A key or a place of keys in the header would invite the server to trust it.
      expect(Object.keys(header).filter((name) => ['jwk', 'jku', 'x5c', 'x5u'].includes(name))).toEqual([]);
    }),

    scenario(
      'PKJ-14 aud stays the configured issuer, wherever the metadata sends the call',
      {
        prepare: ({ as }) => {
          const elsewhere = `${as.origin.replace('127.0.0.1', 'localhost')}/elsewhere`;
          as.metadata = { ...as.metadata, introspection_endpoint: elsewhere, token_endpoint: 'https://evil.test/token' };
          as.replace('/elsewhere', (_request, response) => json(response, { active: true, ...as.claims() }));
        },
      },
      async ({ as, rs }) => {
        expect200(await rs.get('/r', `Bearer ${as.token()}`));
        const request = as.requests.find(({ path }) => path === '/elsewhere');
        expect(assertionOf(request).claims['aud']).toBe(as.issuer);
      },
    ),

    ...retried([
      ['the connection was reset', (request) => request.socket.destroy()],
      ['the server was unavailable', (_request, response) => response.writeHead(503).end()],
    ]),
  ],
  { options: privateKeyJwt() },
);

function retried(failures: [string, RawHandler][]): Scenario[] {
  return failures.map(([what, fail]) =>
    scenario(`PKJ-15 PKJ-05 when ${what}, the retry has a new assertion`, {}, async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      let calls = 0;
      as.replace('introspection', (request, response, body) => {
        calls += 1;
        if (calls === 1) fail(request, response, body);
        else json(response, { active: true, ...as.claims() });
      });
      expect200(await rs.get('/r', 'Bearer some-client-token'));
      const ids = as.introspectionRequests().map((request) => assertionOf(request).claims['jti']);
      expect(ids).toHaveLength(3);
      expect(new Set(ids).size).toBe(3);
    }),
  );
}

const pkcs1 = rsa.privateKey.export({ format: 'pem', type: 'pkcs1' }).toString();
const forms: [what: string, overrides: Partial<PrivateKeyJwt>, alg: string, key: typeof own][] = [
  ['an EC JWK', { key: jwkOf(own) }, 'ES256', own],
  ['an RSA JWK', { key: jwkOf(rsa) }, 'RS256', rsa],
  ['an RSA JWK that names its alg', { key: { ...(jwkOf(rsa) as { kty: string }), alg: 'PS256' } }, 'PS256', rsa],
  ['an Ed25519 JWK', { key: jwkOf(edwards) }, 'EdDSA', edwards],
  ['PKCS #8 PEM', { key: own.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() }, 'ES256', own],
  ['SEC 1 PEM', { key: own.privateKey.export({ format: 'pem', type: 'sec1' }).toString() }, 'ES256', own],
  ['PKCS #1 PEM', { key: pkcs1 }, 'RS256', rsa],
  ['a key object', { key: own.privateKey }, 'ES256', own],
  ['PS256 by name', { key: rsa.privateKey, algorithm: 'PS256' }, 'PS256', rsa],
  ['RS512 by name', { key: rsa.privateKey, algorithm: 'RS512' }, 'RS512', rsa],
  ['EdDSA by name', { key: edwards.privateKey, algorithm: 'EdDSA' }, 'EdDSA', edwards],
  ['Ed25519 by name', { key: edwards.privateKey, algorithm: 'Ed25519' }, 'Ed25519', edwards],
  ['a function', { key: () => own.privateKey }, 'ES256', own],
  ['an async function', { key: async () => Promise.resolve(pkcs1) }, 'RS256', rsa],
];

describeScenarios(
  'Keys of client assertions',
  forms.map(([what, overrides, alg, key]) =>
    scenario(
      `PKJ-07 PKJ-13 ${what} signs with ${alg}, and is in no log`,
      { options: privateKeyJwt(overrides) },
      async (fixture) => {
        const assertion = await asked(fixture);
        expect(assertion.header['alg']).toBe(alg);
        expect(isSignedBy(assertion, createPublicKey(key.privateKey))).toBe(true);
        expect(isSignedBy(assertion, createPublicKey(successor.privateKey))).toBe(false);
        const { d = '' } = key.privateKey.export({ format: 'jwk' });
        const answered = await fixture.rs.get('/any', 'Bearer unknown-client-token');
        const visible = `${fixture.rs.logs.join('\n')}\n${answered.body}\n${answered.headers.join('\n')}`;
        expect(visible).not.toContain(d.slice(0, 20));
        expect(visible).not.toContain(assertion.compact.slice(-40));
      },
    ),
  ),
);

let current = own;
let requested = 0;
const rotation: Scenario[] = [
  scenario(
    'PKJ-09 keyId names the key',
    { options: privateKeyJwt({ key: own.privateKey, keyId: 'by-name' }) },
    async (fixture) => {
      expect((await asked(fixture)).header['kid']).toBe('by-name');
    },
  ),
  scenario('PKJ-09 keyId wins over the kid of the JWK', { options: privateKeyJwt({ keyId: 'by-name' }) }, async (fixture) => {
    expect((await asked(fixture)).header['kid']).toBe('by-name');
  }),
  scenario(
    'PKJ-09 T123 the next call after a rotation uses the new key, without one failed request',
    {
      options: privateKeyJwt({
        key: () => {
          requested += 1;
          return jwkOf(current) as { kty: string };
        },
      }),
      prepare: () => {
        requested = 0;
        current = own;
      },
    },
    async (fixture) => {
      for (const next of [own, successor, rsa, own]) {
        current = next;
        const assertion = await asked(fixture);
        expect(assertion.header['kid']).toBe(next.kid);
        expect(isSignedBy(assertion, next.publicKey)).toBe(true);
      }
      expect(requested).toBeGreaterThanOrEqual(4);
    },
  ),
  scenario(
    'PKJ-03 PKJ-14 another audience has to be typed out, and is sent as a text',
    { options: privateKeyJwt({ audience: 'https://as.example.com/token' }) },
    async (fixture) => {
      expect((await asked(fixture)).claims['aud']).toBe('https://as.example.com/token');
    },
  ),
  scenario('PKJ-04 lifetimeSeconds is the lifetime', { options: privateKeyJwt({ lifetimeSeconds: 10 }) }, async (fixture) => {
    const { iat, exp } = (await asked(fixture)).claims as Record<string, number>;
    expect(Number(exp) - Number(iat)).toBe(10);
  }),
];

describeScenarios('Client assertions, rotated and adjusted', rotation);

const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
const unusable: [what: string, key: () => unknown][] = [
  [
    'throws',
    () => {
      throw new Error('secret-of-the-vault');
    },
  ],
  ['fails later', () => Promise.reject(new Error('secret-of-the-vault'))],
  ['answers nothing', () => undefined],
  ['answers a text that is no key', () => 'secret-of-the-vault'],
  ['answers a public key', () => own.publicKey],
  ['answers a public JWK', () => own.jwk],
  ['answers a symmetric JWK', () => ({ kty: 'oct', k: Buffer.alloc(64, 7).toString('base64url') })],
  ['answers an RSA key of 1024 bits', () => weak],
  ['answers a key of a curve that signs nothing', () => generateKeyPairSync('x25519').privateKey],
];

describeScenarios('Keys that cannot be had', [
  ...unusable.map(([what, key]) => {
    const { events, onEvent } = eventLog();
    const options = { ...privateKeyJwt({ key: key as PrivateKeyJwt['key'] }), onEvent };
    return scenario(`PKJ-13 T123 a function that ${what}: 503, nothing asked, nothing told`, { options }, async ({ rs }) => {
      const answer = await rs.get('/r', 'Bearer some-client-token');
      expect503(answer);
      expect(answer.introspections).toBe(0);
      expect(rs.logs).not.toEqual([]);
      expect(rs.logs.join('\n') + JSON.stringify(events)).not.toMatch(/secret-of-the-vault|some-client-token|BwcHBwcHBwc/);
    });
  }),
  scenario(
    'PKJ-13 T123 a function that never answers costs the deadline: 503',
    { options: { ...privateKeyJwt({ key: () => new Promise<string>(() => undefined) }), http: { timeoutMs: 150 } } },
    async ({ rs }) => {
      const started = performance.now();
      const answer = await rs.get('/r', 'Bearer some-client-token');
      expect503(answer);
      expect(answer.introspections).toBe(0);
      expect(performance.now() - started).toBeLessThan(1500);
    },
  ),
]);
