import { isJsonObject, type JsonObject, member } from './json.js';
import { urlFault } from './issuer-identifier.js';

/** An endpoint of the metadata: its URL, or a constant text that says why there is none to use. */
export type MetadataEndpoint = { readonly url: string } | { readonly unusable: string };

/** What we use of an authorization server's metadata (RFC 8414 §2). */
export interface AuthorizationServerMetadata {
  readonly introspectionEndpoint: MetadataEndpoint;
  /** The one for mutual TLS (RFC 8705 §5); `undefined` where none is named apart. */
  readonly mutualTlsIntrospectionEndpoint: MetadataEndpoint | undefined;
  readonly jwksUri: MetadataEndpoint;
  /** Lists are `undefined` where they are absent or no lists of strings. */
  readonly introspectionAuthMethods: readonly string[] | undefined;
  readonly introspectionAuthAlgorithms: readonly string[] | undefined;
  readonly introspectionSigningAlgorithms: readonly string[] | undefined;
  /** Constant texts about members that were ignored. */
  readonly warnings: readonly string[];
}

/** Why a document is not used; a constant text. */
export interface UnusableMetadata {
  readonly unusable: string;
}

/**
 * Reads a metadata document. Unknown members are ignored; the `issuer` must equal ours code point by code point
 * (RFC 8414 §3.3).
 *
 * Not checked: that the endpoints which we need are there.
 */
export function readMetadata(
  document: unknown,
  issuer: string,
  allowInsecureHttp: boolean,
): AuthorizationServerMetadata | UnusableMetadata {
  if (!isJsonObject(document)) return { unusable: 'the document is no JSON object' };
  if (member(document, 'issuer') !== issuer) return { unusable: 'its `issuer` is not exactly the configured issuer' };
  const warnings: string[] = [];
  const aliases = member(document, 'mtls_endpoint_aliases');
  const hasAlias = isJsonObject(aliases) && member(aliases, 'introspection_endpoint') !== undefined;
  return {
    introspectionEndpoint: readEndpoint(document, 'introspection_endpoint', allowInsecureHttp),
    mutualTlsIntrospectionEndpoint: hasAlias ? readEndpoint(aliases, 'introspection_endpoint', allowInsecureHttp) : undefined,
    jwksUri: readEndpoint(document, 'jwks_uri', allowInsecureHttp),
    introspectionAuthMethods: readList(document, 'introspection_endpoint_auth_methods_supported', warnings),
    introspectionAuthAlgorithms: readList(document, 'introspection_endpoint_auth_signing_alg_values_supported', warnings),
    introspectionSigningAlgorithms: readList(document, 'introspection_signing_alg_values_supported', warnings),
    warnings,
  };
}

function readList(document: JsonObject, name: string, warnings: string[]): readonly string[] | undefined {
  const value = member(document, name);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value as string[];
  if (value !== undefined) warnings.push(`\`${name}\` of the metadata is no list of strings and is ignored`);
  return undefined;
}

function readEndpoint(document: JsonObject, name: string, allowInsecureHttp: boolean): MetadataEndpoint {
  const value = member(document, name);
  if (value === undefined || value === null) return { unusable: `the metadata names no \`${name}\`` };
  const fault = typeof value === 'string' ? urlFault(value, allowInsecureHttp) : 'is no string';
  return fault === undefined ? { url: value as string } : { unusable: `the metadata's \`${name}\` ${fault}` };
}
