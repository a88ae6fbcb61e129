import { createResourceServer, type ResourceServerOptions } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { changed, problemsOf, wrongOptions } from '../support/configuration.js';
import { describeScenarios, scenario } from '../support/scenario.js';

const SECRET = 'a-secret-of-thirty-two-octets-!!';
const store = { get: async () => undefined, set: async () => undefined, delete: async () => true };
const withCache = (cache: unknown): Record<string, unknown> => changed({ cache });
const shared = (members: Record<string, unknown> = {}): Record<string, unknown> =>
  withCache({ ttlMs: 1000, shared: store, secret: SECRET, ...members });

describe('cache: what is accepted', () => {
  it.each([
    ['the smallest', { ttlMs: 1 }],
    [
      'everything in process',
      {
        ttlMs: 60_000,
        inactiveTtlMs: 5000,
        maxEntries: 1,
        maxInactiveEntries: 1,
        maxBytes: 1_000_000,
        staleIfErrorMs: 30_000,
        refreshAheadMs: 59_999,
      },
    ],
    ['zeros where zero is the default', { ttlMs: 1000, inactiveTtlMs: 0, staleIfErrorMs: 0, refreshAheadMs: 0 }],
    ['a store of one’s own', { ttlMs: 1000, shared: store, secret: SECRET }],
    ['a store and its time', { ttlMs: 1000, shared: store, secret: SECRET, localTtlMs: 20 }],
    ['bytes as a secret', { ttlMs: 1000, shared: store, secret: new Uint8Array(32) }],
    ['a Buffer as a secret', { ttlMs: 1000, shared: store, secret: Buffer.alloc(48, 1) }],
    ['a function as a secret', { ttlMs: 1000, shared: store, secret: () => SECRET }],
    ['an async function as a secret', { ttlMs: 1000, shared: store, secret: async () => SECRET }],
    ['a list of secrets', { ttlMs: 1000, shared: store, secret: [SECRET, new Uint8Array(32)] }],
    ['no secret, in writing', { ttlMs: 1000, shared: store, secret: null }],
  ])('ICACHE-02 %s', (_what, cache) => {
    expect(problemsOf(withCache(cache))).toEqual([]);
  });

  it('ICACHE-02 no cache at all', () => {
    expect(problemsOf(changed({}))).toEqual([]);
    expect(problemsOf(withCache(undefined))).toEqual([]);
  });
});

describe('cache: what is refused at start-up', () => {
  it.each([true, false, null, 60_000, '60s', [], () => ({})])('ICACHE-02 %j is no group of options', (value) => {
    expect(wrongOptions(withCache(value))).toEqual(['cache']);
  });

  it('ICACHE-02 ttlMs is not optional', () => {
    expect(wrongOptions(withCache({}))).toEqual(['cache.ttlMs']);
    expect(wrongOptions(withCache({ ttlMs: undefined }))).toEqual(['cache.ttlMs']);
    expect(wrongOptions(withCache({ inactiveTtlMs: 1000 }))).toEqual(['cache.ttlMs']);
  });

  const NUMBERS = [
    'ttlMs',
    'inactiveTtlMs',
    'maxEntries',
    'maxInactiveEntries',
    'maxBytes',
    'localTtlMs',
    'staleIfErrorMs',
    'refreshAheadMs',
  ];
  const no = [NaN, Infinity, -Infinity, -1, '5', null, true, {}, [5], 5n];
  it.each(NUMBERS.flatMap((name) => no.map((value) => [name, value] as const)))('ICACHE-03 T11 %s: %s', (name, value) => {
    expect(wrongOptions(shared({ [name]: value }))).toEqual([`cache.${name}`]);
  });

  it.each(['ttlMs', 'maxEntries', 'maxInactiveEntries', 'maxBytes'])('ICACHE-03 %s: 0 is nothing to remember with', (name) => {
    expect(wrongOptions(withCache({ ttlMs: 1000, [name]: 0 }))).toEqual([`cache.${name}`]);
  });

  it.each(['ttl', 'TTLMs', 'max', 'store', 'enabled', 'staleWhileRevalidateMs', 'secrets'])(
    'ICACHE-02 an unknown key: %s',
    (name) => {
      expect(wrongOptions(withCache({ ttlMs: 1000, [name]: 5 }))).toEqual([`cache.${name}`]);
    },
  );

  it.each([1000, 1001, 60_000])('ICACHE-03 refreshAheadMs: %d for a ttlMs of 1000 would ask without end', (refreshAheadMs) => {
    expect(wrongOptions(withCache({ ttlMs: 1000, refreshAheadMs }))).toEqual(['cache.refreshAheadMs']);
  });

  it.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['31 octets', 'a-secret-of-thirty-one-octets-!'],
    ['31 bytes', new Uint8Array(31)],
    ['no bytes', new Uint8Array(0)],
    ['a number', 5],
    ['an object', { secret: SECRET }],
    ['an empty list', []],
    ['a list with a short one', [SECRET, 'short']],
    ['a list with null', [SECRET, null]],
    ['true', true],
  ])('ICACHE-10 T43 with shared, a secret that is %s', (_what, secret) => {
    for (const option of wrongOptions(shared({ secret }))) expect(option).toMatch(/^cache\.secret(\b|\[)/);
    expect(problemsOf(shared({ secret })).length).toBeGreaterThan(0);
  });

  it('ICACHE-10 what is told of a short secret is not the secret', () => {
    const [problem] = problemsOf(shared({ secret: 'a-short-secret' }));
    expect(JSON.stringify(problem)).not.toContain('a-short-secret');
  });

  it('ICACHE-10 a secret and nothing to keep it from', () => {
    expect(wrongOptions(withCache({ ttlMs: 1000, secret: SECRET }))).toEqual(['cache.secret']);
  });

  it.each([
    ['null', null],
    ['a text', 'redis://127.0.0.1'],
    ['a function', () => store],
    ['an empty object', {}],
    ['a store that cannot delete', { get: store.get, set: store.set }],
    ['a store that cannot write', { get: store.get, delete: store.delete }],
    ['a store that cannot read', { set: store.set, delete: store.delete }],
    ['a store of values', { get: 1, set: 2, delete: 3 }],
  ])('ICACHE-09 shared: %s', (_what, value) => {
    expect(wrongOptions(shared({ shared: value }))).toEqual(['cache.shared']);
  });

  it('ICACHE-02 several problems are told at once', () => {
    expect(wrongOptions(withCache({ maxEntries: 0, shared: store, unknown: 1 })).toSorted()).toEqual(
      ['cache.maxEntries', 'cache.secret', 'cache.ttlMs', 'cache.unknown'].toSorted(),
    );
  });
});

describe('revocation.markSeconds', () => {
  it.each([NaN, Infinity, -1, 0, '60', null, {}])('ICACHE-08 %s is refused', (markSeconds) => {
    expect(wrongOptions(changed({ revocation: { markSeconds } }))).toEqual(['revocation.markSeconds']);
  });

  it('ICACHE-08 is a number of seconds, and no other key is known to this version', () => {
    expect(problemsOf(changed({ revocation: { markSeconds: 60 } }))).toEqual([]);
    expect(problemsOf(changed({ revocation: {} }))).toEqual([]);
    expect(wrongOptions(changed({ revocation: { markMs: 60 } }))).toEqual(['revocation.markMs']);
    expect(wrongOptions(changed({ revocation: 60 }))).toEqual(['revocation']);
  });
});

describe('A store is the operator’s', () => {
  it('ICACHE-09 nothing of it is read or written when the options are refused', () => {
    const used: string[] = [];
    const touchy = {
      get: async () => void used.push('get'),
      set: async () => void used.push('set'),
      delete: async () => void used.push('delete'),
    };
    const given: unknown = shared({ shared: touchy, ttlMs: -1 });
    expect(() => createResourceServer(given as ResourceServerOptions)).toThrow(/ttlMs/);
    expect(used).toEqual([]);
  });
});

const logged = (logs: string[]): string[] => logs.filter((line) => /secret/i.test(line) && /cache/i.test(line));

describeScenarios('secret: null', [
  scenario(
    'ICACHE-10 is warned about at start-up',
    { options: { cache: { ttlMs: 1000, shared: store, secret: null } } },
    ({ rs }) => expect(logged(rs.logs).length).toBeGreaterThan(0),
  ),
  scenario('ICACHE-10 a secret is not', { options: { cache: { ttlMs: 1000, shared: store, secret: SECRET } } }, ({ rs }) =>
    expect(logged(rs.logs)).toEqual([]),
  ),
]);
