import { type Compatibility, normalizeResponse } from './compatibility.js';
import { hasRepeatedMembers, type JsonObject, member, parseJsonObject, decodeUtf8, deepFreeze } from './json.js';
import { wronglyTypedClaim } from './registered-claims.js';

/** An introspection response (RFC 7662 §2.2) whose shape is checked. */
export type IntrospectionResponse = { readonly active: false } | ({ readonly active: true } & JsonObject);

/** Why an answer is no introspection response; a constant text, nothing of the answer itself. */
export interface MalformedResponse {
  readonly malformed: string;
}

export const INACTIVE: IntrospectionResponse = Object.freeze({ active: false });

const CHECKED_TYPES = ['exp', 'nbf', 'iat', 'sub', 'client_id', 'token_type'];

/**
 * Parses the body of a 200 answer. Only the JSON value `true` is active; `active: false` ends it, whatever else is
 * there. Members that are `null` count as absent.
 *
 * Not checked: times, issuer, audience, and the types of `aud`, `iss` and `cnf`, which are the token's fault and not
 * the server's.
 */
export function parseIntrospectionResponse(
  body: Uint8Array,
  compatibility: Compatibility,
): IntrospectionResponse | MalformedResponse {
  const text = decodeUtf8(body);
  const response = text === undefined ? undefined : parseJsonObject(text);
  if (text === undefined || response === undefined) return { malformed: 'the body is no JSON object' };
  if (hasRepeatedMembers(text)) return { malformed: 'the body names a member twice' };
  return readIntrospectionResponse(response, compatibility);
}

/** As {@link parseIntrospectionResponse}, for an object that has been parsed. */
export function readIntrospectionResponse(
  response: JsonObject,
  compatibility: Compatibility,
): IntrospectionResponse | MalformedResponse {
  const active = member(response, 'active');
  if (active === false) return INACTIVE;
  if (active !== true) return { malformed: '`active` is not a boolean' };
  const wrong = wronglyTypedClaim(normalizeResponse(response, compatibility), CHECKED_TYPES);
  if (wrong !== undefined) return { malformed: `\`${wrong}\` has a wrong type` };
  return deepFreeze(response) as IntrospectionResponse;
}
