import type { AuthorizationServerMetadata } from '../../protocol/authorization-server-metadata.js';
import { readSigningKey } from '../keys/signing-key.js';
import type { ResolvedIssuerOptions } from '../options/resolved-options.js';

/**
 * What an operator should hear about metadata that does not list what the options say. Warnings and no refusals: the
 * operator may know better, and the options win.
 *
 * @returns constant texts
 * @see RFC 8414 §2, RFC 9701 §7
 */
export function compareMetadata(metadata: AuthorizationServerMetadata, options: ResolvedIssuerOptions): string[] {
  if (options.verification === 'local') return [];
  return [...compareMethod(metadata, options), ...compareAssertion(metadata, options), ...compareResponse(metadata, options)];
}

function compareMethod(
  { introspectionAuthMethods: methods }: AuthorizationServerMetadata,
  options: ResolvedIssuerOptions,
): string[] {
  const method = options.clientAuthentication?.method;
  if (method === undefined || method === 'none' || methods === undefined) return [];
  // Beside methods, the list may name the types of access tokens, such as Bearer.
  if (methods.some((name) => name.toLowerCase() === method)) return [];
  return [`the metadata does not list ${method} for the introspection endpoint; check clientAuthentication.method`];
}

function compareAssertion(metadata: AuthorizationServerMetadata, options: ResolvedIssuerOptions): string[] {
  const algorithm = assertionAlgorithmOf(options);
  if (algorithm === undefined || metadata.introspectionAuthMethods === undefined) return [];
  const name = 'introspection_endpoint_auth_signing_alg_values_supported';
  const algorithms = metadata.introspectionAuthAlgorithms?.filter((listed) => listed !== 'none');
  if (algorithms === undefined) return [`the metadata has no ${name}; ${algorithm} is used`];
  return algorithms.includes(algorithm) ? [] : [`the metadata does not list ${algorithm} in ${name}; check clientAuthentication`];
}

function assertionAlgorithmOf({ clientAuthentication }: ResolvedIssuerOptions): string | undefined {
  if (clientAuthentication?.method === 'client_secret_jwt') return clientAuthentication.algorithm ?? 'HS256';
  if (clientAuthentication?.method !== 'private_key_jwt') return undefined;
  const { algorithm, key } = clientAuthentication;
  if (algorithm !== undefined || typeof key === 'function') return algorithm;
  const signing = readSigningKey(key, undefined, undefined);
  return 'fault' in signing ? undefined : signing.algorithm;
}

function compareResponse(
  { introspectionSigningAlgorithms: listed }: AuthorizationServerMetadata,
  options: ResolvedIssuerOptions,
): string[] {
  const { type, algorithms } = options.introspectionResponse;
  if (type === 'json' || listed === undefined || algorithms.some((algorithm) => listed.includes(algorithm))) return [];
  return [
    'the metadata lists other algorithms in introspection_signing_alg_values_supported; check introspectionResponse.algorithms',
  ];
}
