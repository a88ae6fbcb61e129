import { describe, expect, it } from 'vitest';
import {
  readMetadata,
  type AuthorizationServerMetadata,
} from '../../../libs/introspection/src/protocol/authorization-server-metadata.js';

const ISSUER = 'https://as.example.com';

function read(members: Record<string, unknown>, allowInsecureHttp = false): AuthorizationServerMetadata {
  const metadata = readMetadata({ issuer: ISSUER, ...members }, ISSUER, allowInsecureHttp);
  expect(metadata).not.toHaveProperty('unusable');
  return metadata as AuthorizationServerMetadata;
}

describe('readMetadata', () => {
  it.each([[[]], [null], ['text'], [5], [undefined]])('META-06 does not use %j', (document) => {
    expect(readMetadata(document, ISSUER, false)).toEqual({ unusable: expect.stringMatching(/JSON object/) as unknown });
  });

  it.each([`${ISSUER}/`, 'https://AS.example.com', 'https://other.example.com', '', null, undefined, [ISSUER]])(
    'META-04 does not use a document of the issuer %j',
    (issuer) => {
      const document = { issuer, introspection_endpoint: `${ISSUER}/introspect` };
      expect(readMetadata(document, ISSUER, false)).toEqual({ unusable: expect.stringMatching(/issuer/) as unknown });
    },
  );

  it('META-18 does not compare issuers after a Unicode normalization', () => {
    const composed = 'https://as.example.com/é'.normalize('NFC');
    expect(readMetadata({ issuer: composed.normalize('NFD') }, composed, false)).toHaveProperty('unusable');
  });

  it('does not take an inherited issuer for that of the document', () => {
    expect(readMetadata(Object.create({ issuer: ISSUER }), ISSUER, false)).toHaveProperty('unusable');
  });

  it('META-07 reads what it knows and leaves out the rest', () => {
    const members = {
      introspection_endpoint: `${ISSUER}/introspect`,
      jwks_uri: `${ISSUER}/jwks`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
      introspection_endpoint_auth_signing_alg_values_supported: ['ES256'],
      introspection_signing_alg_values_supported: [],
      mtls_endpoint_aliases: { introspection_endpoint: 'https://mtls.example.com/introspect' },
      something_else: 5,
    };
    expect(read(members)).toEqual({
      introspectionEndpoint: { url: `${ISSUER}/introspect` },
      mutualTlsIntrospectionEndpoint: { url: 'https://mtls.example.com/introspect' },
      jwksUri: { url: `${ISSUER}/jwks` },
      introspectionAuthMethods: ['client_secret_basic'],
      introspectionAuthAlgorithms: ['ES256'],
      introspectionSigningAlgorithms: [],
      warnings: [],
    });
  });

  it('has no endpoints and no lists where the document names none, and warns of nothing', () => {
    const { introspectionEndpoint, jwksUri, warnings, ...rest } = read({});
    expect(introspectionEndpoint).toEqual({ unusable: expect.stringContaining('introspection_endpoint') as unknown });
    expect(jwksUri).toEqual({ unusable: expect.stringContaining('jwks_uri') as unknown });
    expect(warnings).toEqual([]);
    expect(Object.values(rest)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it.each([
    ['introspection_endpoint_auth_methods_supported', 'introspectionAuthMethods'],
    ['introspection_endpoint_auth_signing_alg_values_supported', 'introspectionAuthAlgorithms'],
    ['introspection_signing_alg_values_supported', 'introspectionSigningAlgorithms'],
  ] as const)('META-07 ignores %s with a warning where it is no list of texts', (name, member) => {
    for (const value of ['x', ['ES256', 5], {}, null, 0]) {
      const metadata = read({ [name]: value });
      expect(metadata[member], JSON.stringify(value)).toBeUndefined();
      expect(metadata.warnings, JSON.stringify(value)).toEqual([expect.stringContaining(name)]);
    }
  });

  it.each([
    ['META-08', 'introspection_endpoint', 'introspectionEndpoint'],
    ['META-11', 'jwks_uri', 'jwksUri'],
  ] as const)('%s uses %s only where it is an https URL', (_row, name, member) => {
    for (const value of [null, 5, ['https://as.example.com/x'], 'relative', 'ftp://as.example.com/x', 'http://as.example.com/x'])
      expect(read({ [name]: value })[member], JSON.stringify(value)).toEqual({
        unusable: expect.stringContaining(name) as unknown,
      });
    expect(read({ [name]: 'http://as.example.com/x' }, true)[member]).toEqual({ url: 'http://as.example.com/x' });
  });

  it('says of an endpoint that is absent something else than of one that is unusable', () => {
    const absent = read({}).jwksUri;
    expect(read({ jwks_uri: null }).jwksUri).toEqual(absent);
    expect(read({ jwks_uri: 5 }).jwksUri).not.toEqual(absent);
    expect(read({ jwks_uri: 5 }).jwksUri).not.toEqual(read({ jwks_uri: 'http://as.example.com/x' }).jwksUri);
  });

  it.each([[{}], [[]], ['https://as.example.com'], [null], [{ token_endpoint: 'https://as.example.com/token' }]])(
    'CAUTH-06 knows no endpoint for mutual TLS in the aliases %j',
    (aliases) => {
      expect(read({ mtls_endpoint_aliases: aliases }).mutualTlsIntrospectionEndpoint).toBeUndefined();
    },
  );

  it('CAUTH-06 does not go round an alias that cannot be used', () => {
    for (const endpoint of [5, 'http://as.example.com/introspect', null])
      expect(read({ mtls_endpoint_aliases: { introspection_endpoint: endpoint } }).mutualTlsIntrospectionEndpoint).toHaveProperty(
        'unusable',
      );
  });
});
