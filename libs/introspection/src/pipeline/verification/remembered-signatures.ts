import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Entries are a hash and a reference: well below a megabyte in all. */
const MAX_REMEMBERED = 10_000;

/**
 * JWTs whose signature was verified, and the key that verified it. A signature cannot stop being true while its key
 * stands; claims can, so they are checked every time.
 */
export class RememberedSignatures {
  readonly #keys = new LRUCache<string, KeyObject>({ max: MAX_REMEMBERED });

  /** @param name a hash of the whole JWS, and not only of its signature */
  remember(name: string, key: KeyObject): void {
    this.#keys.set(name, key);
  }

  /** Whether one of these keys verified it before. A key that was published again unchanged is the same key. */
  wasVerifiedBy(name: string, keys: readonly { readonly key: KeyObject | undefined }[]): boolean {
    const known = this.#keys.get(name);
    if (known === undefined) return false;
    return keys.some(({ key }) => key !== undefined && (key === known || key.equals(known)));
  }
}
