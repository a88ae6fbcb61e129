import type { Deadline } from '../deadline.js';
import type { VerificationKey } from '../keys/jwk.js';
import { readKeySet } from '../keys/key-set-document.js';

/** What a key set knows for a token's `alg` and `kid`. */
export type KeyLookup =
  | { readonly kind: 'keys'; readonly keys: readonly VerificationKey[] }
  /** The set is fresh enough and does not know the `kid`, or without a `kid` has no key that fits. */
  | { readonly kind: 'unknown' };

/** Where verification keys come from. */
export interface KeySet {
  /** @throws {KeySetUnavailableError} when no set is held, or a needed fetch failed */
  find(algorithm: string, kid: string | undefined, deadline: Deadline): KeyLookup | Promise<KeyLookup>;
  /** The held keys, as long as nothing has to be fetched; a set that was fetched again is another object. */
  readonly current: readonly VerificationKey[] | undefined;
  /** Whether the latest fetch failed. */
  readonly isFailing: boolean;
  /** When keys were fetched for the last time, by the clock; `undefined` where none were. */
  readonly loadedAtMs: number | undefined;
  /** Says that a signature under a known key was bad: the key may have been replaced under its `kid`. */
  noteBadSignature(): void;
}

/** A token without `kid` is tried with so many fitting keys at most. */
const MAX_TRIED = 4;

/** Chooses among held keys: by `kid`, case and all, and then by what fits the algorithm. */
export function chooseKeys(held: readonly VerificationKey[], algorithm: string, kid: string | undefined): KeyLookup {
  const named = kid === undefined ? held : held.filter((key) => key.kid === kid);
  const keys = named.filter((key) => key.algorithms.includes(algorithm));
  if (keys.length === 0 && (kid === undefined || named.length === 0)) return { kind: 'unknown' };
  return { kind: 'keys', keys: keys.slice(0, MAX_TRIED) };
}

/** A key set that was given in the options: it never changes. */
export class StaticKeySet implements KeySet {
  readonly current: readonly VerificationKey[];
  readonly isFailing = false;
  readonly loadedAtMs = undefined;

  constructor(jwks: unknown) {
    this.current = readKeySet(jwks, true) ?? [];
  }

  find(algorithm: string, kid: string | undefined): KeyLookup {
    return chooseKeys(this.current, algorithm, kid);
  }

  noteBadSignature(): void {
    // Nothing newer can be had.
  }
}
