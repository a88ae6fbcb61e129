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
export function parseIntrospectionResponse(body: Uint8Array): IntrospectionResponse | MalformedResponse {
  const text = decodeUtf8(body);
  const response = text === undefined ? undefined : parseJsonObject(text);
  if (text === undefined || response === undefined) return { malformed: 'the body is no JSON object' };
  if (hasRepeatedMembers(text)) return { malformed: 'the body names a member twice' };
  const active = member(response, 'active');
  if (active === false) return INACTIVE;
  if (active !== true) return { malformed: '`active` is not a boolean' };
  const wrong = wronglyTypedClaim(withoutNulls(response), CHECKED_TYPES);
  if (wrong !== undefined) return { malformed: `\`${wrong}\` has a wrong type` };
  return deepFreeze(response) as IntrospectionResponse;
}

/** The object without its `null` members, except `cnf`: a binding of `null` is no absence of a binding. */
export function withoutNulls(object: JsonObject): JsonObject {
  const names = Object.keys(object);
  if (!names.some((name) => object[name] === null && name !== 'cnf')) return object;
  return Object.fromEntries(names.filter((name) => object[name] !== null || name === 'cnf').map((name) => [name, object[name]]));
}
