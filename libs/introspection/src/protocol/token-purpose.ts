import { type JsonObject, member } from './json.js';
import { normalizeMediaType } from './compact-jwt.js';

/** The `typ` of an access token under RFC 9068. */
export const ACCESS_TOKEN_TYPE = normalizeMediaType('at+jwt');

const MARKS_OF_OTHER_TOKENS = ['at_hash', 'c_hash', 's_hash', 'events', 'token_introspection'];

/** Whether a JWT's header has one of the accepted types; `null` in the list stands for a header without `typ`. */
export function isAcceptedType(header: JsonObject, acceptedTypes: readonly (string | null)[]): boolean {
  if (!Object.hasOwn(header, 'typ')) return acceptedTypes.includes(null);
  const type = header.typ;
  return typeof type === 'string' && acceptedTypes.includes(normalizeMediaType(type));
}

/**
 * Whether the claims show another kind of token: an ID token, a logout token, an introspection response. Needed where
 * the `typ` says nothing (RFC 8725 §3.12).
 */
export function hasMarksOfAnotherToken(claims: JsonObject): boolean {
  if (MARKS_OF_OTHER_TOKENS.some((name) => Object.hasOwn(claims, name))) return true;
  const type = member(claims, 'typ');
  const use = member(claims, 'token_use');
  return (type !== undefined && type !== 'Bearer' && type !== 'DPoP') || (use !== undefined && use !== 'access');
}

/**
 * Whether an introspection response speaks of something that is no access token, such as a refresh token that the
 * server calls active (RFC 7662 §2.1: the endpoint serves both).
 *
 * `token_type` compares without regard to case; some servers write `access_token`. `DPoP` fits no Bearer credentials.
 */
export function isAnotherToken(response: JsonObject): boolean {
  const type = lowerCase(member(response, 'token_type'));
  if (type !== undefined && type !== 'bearer' && type !== 'access_token' && type !== 'dpop') return true;
  const use = lowerCase(member(response, 'token_use'));
  if (use !== undefined && use !== 'access' && use !== 'access_token') return true;
  const kind = lowerCase(member(response, 'typ'));
  return kind !== undefined && ['refresh', 'offline', 'id', 'logout'].includes(kind);
}

/** Whether an introspection response says that the token is of the DPoP scheme. */
export function isDPoPToken(response: JsonObject): boolean {
  return lowerCase(member(response, 'token_type')) === 'dpop';
}

function lowerCase(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  // What is no text fits no accepted word.
  return typeof value === 'string' ? value.toLowerCase() : '';
}
