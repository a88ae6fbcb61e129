import { isJsonObject, type JsonObject, member } from './json.js';
import { disregard, isThenable } from './thenable.js';
import { parseScope, unique } from './scope.js';

/** Where a value is read: a claim's name, a path of names, or a pure function of the claims. */
export type ClaimSource = string | readonly string[] | ((claims: JsonObject) => unknown);

/** The sources of the principal's members, each tried in its order. */
export interface ClaimMapping {
  readonly scopes: readonly ClaimSource[];
  readonly roles: readonly ClaimSource[];
  readonly clientId: readonly ClaimSource[];
  readonly tokenId: readonly ClaimSource[];
  readonly sessionId: readonly ClaimSource[];
  readonly subjectType: readonly ClaimSource[];
  /** Whether `scope` itself may be a list. */
  readonly scopeArrays: boolean;
  readonly scopeSeparator: ' ' | ',';
}

/**
 * Scopes of the first source that is present; `undefined` where none is. `scope` is one string (RFC 7662 §2.2), other
 * sources may be lists; what is neither gives no scopes.
 */
export function readScopes(claims: JsonObject, mapping: ClaimMapping): string[] | undefined {
  for (const source of mapping.scopes) {
    const value = lookUp(claims, source);
    if (value === undefined) continue;
    if (typeof value === 'string') return splitScopes(value, mapping.scopeSeparator);
    return source === 'scope' && !mapping.scopeArrays ? [] : words(value);
  }
  return undefined;
}

function splitScopes(text: string, separator: ' ' | ','): string[] {
  return separator === ' '
    ? parseScope(text)
    : unique(
        text
          .split(separator)
          .map((scope) => scope.trim())
          .filter((scope) => scope !== ''),
      );
}

/** The union of all sources, as several servers spread roles over several claims. */
export function readRoles(claims: JsonObject, sources: readonly ClaimSource[]): string[] {
  return unique(sources.flatMap((source) => words(lookUp(claims, source))));
}

/** The first source that is present, where it is a text that is not empty; otherwise `undefined`. */
export function readText(claims: JsonObject, sources: readonly ClaimSource[]): string | undefined {
  for (const source of sources) {
    const value = lookUp(claims, source);
    if (value !== undefined) return typeof value === 'string' && value !== '' ? value : undefined;
  }
  return undefined;
}

function lookUp(claims: JsonObject, source: ClaimSource): unknown {
  const value =
    typeof source === 'function'
      ? callSafely(source, claims)
      : followPath(claims, typeof source === 'string' ? [source] : source);
  return value ?? undefined;
}

function followPath(claims: JsonObject, path: readonly string[]): unknown {
  let value: unknown = claims;
  for (const name of path) {
    if (!isJsonObject(value)) return undefined;
    value = member(value, name);
  }
  return value;
}

function callSafely(source: (claims: JsonObject) => unknown, claims: JsonObject): unknown {
  try {
    const value = source(claims);
    // These functions are pure and so are not waited for; a promise is another type.
    if (isThenable(value)) disregard(value);
    return typeof value === 'string' || Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function words(value: unknown): string[] {
  if (typeof value === 'string') return parseScope(value);
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? unique(value as string[]) : [];
}
