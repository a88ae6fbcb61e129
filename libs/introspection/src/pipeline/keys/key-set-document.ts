import { isJsonObject } from '../../protocol/json.js';
import { readJwk, type VerificationKey } from './jwk.js';

/** More keys than this in a set are no key set that anybody uses. */
const MAX_KEYS = 200;

/**
 * Reads a key set. Entries that cannot be used are skipped (RFC 7517 §5); a repeated member name: the last one counts.
 *
 * @returns `undefined` where it is no key set, holds no usable key, or too many keys
 */
export function readKeySet(document: unknown, allowSecrets: boolean): readonly VerificationKey[] | undefined {
  const entries: unknown = isJsonObject(document) ? document.keys : undefined;
  if (!Array.isArray(entries) || entries.length > MAX_KEYS) return undefined;
  const keys = entries.map((entry) => readJwk(entry, allowSecrets)).filter((key) => key !== undefined);
  return keys.some((key) => key.key !== undefined) ? keys : undefined;
}
