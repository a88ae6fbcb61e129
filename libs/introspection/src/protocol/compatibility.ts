import type { JsonObject } from './json.js';

/** How an authorization server departs from the RFCs, as its operator wrote it down. */
export interface Compatibility {
  readonly rawBasicEncoding: boolean;
  readonly scopeArrays: boolean;
  readonly scopeSeparator: ' ' | ',';
  readonly zeroExpNeverExpires: boolean;
  readonly numericStrings: boolean;
  readonly anyContentType: boolean;
  readonly omitTokenTypeHint: boolean;
}

const TIMES = ['exp', 'nbf', 'iat'];

/**
 * An introspection response as the RFC would have it: `null` members are absent (but `cnf`: a binding of `null` is no
 * absence of a binding), and what the operator allowed is put right. Everything else stays as it is.
 */
export function normalizeResponse(response: JsonObject, compatibility: Compatibility): JsonObject {
  const { numericStrings, zeroExpNeverExpires } = compatibility;
  if (!numericStrings && !zeroExpNeverExpires && !hasNulls(response)) return response;
  const members = Object.entries(response)
    .filter(([name, value]) => value !== null || name === 'cnf')
    .map(([name, value]) => [name, numericStrings ? readNumericString(name, value) : value] as const)
    .filter(([name, value]) => !(zeroExpNeverExpires && name === 'exp' && value === 0));
  return Object.fromEntries(members);
}

function hasNulls(response: JsonObject): boolean {
  for (const name of Object.keys(response)) if (response[name] === null && name !== 'cnf') return true;
  return false;
}

function readNumericString(name: string, value: unknown): unknown {
  if (name === 'sub' && typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return TIMES.includes(name) && typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
}
