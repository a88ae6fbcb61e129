import { createResourceServer, type ResourceServerOptions } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { LeakSearch } from '../support/leaks.js';
import { randomText } from '../support/witness.js';

const CANARY = `canary-${randomText()}`;
const search = new LeakSearch([{ name: 'the misplaced secret', text: CANARY }]);

const base = {
  issuer: 'https://as.example.com',
  audience: 'https://rs.example.com',
  clientAuthentication: { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'secret' },
};
const auth = (members: Record<string, unknown>): object => ({
  clientAuthentication: { clientId: 'rs1', ...members },
});
const shared = { get: () => undefined, set: () => undefined, delete: () => undefined };

/** Secrets where none belongs, or that are not good enough where they belong. */
const MISTAKES: Record<string, object> = {
  'as the method': auth({ method: CANARY, clientSecret: CANARY }),
  'as a list': auth({ method: 'client_secret_basic', clientSecret: [CANARY] }),
  'as an object': auth({ method: 'client_secret_post', clientSecret: { value: CANARY } }),
  'too short for its hash': auth({ method: 'client_secret_jwt', algorithm: 'HS512', clientSecret: CANARY }),
  'as an algorithm': auth({ method: 'client_secret_jwt', algorithm: CANARY, clientSecret: CANARY }),
  'as a key that is none': auth({ method: 'private_key_jwt', key: CANARY }),
  'in broken PEM': auth({
    method: 'private_key_jwt',
    key: `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----`,
  }),
  'in a broken JWK': auth({ method: 'private_key_jwt', key: { kty: 'EC', crv: 'P-256', x: CANARY, y: CANARY, d: CANARY } }),
  'in a JWK of a kind that is not known': auth({ method: 'private_key_jwt', key: { kty: CANARY, d: CANARY } }),
  'as a certificate': auth({ method: 'tls_client_auth', certificate: CANARY, key: CANARY }),
  'beside another method': auth({ method: 'bearer', token: 'x', clientSecret: CANARY }),
  'as an option without a value for it': { verification: CANARY, realm: { [CANARY]: CANARY }, issuer: [CANARY] },
  'in the address of the issuer': { issuer: `https://rs1:${CANARY}@as.example.com` },
  'in the query of an endpoint': { introspectionEndpoint: `http://as.example.com/introspect?secret=${CANARY}` },
  'in the fragment of an endpoint': { introspectionEndpoint: `https://as.example.com/introspect#${CANARY}` },
  'in the user of an endpoint': { introspectionEndpoint: `https://${CANARY}:${CANARY}@as.example.com/introspect` },
  'as extra parameters': { introspectionParameters: { client_secret: CANARY, token: CANARY } },
  'as a secret of a cache that shares nothing': { cache: { ttlMs: 1, secret: CANARY } },
  'in a list of secrets': { cache: { ttlMs: 1, shared, secret: [CANARY, 1] } },
  'as a store': { cache: { ttlMs: 1, shared: { url: CANARY }, secret: CANARY } },
  'as a key to decrypt with': { decryptionKeys: [{ kty: 'RSA', d: CANARY, n: CANARY, e: 'AQAB' }], encryptedTokens: 'allowed' },
  'as a symmetric key': { jwks: { keys: [{ kty: 'oct', k: CANARY }] }, algorithms: ['HS256', CANARY] },
  'as an authority': { http: { ca: { pem: CANARY } } },
  'as a user agent': { http: { userAgent: `${CANARY}\n` } },
};

describe('T120 a configuration that is refused repeats no value', () => {
  it.each(Object.entries(MISTAKES))('%s', (_where, mistake) => {
    let thrown: unknown;
    try {
      const options: unknown = { ...base, ...mistake };
      void createResourceServer(options as ResourceServerOptions).close();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'ERR_CONFIGURATION' });
    expect(search.findIn('the error', thrown)).toEqual([]);
  });
});
