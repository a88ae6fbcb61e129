import { isJsonObject } from '../../protocol/json.js';
import type { Deadline } from '../deadline.js';
import { readJwk, type VerificationKey } from './jwk.js';

/** What a key set knows for a token's `alg` and `kid`. */
export type KeyLookup =
  | { readonly kind: 'keys'; readonly keys: readonly VerificationKey[] }
  /** The set is fresh enough and does not know the `kid`, or without a `kid` has no key that fits. */
  | { readonly kind: 'unknown' };

/** Where verification keys come from. */
export interface KeySet {
  /** @throws {KeySetUnavailableError} when no set is held, or a needed fetch failed */
  find(algorithm: string, kid: string | undefined, deadline: Deadline): KeyLookup | Promise<KeyLookup>;
  /** Says that a signature under a known key was bad: the key may have been replaced under its `kid`. */
  noteBadSignature(): void;
}

/** More keys than this in a set are no key set that anybody uses. */
const MAX_KEYS = 200;
/** A token without `kid` is tried with so many fitting keys at most. */
const MAX_TRIED = 4;

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

/** Chooses among held keys: by `kid`, case and all, and then by what fits the algorithm. */
export function chooseKeys(held: readonly VerificationKey[], algorithm: string, kid: string | undefined): KeyLookup {
  const named = kid === undefined ? held : held.filter((key) => key.kid === kid);
  const keys = named.filter((key) => key.algorithms.includes(algorithm));
  if (keys.length === 0 && (kid === undefined || named.length === 0)) return { kind: 'unknown' };
  return { kind: 'keys', keys: keys.slice(0, MAX_TRIED) };
}

/** A key set that was given in the options: it never changes. */
export class StaticKeySet implements KeySet {
  readonly #keys: readonly VerificationKey[];

  constructor(jwks: unknown) {
    this.#keys = readKeySet(jwks, true) ?? [];
  }

  find(algorithm: string, kid: string | undefined): KeyLookup {
    return chooseKeys(this.#keys, algorithm, kid);
  }

  noteBadSignature(): void {
    // Nothing newer can be had.
  }
}
