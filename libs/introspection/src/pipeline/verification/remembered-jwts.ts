import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { VerificationKey } from '../keys/jwk.js';
import type { VerifiedToken } from './verified-token.js';

/** JSON in memory takes several times the bytes of its text. */
const MAX_BYTES = 33_554_432;
const ENTRY_BYTES = 1024;
const BYTES_A_CHARACTER = 4;

/** What a JWT was found to be, by which key, and of which key set. */
interface RememberedJwt {
  readonly verified: VerifiedToken;
  readonly key: KeyObject;
  /** Absent where the key serves only as no newer set can be had. */
  readonly keySet: readonly VerificationKey[] | undefined;
}

/**
 * JWTs that passed every check. Their signature cannot stop being true while its key stands, nor can what depends on
 * nothing but their text; so that is not looked at again. The token itself is not kept.
 */
export class RememberedJwts {
  readonly #jwts = new LRUCache<string, RememberedJwt>({ maxSize: MAX_BYTES });

  /** @param name a hash of the whole token, and not only of its signature */
  remember(name: string, tokenLength: number, jwt: RememberedJwt): void {
    this.#jwts.set(name, jwt, { size: ENTRY_BYTES + BYTES_A_CHARACTER * tokenLength });
  }

  /** What was found, where the key set is still the same. */
  recall(name: string, keySet: readonly VerificationKey[] | undefined): VerifiedToken | undefined {
    const known = keySet === undefined ? undefined : this.#jwts.get(name);
    return known !== undefined && known.keySet === keySet ? known.verified : undefined;
  }

  /** The key among these that verified it before. A key that was published again unchanged is the same key. */
  keyOf(name: string, keys: readonly VerificationKey[]): KeyObject | undefined {
    const known = this.#jwts.get(name);
    if (known === undefined) return undefined;
    return keys.find(({ key }) => key !== undefined && (key === known.key || key.equals(known.key)))?.key;
  }
}
