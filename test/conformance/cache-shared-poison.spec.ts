import { describe, expect, it } from 'vitest';
import type { Opened } from '../support/remembering.js';
import { CACHE_SECRET, describeSharing, FaultyStore } from '../support/shared-stores.js';

const fixture = describeSharing();
const { joined, remember, running } = fixture;
const askedFor = { status: 200, asked: 1 };

describe('What is read is not believed', () => {
  const poisons: [string, (own: unknown, other: unknown) => unknown][] = [
    ['an active answer in clear', () => '{"active":true}'],
    ['an active answer as an object', () => ({ active: true, sub: 'mallory' })],
    ['an active answer with claims', () => JSON.stringify({ active: true, sub: 'mallory', aud: 'https://rs.example.com' })],
    ['an empty text', () => ''],
    ['null', () => null],
    ['"null"', () => 'null'],
    ['a number', () => 5],
    ['true', () => true],
    ['a list', () => []],
    ['bytes', () => Buffer.from('garbage')],
    ['a long text', () => 'x'.repeat(1_000_000)],
    ['deep nesting', () => '['.repeat(100_000)],
    ['a prototype', () => '{"__proto__":{"active":true}}'],
  ];
  const sealed: typeof poisons = [
    ['a cut value', (own) => String(own).slice(0, -5)],
    ['the first half', (own) => String(own).slice(0, String(own).length / 2)],
    ['a value with more before it', (own) => `AAAA${String(own)}`],
    ['a value with another first character', (own) => flip(String(own), 0)],
    ['a value with another character within', (own) => flip(String(own), Math.floor(String(own).length / 2))],
    ['a value with another last character', (own) => flip(String(own), String(own).length - 3)],
    ['the value of another token', (_own, other) => other],
  ];

  function flip(text: string, at: number): string {
    return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
  }

  /** The keys that remembering a token adds. */
  async function keysOf(store: FaultyStore, one: Opened, token: string): Promise<string[]> {
    const before = new Set(store.entries.keys());
    await remember(one, token, () => store.dump());
    return [...store.entries.keys()].filter((key) => !before.has(key));
  }

  const cases = [
    ...[...poisons, ...sealed].map(([what, poison]) => [what, CACHE_SECRET as string | null, poison] as const),
    ...poisons.map(([what, poison]) => [`${what}, without a secret`, null, poison] as const),
  ];

  it.each(poisons.filter(([, poison]) => poison('', '') !== null))(
    'ICACHE-08 T43 %s in place of a revocation frees no token',
    async (_what, poison) => {
      const store = new FaultyStore();
      const revoking = joined(store);
      const iat = Math.floor(running.now() / 1000) - 10;
      const [opaque, jwt] = [fixture.as.token({ iat }), await fixture.as.sign({ iat })];
      await remember(revoking, opaque, () => store.dump());
      const before = new Set(store.entries.keys());
      await revoking.server.revoke({ issuer: fixture.as.issuer, subject: 'u1' });
      const added = [...store.entries.keys()].filter((key) => !before.has(key));
      expect(added.length).toBeGreaterThan(0);
      for (const key of added) store.entries.set(key, poison('', ''));
      fixture.as.answer(opaque, { active: false });
      expect((await joined(store).judge(opaque)).status).not.toBe(200);
      expect((await joined(store, {}, { verification: 'local' }).judge(jwt)).status).not.toBe(200);
    },
  );

  it.each(cases)('ICACHE-11 T43 %s is a miss', async (_what, secret, poison) => {
    const store = new FaultyStore();
    const one = joined(store, { secret });
    const [token, other] = [fixture.as.token({ sub: 'own' }), fixture.as.token({ sub: 'other', scope: 'admin' })];
    await one.judge('a-token-so-that-all-else-is-there');
    const [own, foreign] = [await keysOf(store, one, token), await keysOf(store, one, other)];
    expect(own).toHaveLength(foreign.length);
    for (const [index, key] of own.entries())
      store.entries.set(key, poison(store.entries.get(key), store.entries.get(foreign[index] ?? '')));
    const verdict = await joined(store, { secret }).judge(token, { scopes: ['read'] });
    expect(verdict).toMatchObject(askedFor);
    expect(verdict.principal?.subject).toBe('own');
    fixture.as.answer(token, { active: false });
    running.skipSeconds(1);
    for (const key of own) store.entries.set(key, poison('', ''));
    expect(await joined(store, { secret }).judge(token)).toMatchObject({ status: 401, asked: 1 });
  });
});
