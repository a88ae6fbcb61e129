import type { TokenCacheStore } from 'nestjs-introspection/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.js';

/** A store, and what its tests have to be able to do to it. */
export interface StoreUnderTest {
  readonly store: TokenCacheStore;
  /** Makes what the store keeps its entries in unreachable, and back. */
  breakDown(): void | Promise<void>;
  recover(): void | Promise<void>;
  close(): void | Promise<void>;
}

export type OpenStore = () => StoreUnderTest | Promise<StoreUnderTest>;

export interface StoreCheck {
  readonly name: string;
  check(under: StoreUnderTest): Promise<void>;
}

const LONG_MS = 60_000;
const SHORT_MS = 40;

const untilGone = (store: TokenCacheStore, key: string) =>
  until(`${key} is forgotten`, async () => (await store.get(key)) === undefined, 2000);

/** What every `TokenCacheStore` does. */
export const STORE_CHECKS: readonly StoreCheck[] = [
  {
    name: 'answers undefined for a key that it does not have',
    async check({ store }) {
      expect(await store.get('none')).toBeUndefined();
    },
  },
  {
    name: 'gives back the very text, whatever is in it',
    async check({ store }) {
      const texts = ['text', '{"active":true}', 'null', '"', 'ä – 漢字 – 🎷', 'a\u0000b\r\nc', 'x'.repeat(200_000)];
      for (const [index, text] of texts.entries()) await store.set(`key-${index}`, text, LONG_MS);
      for (const [index, text] of texts.entries()) expect(await store.get(`key-${index}`)).toBe(text);
    },
  },
  {
    name: 'keeps keys apart that differ in case, or where one begins with the other',
    async check({ store }) {
      const keys = ['key', 'Key', 'key:1', 'key:10', 'key*', 'ke?'];
      for (const key of keys) await store.set(key, `under ${key}`, LONG_MS);
      for (const key of keys) expect(await store.get(key)).toBe(`under ${key}`);
      await store.delete('key*');
      expect(await Promise.all(keys.map((key) => store.get(key)))).toEqual(
        keys.map((key) => (key === 'key*' ? undefined : `under ${key}`)),
      );
    },
  },
  {
    name: 'replaces what stands under a key',
    async check({ store }) {
      await store.set('key', 'first', LONG_MS);
      await store.set('key', 'second', LONG_MS);
      expect(await store.get('key')).toBe('second');
    },
  },
  {
    name: 'has a text as soon as set resolves, and no more once delete resolves',
    async check({ store }) {
      const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`);
      await Promise.all(
        keys.map(async (key) => {
          await store.set(key, key, LONG_MS);
          expect(await store.get(key)).toBe(key);
          await store.delete(key);
          expect(await store.get(key)).toBeUndefined();
        }),
      );
    },
  },
  {
    name: 'takes the removal of a key that it does not have for no error',
    async check({ store }) {
      await expect(store.delete('none')).resolves.not.toThrow();
    },
  },
  {
    name: 'forgets a text when its time is over, and no other with it',
    async check({ store }) {
      await store.set('long', 'text', LONG_MS);
      await store.set('shortest', 'text', 1);
      await store.set('short', 'text', SHORT_MS);
      await untilGone(store, 'shortest');
      await untilGone(store, 'short');
      expect(await store.get('long')).toBe('text');
    },
  },
  {
    name: 'counts the time of a text from its last set',
    async check({ store }) {
      await store.set('longer', 'first', SHORT_MS);
      await store.set('longer', 'second', LONG_MS);
      await store.set('shorter', 'first', LONG_MS);
      await store.set('shorter', 'second', SHORT_MS);
      await untilGone(store, 'shorter');
      expect(await store.get('longer')).toBe('second');
    },
  },
  {
    name: 'rejects get, never taking an outage for a miss, and set, never taking it for written',
    async check(under) {
      const { store } = under;
      await store.set('key', 'text', LONG_MS);
      await under.breakDown();
      for (const key of ['key', 'none']) await expect(store.get(key)).rejects.toThrow();
      await expect(store.set('key', 'other', LONG_MS)).rejects.toThrow();
      await under.recover();
      await until(
        'the store is back',
        () =>
          store.get('none').then(
            (found) => found === undefined,
            () => false,
          ),
        2000,
      );
      await store.set('key', 'after', LONG_MS);
      expect(await store.get('key')).toBe('after');
    },
  },
];

/** Registers the contract of `TokenCacheStore` as tests of one implementation, each with a fresh store. */
export function testTokenCacheStore(title: string, open: OpenStore, skip = false): void {
  describe.skipIf(skip)(title, () => {
    let under: StoreUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.close());
    it.each(STORE_CHECKS)('$name', ({ check }) => check(under));
  });
}
