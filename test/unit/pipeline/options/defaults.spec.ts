import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../../../libs/introspection/src/pipeline/options/resolve-options.js';
import { WELL } from '../../../support/configuration.js';

const { clientAuthentication } = WELL;
const MINIMAL = { issuer: 'https://as.example.com', audience: 'https://rs.example.com', clientAuthentication };
const ASYMMETRIC = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');

describe('options that are not given', () => {
  it('are what the contract says for an issuer', () => {
    const { issuers } = resolveOptions(MINIMAL);
    expect(issuers).toHaveLength(1);
    expect(Array.isArray(issuers) ? issuers[0] : undefined).toMatchObject({
      issuer: 'https://as.example.com',
      audience: ['https://rs.example.com'],
      allowMissingAudience: false,
      verification: 'hybrid',
      discovery: true,
      introspectionEndpoint: undefined,
      jwksUri: undefined,
      jwks: undefined,
      algorithms: ASYMMETRIC,
      tokenTypes: ['application/at+jwt'],
      requireTokenType: false,
      claims: {
        scopes: ['scope', 'scp'],
        roles: ['roles'],
        clientId: ['client_id'],
        tokenId: ['jti'],
        sessionId: ['sid'],
        subjectType: [],
      },
      keySet: { maxAgeSeconds: 600, cooldownSeconds: 30, maxStaleSeconds: 3600 },
      encryptedTokens: 'refused',
    });
  });

  it('are what the contract says for a resource server', () => {
    const resolved = resolveOptions(MINIMAL);
    expect(resolved).toMatchObject({
      clockToleranceSeconds: 5,
      allowInsecureHttp: false,
      realm: 'api',
      extract: { formBody: false, query: false, maxTokenLength: 8192, token: undefined },
      http: { timeoutMs: 2000, maxResponseBytes: 1_048_576, retries: 1 },
      onEvent: undefined,
      warnings: [],
    });
    expect(Math.abs(resolved.clock.now() - Date.now())).toBeLessThan(5000);
  });

  it('are never read from the environment', () => {
    const before = { ...process.env };
    Object.assign(process.env, { INTROSPECTION_REALM: 'x', INTROSPECTION_ALLOW_INSECURE_HTTP: 'true', NODE_ENV: 'test' });
    try {
      expect(resolveOptions(MINIMAL)).toMatchObject({ realm: 'api', allowInsecureHttp: false });
    } finally {
      process.env = before;
    }
  });

  it('are not shared between two resource servers', () => {
    const audience = ['https://rs.example.com'];
    const first = resolveOptions({ ...MINIMAL, audience });
    audience.push('https://evil.example');
    const issuer = Array.isArray(first.issuers) ? first.issuers[0] : undefined;
    expect(issuer).toMatchObject({ audience: ['https://rs.example.com'] });
  });
});

describe('what is allowed but unwise', () => {
  it('warns of audience: null', () => {
    expect(resolveOptions({ ...MINIMAL, audience: null }).warnings).toEqual([expect.stringContaining('audience')]);
  });

  it('warns of http beyond loopback, and not on it', () => {
    const at = (issuer: string) => resolveOptions({ ...MINIMAL, issuer, allowInsecureHttp: true }).warnings;
    expect(at('http://as.example.com')).toEqual([expect.stringContaining('allowInsecureHttp')]);
    expect(at('http://localhost.evil.example')).toHaveLength(1);
    for (const loopback of ['http://localhost:1', 'http://127.0.0.1:1', 'http://127.1.2.3', 'http://[::1]:1'])
      expect(at(loopback)).toEqual([]);
  });
});
