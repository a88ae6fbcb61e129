import type { CacheSecret, CacheSecretSource } from './cache-options.js';
import type { OptionGroup } from './option-group.js';
import type { ResolvedCacheOptions } from './resolved-options.js';
import type { SharedCache, TokenCacheStore } from './token-cache-store.js';

const DAY_MS = 86_400_000;
const MAX_COUNT = 10_000_000;
const MAX_BYTES = 17_179_869_184;
const LEAST_SECRET_BYTES = 32;

/** Whether a value will do as a secret. */
export function isCacheSecret(value: unknown): value is CacheSecret {
  if (typeof value === 'string') return Buffer.byteLength(value) >= LEAST_SECRET_BYTES;
  return value instanceof Uint8Array && value.byteLength >= LEAST_SECRET_BYTES;
}

/** Checks the option `cache`; `undefined` where it is off. */
export function resolveCache(options: OptionGroup): ResolvedCacheOptions | undefined {
  if (!options.has('cache')) return undefined;
  const cache = options.group('cache');
  cache.allowOnly(
    (
      'ttlMs inactiveTtlMs maxEntries maxInactiveEntries maxBytes shared secret localTtlMs staleIfErrorMs ' + 'refreshAheadMs'
    ).split(' '),
  );
  if (cache.isGiven && !cache.has('ttlMs'))
    cache.refuse('ttlMs', 'say for how many milliseconds an answer may hide that a token was revoked');
  const ttlMs = cache.has('ttlMs') ? cache.integer('ttlMs', 1, 1, DAY_MS) : 1;
  const resolved = {
    ttlMs,
    inactiveTtlMs: cache.integer('inactiveTtlMs', 0, 0, DAY_MS),
    maxEntries: cache.integer('maxEntries', 10_000, 1, MAX_COUNT),
    maxInactiveEntries: cache.integer('maxInactiveEntries', 10_000, 1, MAX_COUNT),
    maxBytes: cache.integer('maxBytes', 33_554_432, 1024, MAX_BYTES),
    shared: resolveShared(cache),
    secret: resolveSecret(cache),
    localTtlMs: cache.integer('localTtlMs', 500, 0, 60_000),
    staleIfErrorMs: cache.integer('staleIfErrorMs', 0, 0, DAY_MS),
    refreshAheadMs: cache.integer('refreshAheadMs', 0, 0, DAY_MS),
  };
  if (resolved.refreshAheadMs >= ttlMs && resolved.refreshAheadMs > 0 && cache.has('ttlMs')) {
    cache.refuse('refreshAheadMs', 'give less than ttlMs: otherwise every use of an answer asks for a new one');
  }
  return resolved;
}

function resolveShared(cache: OptionGroup): SharedCache | TokenCacheStore | undefined {
  const shared = cache.get('shared');
  if (shared === undefined || isStore(shared)) return shared;
  cache.refuse('shared', 'give a cache-manager Cache (inject CACHE_MANAGER), or a store with get, set and delete');
  return undefined;
}

function isStore(value: unknown): value is SharedCache | TokenCacheStore {
  // A Map has these methods too, but forgets nothing.
  if (typeof value !== 'object' || value === null || value instanceof Map) return false;
  const { get, set, delete: remove, del } = value as Partial<Record<'get' | 'set' | 'delete' | 'del', unknown>>;
  return [get, set, remove ?? del].every((method) => typeof method === 'function');
}

/** @returns `null`: clear values, by the operator's written word */
function resolveSecret(cache: OptionGroup): readonly CacheSecretSource[] | null {
  const secret = cache.get('secret');
  if (!cache.has('shared')) {
    if (secret !== undefined) cache.refuse('secret', 'it protects what is in shared: give shared too, or leave it out');
    return null;
  }
  if (secret === null) return null;
  const sources: readonly unknown[] = Array.isArray(secret) ? secret : [secret];
  if (sources.length > 0 && sources.every((source) => typeof source === 'function' || isCacheSecret(source))) {
    return sources as readonly CacheSecretSource[];
  }
  cache.refuse(
    'secret',
    'give a text or bytes, at least 32, a function that answers one, or a list; or null (written out) for clear values',
  );
  return null;
}
