import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import type { SharedCache, TokenCacheStore } from 'nestjs-introspection/core';
import { beforeEach, expect } from 'vitest';
import { describeRemembering, eventually, type Opened, type Remembering } from './remembering.js';

/** One that `drops` says that it has done what it has not. */
export type Fault = 'throws' | 'rejects' | 'hangs' | 'drops' | undefined;

/** A store over a Map that never forgets by itself, and fails as it is told to. */
export class FaultyStore implements TokenCacheStore {
  readonly entries = new Map<string, unknown>();
  readonly ttls: number[] = [];
  reads = 0;
  /** What happens to each operation, until it is told otherwise. */
  reading: Fault | (() => Fault);
  writing: Fault | (() => Fault);
  /** What reading makes of a value. */
  served: (value: unknown, key: string) => unknown = (value) => value;

  get(key: string): Promise<unknown> {
    this.reads += 1;
    return perform(this.reading, () => this.served(this.entries.get(key), key));
  }

  set(key: string, value: string, ttlMs: number): Promise<unknown> {
    return perform(this.writing, () => {
      this.ttls.push(ttlMs);
      this.entries.set(key, value);
    });
  }

  delete(key: string): Promise<unknown> {
    return perform(this.writing, () => this.entries.delete(key));
  }

  break(fault: Fault | (() => Fault)): void {
    this.reading = fault;
    this.writing = fault;
  }

  dump(): [key: string, value: string][] {
    return dumpOf(this.entries);
  }
}

function perform(fault: Fault | (() => Fault), action: () => unknown): Promise<unknown> {
  const now = typeof fault === 'function' ? fault() : fault;
  if (now === 'throws') throw new Error('the store is broken');
  if (now === 'rejects') return Promise.reject(new Error('the store is down'));
  if (now === 'hangs') return new Promise(() => undefined);
  if (now === 'drops') return Promise.resolve();
  return Promise.resolve().then(action);
}

export interface ManagedCache {
  shared: SharedCache;
  dump(): [key: string, value: string][];
}

/** cache-manager over Keyv's own Map, as an application would make it. */
export function managedCache(): ManagedCache {
  const entries = new Map<string, unknown>();
  const shared: unknown = createCache({ stores: [new Keyv({ store: entries })] });
  return { shared: shared as SharedCache, dump: () => dumpOf(entries) };
}

function dumpOf(entries: Map<string, unknown>): [string, string][] {
  return [...entries].map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]);
}

/** Of the caches in these tests. */
export const CACHE_SECRET = 'a-secret-of-thirty-two-octets-!!';

export interface Kept {
  shared: unknown;
  dump(): [key: string, value: string][];
}

/** Empty stores of both kinds. */
export const STORES: Record<string, () => Kept> = {
  'a cache-manager Cache': managedCache,
  'a store of one’s own': () => {
    const store = new FaultyStore();
    return { shared: store, dump: () => store.dump() };
  },
};

export interface Sharing extends Remembering {
  /** Runs, as what is shared is also waited for in real time. */
  running: { now(): number; skipSeconds(seconds: number): void };
  /** A resource server with a store, which it goes by for 20 ms without asking again. */
  joined(shared: unknown, cache?: Record<string, unknown>, options?: Record<string, unknown>): Opened;
  /** Asks about a token, once, and waits until something of it is in the store. */
  remember(server: Opened, token: string, dump: () => readonly unknown[]): Promise<void>;
}

export function describeSharing(): Sharing {
  const fixture = describeRemembering();
  let skippedMs = 0;
  beforeEach(() => {
    skippedMs = 0;
  });
  const running: Sharing['running'] = {
    now: () => Date.now() + skippedMs,
    skipSeconds: (seconds) => {
      skippedMs += seconds * 1000;
    },
  };
  const joined: Sharing['joined'] = (shared, cache = {}, options = {}) => {
    const given = { ttlMs: 60_000, shared, secret: CACHE_SECRET, localTtlMs: 20, ...cache };
    return fixture.open({ clock: running, cache: given, ...options });
  };
  const remember: Sharing['remember'] = async ({ judge }, token, dump) => {
    const before = dump().length;
    expect(await judge(token)).toMatchObject({ status: 200, asked: 1 });
    await eventually(() => expect(dump().length).toBeGreaterThan(before));
  };
  return Object.assign(fixture, { running, joined, remember });
}
