import type { SharedCache, SharedKeyv, TokenCacheStore } from '../options/token-cache-store.js';

/** How a shared store is reached, whichever kind it is. Nothing here is bounded in time. */
export interface StoreLink {
  get(key: string): Promise<unknown>;
  /** Several at once, by a path that no local tier answers. */
  getTogether(keys: readonly string[]): Promise<readonly unknown[]>;
  set(key: string, value: string, ttlMs: number): Promise<unknown>;
  /** As `set`, by the path of `getTogether`. */
  setDeep(key: string, value: string, ttlMs: number): Promise<unknown>;
  delete(key: string): Promise<unknown>;
}

/**
 * Links a store. Answers go through the `Cache` with all its tiers; what must not come from a tier in front (revocation
 * marks) goes to the last of its stores, which is the one that instances share.
 */
export function linkStore(store: SharedCache | TokenCacheStore): StoreLink {
  const cache = store as SharedCache;
  const keyv = Array.isArray(cache.stores) ? (cache.stores as readonly SharedKeyv[]).at(-1) : undefined;
  const plain = store as TokenCacheStore;
  const link = {
    get: async (key: string) => plain.get(key),
    set: async (key: string, value: string, ttlMs: number) => plain.set(key, value, ttlMs),
    delete: async (key: string) => (typeof plain.delete === 'function' ? plain.delete(key) : cache.del(key)),
  };
  if (keyv === undefined) {
    return { ...link, getTogether: (keys) => Promise.all(keys.map((key) => link.get(key))), setDeep: link.set };
  }
  return {
    ...link,
    getTogether: (keys) => getFromKeyv(keyv, keys),
    setDeep: async (key, value, ttlMs) => keyv.set(key, value, ttlMs),
  };
}

/** Where the store itself answers for many keys at once, they come from one moment; otherwise a single failure must throw. */
async function getFromKeyv(keyv: SharedKeyv, keys: readonly string[]): Promise<readonly unknown[]> {
  const store = keyv.store as { getMany?: unknown } | undefined;
  if (typeof store?.getMany === 'function') return keyv.getMany([...keys]);
  return Promise.all(keys.map(async (key) => (keyv.getRaw === undefined ? keyv.get(key) : (await keyv.getRaw(key))?.value)));
}
