import { createClient } from '@keyv/redis';
import type { TokenCacheStore } from 'nestjs-introspection/core';

/** The smallest store: a map and the time. */
export class MapStore implements TokenCacheStore {
  /** Whether whatever would be asked cannot be reached. */
  down = false;
  readonly #entries = new Map<string, { value: string; untilMs: number }>();

  async get(key: string): Promise<string | undefined> {
    this.#assertUp();
    const entry = this.#entries.get(key);
    return entry && entry.untilMs > Date.now() ? entry.value : undefined;
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#assertUp();
    this.#entries.set(key, { value, untilMs: Date.now() + ttlMs });
  }

  async delete(key: string): Promise<void> {
    this.#assertUp();
    this.#entries.delete(key);
  }

  #assertUp(): void {
    if (this.down) throw new Error('the store is down');
  }
}

export interface RedisStore extends TokenCacheStore {
  close(): void;
}

/** A store on the Redis client itself: it queues nothing while the server is away, so that an outage is one at once. */
export async function openRedisStore(url: string): Promise<RedisStore> {
  const reconnectStrategy = (retries: number): number => Math.min(10 * retries, 100);
  const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy, connectTimeout: 500 } });
  client.on('error', () => undefined);
  await client.connect();
  return {
    get: async (key) => (await client.get(key)) ?? undefined,
    set: (key, value, ttlMs) => client.set(key, value, { expiration: { type: 'PX', value: ttlMs } }),
    delete: (key) => client.del(key),
    close: () => client.destroy(),
  };
}
