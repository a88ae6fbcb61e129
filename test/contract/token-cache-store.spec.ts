import type { TokenCacheStore } from 'nestjs-introspection/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedis, titleWithRedis, whyNoRedis, type Redis } from '../support/redis.js';
import { MapStore, openRedisStore } from '../support/stores.js';
import { STORE_CHECKS, testTokenCacheStore, type StoreUnderTest } from './token-cache-store.js';

function openMapStore(store = new MapStore()): StoreUnderTest {
  return {
    store,
    breakDown: () => void (store.down = true),
    recover: () => void (store.down = false),
    close: () => undefined,
  };
}

testTokenCacheStore('a TokenCacheStore on a Map', openMapStore);

const noRedis = whyNoRedis();

describe('Redis', () => {
  let redis: Redis;
  beforeAll(async () => {
    if (noRedis === undefined) redis = await startRedis();
  });
  afterAll(() => redis?.close());

  const open = async (): Promise<StoreUnderTest> => {
    await redis.flush();
    const store = await openRedisStore(redis.url);
    return { store, breakDown: () => redis.kill(), recover: () => redis.restart(), close: () => store.close() };
  };
  testTokenCacheStore(titleWithRedis('a TokenCacheStore on Redis', noRedis), open, noRedis !== undefined);
});

/** Each breaks the contract in one way that is easily overlooked. */
const BROKEN: Record<string, (right: MapStore) => TokenCacheStore> = {
  'answers null for a miss': (right) => changed(right, { get: async (key) => (await right.get(key)) ?? null }),
  'parses what it reads': (right) =>
    changed(right, { get: async (key) => (await right.get(key))?.replace(/^null$/, '') ?? undefined }),
  'does not tell keys apart by case': (right) =>
    changed(right, {
      get: (key) => right.get(key.toLowerCase()),
      set: (key, value, ttlMs) => right.set(key.toLowerCase(), value, ttlMs),
    }),
  'keeps the first text': (right) =>
    changed(right, {
      set: async (key, value, ttlMs) => ((await right.get(key)) === undefined ? right.set(key, value, ttlMs) : undefined),
    }),
  'writes later': (right) =>
    changed(right, {
      set: async (key, value, ttlMs) => void setTimeout(() => void right.set(key, value, ttlMs).catch(() => {}), 5),
    }),
  'rejects the removal of nothing': (right) =>
    changed(right, {
      delete: async (key) => {
        if ((await right.get(key)) === undefined) throw new Error('nothing there');
        return right.delete(key);
      },
    }),
  'forgets the time': (right) => changed(right, { set: (key, value) => right.set(key, value, Number.MAX_SAFE_INTEGER) }),
  'takes an outage for a miss': (right) => changed(right, { get: (key) => right.get(key).catch(() => undefined) }),
  'takes an outage for written': (right) =>
    changed(right, { set: (key, value, ttlMs) => right.set(key, value, ttlMs).catch(() => undefined) }),
};

function changed(right: MapStore, members: Partial<TokenCacheStore>): TokenCacheStore {
  const same: TokenCacheStore = {
    get: (key) => right.get(key),
    set: (key, value, ttlMs) => right.set(key, value, ttlMs),
    delete: (key) => right.delete(key),
  };
  return { ...same, ...members };
}

// At once, as some faults show only when the patience of a check is at its end.
describe.concurrent('the contract of TokenCacheStore notices a store that', () => {
  it.each(Object.entries(BROKEN))('%s', async (_fault, breakIt) => {
    const outcomes = await Promise.all(
      STORE_CHECKS.map(({ check }) => {
        const right = new MapStore();
        return check({ ...openMapStore(right), store: breakIt(right) }).then(
          () => 'kept',
          () => 'broken',
        );
      }),
    );
    expect(outcomes).toContain('broken');
    expect(outcomes).toContain('kept');
  });
});
