import { normalizeMediaType } from '../../protocol/compact-jwt.js';
import { issuerFault, urlFault } from '../../protocol/issuer-identifier.js';
import { ACCESS_TOKEN_TYPE } from '../../protocol/token-purpose.js';
import { isTextList, type OptionGroup } from './option-group.js';
import { resolveClaimMapping } from './resolve-claim-mapping.js';
import { resolveClientAuthentication } from './resolve-client-authentication.js';
import { resolveCompatibility } from './resolve-compatibility.js';
import { resolveDecryption } from './resolve-decryption.js';
import { resolveIntrospectionParameters, resolveIntrospectionResponse } from './resolve-introspection.js';
import { resolveKeys } from './resolve-keys.js';
import { resolveRequiredClaims } from './resolve-required-claims.js';
import type { KeySetLifetime, ResolvedIssuerOptions } from './resolved-options.js';

export const ISSUER_OPTIONS = (
  'issuer audience allowMissingAudience verification discovery introspectionEndpoint jwksUri jwks keySet clientAuthentication ' +
  'introspectionResponse introspectionParameters algorithms tokenTypes requiredClaims claims requireTokenType decryptionKeys ' +
  'encryptedTokens compatibility'
).split(' ');

/** Checks the options of one authorization server. */
export function resolveIssuerOptions(options: OptionGroup, allowInsecureHttp: boolean): ResolvedIssuerOptions {
  const compatibility = resolveCompatibility(options.group('compatibility'));
  const clientAuthentication = resolveClientAuthentication(options, compatibility.rawBasicEncoding);
  const resolved: ResolvedIssuerOptions = {
    issuer: resolveIssuer(options, allowInsecureHttp),
    audience: resolveAudience(options),
    allowMissingAudience: options.boolean('allowMissingAudience', false),
    verification: options.oneOf('verification', ['local', 'remote', 'hybrid', 'both'], 'hybrid'),
    discovery: options.boolean('discovery', true),
    introspectionEndpoint: resolveUrl(options, 'introspectionEndpoint', allowInsecureHttp),
    jwksUri: resolveUrl(options, 'jwksUri', allowInsecureHttp),
    ...resolveKeys(options),
    keySet: resolveKeySet(options.group('keySet')),
    clientAuthentication,
    introspectionResponse: resolveIntrospectionResponse(options, clientAuthentication),
    introspectionParameters: resolveIntrospectionParameters(options),
    tokenTypes: resolveTokenTypes(options),
    requiredClaims: resolveRequiredClaims(options),
    claims: resolveClaimMapping(options.group('claims'), compatibility),
    requireTokenType: options.boolean('requireTokenType', false),
    ...resolveDecryption(options),
    compatibility,
  };
  refuseContradictions(options, resolved);
  return resolved;
}

function resolveKeySet(group: OptionGroup): KeySetLifetime {
  group.allowOnly(['maxAgeSeconds', 'cooldownSeconds', 'maxStaleSeconds']);
  return {
    maxAgeSeconds: group.integer('maxAgeSeconds', 600, 1, 86_400),
    cooldownSeconds: group.integer('cooldownSeconds', 30, 1, 3600),
    maxStaleSeconds: group.integer('maxStaleSeconds', 3600, 0, 604_800),
  };
}

function resolveIssuer(options: OptionGroup, allowInsecureHttp: boolean): string {
  const issuer = options.get('issuer');
  if (typeof issuer !== 'string' || issuer === '') {
    options.refuse('issuer', "give the authorization server's issuer identifier, such as 'https://auth.example.com'");
    return '';
  }
  const fault = issuerFault(issuer, allowInsecureHttp);
  if (fault !== undefined) options.refuse('issuer', `it ${fault}; give the exact issuer identifier`);
  return issuer;
}

function resolveAudience(options: OptionGroup): readonly string[] | null {
  const audience = options.get('audience');
  if (audience === null) return null;
  if (typeof audience === 'string' && audience !== '') return [audience];
  if (isTextList(audience)) return [...audience];
  options.refuse(
    'audience',
    "give this API's identifier, a list of them, or null (written out) to accept tokens for any audience",
  );
  return [];
}

function resolveUrl(options: OptionGroup, name: string, allowInsecureHttp: boolean): string | undefined {
  const url = options.get(name);
  if (url === undefined) return undefined;
  const fault = typeof url === 'string' ? urlFault(url, allowInsecureHttp) : 'is no string';
  if (fault === undefined) return url as string;
  options.refuse(name, `it ${fault}; give an absolute https URL`);
  return undefined;
}

function resolveTokenTypes(options: OptionGroup): readonly (string | null)[] {
  const types = options.given('tokenTypes', ['at+jwt']);
  if (
    Array.isArray(types) &&
    types.length > 0 &&
    types.every((type) => type === null || (typeof type === 'string' && type !== ''))
  ) {
    return types.map((type: string | null) => (type === null ? null : normalizeMediaType(type)));
  }
  options.refuse('tokenTypes', "give a list of JWT types such as 'at+jwt' and 'JWT'; null in it accepts a JWT without typ");
  return [ACCESS_TOKEN_TYPE];
}

function refuseContradictions(options: OptionGroup, resolved: ResolvedIssuerOptions): void {
  const { verification, discovery, jwks, jwksUri, introspectionEndpoint } = resolved;
  if (options.has('jwks') && options.has('jwksUri')) options.refuse('jwks', 'give jwks or jwksUri, not both');
  const hasKeys = discovery || jwks !== undefined || jwksUri !== undefined;
  const where = 'give jwksUri or jwks, or switch discovery on';
  if (verification !== 'remote' && !hasKeys) {
    options.refuse('verification', `it needs keys: ${where}, or write verification: 'remote'`);
  }
  if (verification !== 'local' && resolved.introspectionResponse.type !== 'json' && !hasKeys) {
    options.refuse('introspectionResponse', `signed responses need keys: ${where}`);
  }
  if (verification === 'local') return;
  if (!options.has('clientAuthentication')) {
    options.refuse('clientAuthentication', "give the credentials for the introspection endpoint, or write verification: 'local'");
  }
  if (!discovery && introspectionEndpoint === undefined) {
    options.refuse('introspectionEndpoint', "give its URL, or switch discovery on, or write verification: 'local'");
  }
}
