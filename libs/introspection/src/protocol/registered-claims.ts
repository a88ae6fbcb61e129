import type { InvalidTokenReason } from './errors.js';
import { isJsonObject, type JsonObject, member } from './json.js';

/** An `iat` further ahead than this is refused, whatever the clock tolerance. */
const MAX_ISSUED_AHEAD_SECONDS = 60;

const isText = (value: unknown): boolean => typeof value === 'string';
const isTime = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const isAudience = (value: unknown): boolean => isText(value) || (Array.isArray(value) && value.every(isText));

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  active: (value) => typeof value === 'boolean',
  iss: isText,
  sub: isText,
  aud: isAudience,
  exp: isTime,
  nbf: isTime,
  iat: isTime,
  jti: isText,
  client_id: isText,
  token_type: isText,
  cnf: isJsonObject,
};

/**
 * The first of the named claims that is there with a wrong type; `undefined` where all are well.
 * Times are finite JSON numbers, fractions allowed (RFC 7519 §2).
 */
export function wronglyTypedClaim(claims: JsonObject, names: readonly string[]): string | undefined {
  return names.find((name) => Object.hasOwn(claims, name) && TYPES[name]?.(claims[name]) === false);
}

/**
 * What is wrong with the times of verified claims at an instant: `exp` is the first instant that is too late, `nbf` the
 * first that is not too early. The tolerance holds for these two; an `iat` more than 60 s ahead is refused anyway.
 *
 * Not checked: that `exp` is there, and the types.
 *
 * @see RFC 7519 §4.1.4–§4.1.6
 */
export function timeFault(claims: JsonObject, nowMs: number, toleranceSeconds: number): InvalidTokenReason | undefined {
  const nowSeconds = nowMs / 1000;
  const { exp, nbf, iat } = claims;
  // Negated, so that a clock that tells no time lets nothing pass.
  if (typeof exp === 'number' && !(nowSeconds < exp + toleranceSeconds)) return 'expired';
  if (typeof nbf === 'number' && !(nowSeconds >= nbf - toleranceSeconds)) return 'not_yet_valid';
  if (typeof iat === 'number' && !(iat <= nowSeconds + MAX_ISSUED_AHEAD_SECONDS)) return 'not_yet_valid';
  return undefined;
}

/** The audience as a list; empty where there is none. Types are to be checked before. */
export function audienceOf(claims: JsonObject): readonly string[] {
  const aud = member(claims, 'aud');
  if (typeof aud === 'string') return [aud];
  return Array.isArray(aud) ? (aud as string[]) : [];
}

/** Whether one list names an identifier of the other: exact, never a prefix, without normalization (RFC 7519 §4.1.3). */
export function isIntendedFor(audience: readonly string[], identifiers: readonly string[]): boolean {
  return audience.some((entry) => identifiers.includes(entry));
}
