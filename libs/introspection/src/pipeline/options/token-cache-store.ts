/**
 * A store that several instances share, for what cache-manager does not reach. Keys are hashes; values are texts, and
 * encrypted ones unless `cache.secret` is `null`.
 *
 * `get` must reject when the store cannot be reached: an outage that looks like a miss would hide a revocation.
 */
export interface TokenCacheStore {
  /** The text under a key; `undefined` where there is none, or where its time is over. */
  get(key: string): Promise<unknown>;
  /** Keeps a text for `ttlMs` milliseconds, a whole number and at least 1. Rejects when it was not written. */
  set(key: string, value: string, ttlMs: number): Promise<unknown>;
  /** Removes a key; one that is not there is no error. */
  delete(key: string): Promise<unknown>;
}

/** What is used of one of the stores of a cache-manager `Cache`, each of which is a Keyv. */
export interface SharedKeyv {
  readonly store?: unknown;
  getMany(keys: string[]): Promise<readonly unknown[]>;
  get(key: string): Promise<unknown>;
  /** Newer versions have it; unlike `get`, it passes failures on. */
  getRaw?(key: string): Promise<{ value?: unknown } | undefined>;
  set(key: string, value: string, ttlMs: number): Promise<unknown>;
}

/** What is used of a cache-manager `Cache`, whatever version of it the application has. */
export interface SharedCache {
  get(key: string): Promise<unknown>;
  set(key: string, value: string, ttlMs: number): Promise<unknown>;
  del(key: string): Promise<unknown>;
  readonly stores: readonly SharedKeyv[];
}
