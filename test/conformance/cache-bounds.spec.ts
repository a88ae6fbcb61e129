import { describe, expect, it } from 'vitest';
import { describeRemembering } from '../support/remembering.js';
import { describeTwoIssuers } from '../support/two-issuers.js';

const fixture = describeRemembering();
const open = (cache: Record<string, unknown>, options: Record<string, unknown> = {}) => fixture.open({ cache, ...options });
const remembered = { status: 200, asked: 0 };
const askedFor = { status: 200, asked: 1 };
const bad = (count: number): string[] => Array.from({ length: count }, (_each, index) => `an-unknown-token-${index}`);
const good = (count: number, claims: Record<string, unknown> = {}): string[] =>
  Array.from({ length: count }, () => fixture.as.token(claims));

describe('Answers that are not active', () => {
  it('ICACHE-04 T40 are not remembered unless it is asked for', async () => {
    const { judge } = open({ ttlMs: 60_000 });
    expect(await judge('not-yet-known')).toMatchObject({ status: 401, asked: 1 });
    expect(await judge('not-yet-known')).toMatchObject({ status: 401, asked: 1 });
    fixture.as.answer('not-yet-known', { active: true, ...fixture.as.claims() });
    expect(await judge('not-yet-known')).toMatchObject(askedFor);
  });

  it('ICACHE-04 T40 are remembered for inactiveTtlMs', async () => {
    const { judge } = open({ ttlMs: 60_000, inactiveTtlMs: 5000 });
    expect(await judge('not-yet-known')).toMatchObject({ status: 401, asked: 1, reason: 'inactive' });
    fixture.as.answer('not-yet-known', { active: true, ...fixture.as.claims() });
    fixture.clock.advanceSeconds(4);
    expect(await judge('not-yet-known')).toMatchObject({ status: 401, asked: 0, reason: 'inactive' });
    fixture.clock.advanceSeconds(2);
    expect(await judge('not-yet-known')).toMatchObject(askedFor);
    expect(await judge('not-yet-known')).toMatchObject(remembered);
  });

  it('ICACHE-04 T41 take the place of the active one, and give it back', async () => {
    const { judge } = open({ ttlMs: 60_000, inactiveTtlMs: 60_000 });
    const [token] = good(1) as [string];
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.as.answer(token, { active: false });
    expect(await judge(token, { introspectMaxAgeMs: 0 })).toMatchObject({ status: 401, asked: 1 });
    expect(await judge(token)).toMatchObject({ status: 401, asked: 0 });
    fixture.as.answer(token, { active: true, ...fixture.as.claims() });
    expect(await judge(token, { introspectMaxAgeMs: 0 })).toMatchObject(askedFor);
    expect(await judge(token)).toMatchObject(remembered);
  });

  it('ICACHE-04 T35 have a budget of their own: a scan pushes out no good token', async () => {
    const { judge } = open({ ttlMs: 60_000, inactiveTtlMs: 60_000, maxEntries: 20, maxInactiveEntries: 50 });
    const tokens = good(20);
    for (const token of tokens) expect(await judge(token)).toMatchObject(askedFor);
    for (const token of bad(1000)) expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
    for (const token of tokens) expect(await judge(token)).toMatchObject(remembered);
  });

  it('ICACHE-04 T35 are bounded in number', async () => {
    const { judge } = open({ ttlMs: 60_000, inactiveTtlMs: 60_000, maxInactiveEntries: 50 });
    const tokens = bad(300);
    for (const token of tokens) expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
    fixture.fail();
    const held = await heldOf(tokens, judge, 401);
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(50);
  });

  it('ICACHE-04 good tokens push no bad one out', async () => {
    const { judge } = open({ ttlMs: 60_000, inactiveTtlMs: 60_000, maxEntries: 20, maxInactiveEntries: 20 });
    for (const token of bad(20)) expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
    for (const token of good(100)) expect(await judge(token)).toMatchObject(askedFor);
    for (const token of bad(20)) expect(await judge(token)).toMatchObject({ status: 401, asked: 0 });
  });
});

/** How many are answered from memory; the server must be failing, so that nothing is remembered meanwhile. */
async function heldOf(tokens: string[], judge: ReturnType<typeof open>['judge'], status: number): Promise<number> {
  let held = 0;
  for (const token of tokens) {
    const verdict = await judge(token);
    if (verdict.asked === 0) held += 1;
    expect(verdict.status).toBe(verdict.asked === 0 ? status : 503);
  }
  return held;
}

describe('How much is remembered', () => {
  it('T35 maxEntries answers', async () => {
    const { judge, eventsOf } = open({ ttlMs: 60_000, maxEntries: 30 });
    const tokens = good(100);
    for (const token of tokens) expect(await judge(token)).toMatchObject(askedFor);
    fixture.fail();
    const held = await heldOf(tokens, judge, 200);
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(30);
    expect(eventsOf('cache.evicted').reduce((sum, { count }) => sum + count, 0)).toBe(100 - held);
  });

  it('T35 and not more than maxBytes', async () => {
    const { judge } = open({ ttlMs: 60_000, maxBytes: 1_000_000 });
    const tokens = good(40, { note: 'x'.repeat(100_000) });
    for (const token of tokens) expect(await judge(token)).toMatchObject(askedFor);
    fixture.fail();
    const held = await heldOf(tokens, judge, 200);
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(10);
  });

  it('T35 an answer that alone is more than maxBytes is not remembered, and pushes nothing out', async () => {
    const { judge } = open({ ttlMs: 60_000, maxBytes: 100_000 });
    const [small] = good(1) as [string];
    const [large] = good(1, { note: 'x'.repeat(300_000) }) as [string];
    expect(await judge(small)).toMatchObject(askedFor);
    expect(await judge(large)).toMatchObject(askedFor);
    expect(await judge(large)).toMatchObject(askedFor);
    expect(await judge(small)).toMatchObject(remembered);
  });

  it('T35 a token in use stays', async () => {
    const { judge } = open({ ttlMs: 60_000, maxEntries: 10 });
    const [used] = good(1) as [string];
    expect(await judge(used)).toMatchObject(askedFor);
    for (const token of good(50)) {
      expect(await judge(token)).toMatchObject(askedFor);
      expect(await judge(used)).toMatchObject(remembered);
    }
  });

  it('ICACHE-02 is told as it happens: a miss, and a hit with its age', async () => {
    const { judge, eventsOf } = open({ ttlMs: 60_000 });
    const [token] = good(1) as [string];
    expect(await judge(token)).toMatchObject(askedFor);
    expect([eventsOf('cache.miss').length, eventsOf('cache.hit').length]).toEqual([1, 0]);
    fixture.clock.advanceSeconds(3);
    expect(await judge(token)).toMatchObject(remembered);
    expect(eventsOf('cache.hit')).toEqual([expect.objectContaining({ ageMs: 3000, atMs: fixture.clock.now() })]);
    expect(JSON.stringify([...eventsOf('cache.miss'), ...eventsOf('cache.hit')])).not.toContain(token);
  });
});

describe('Which answers: those of introspection, for every kind of token', () => {
  it('ICACHE-02 a JWT that only the server judges', async () => {
    const { judge } = open({ ttlMs: 60_000 }, { verification: 'remote' });
    const token = await fixture.as.sign();
    fixture.as.answer(token, { active: true, ...fixture.as.claims() });
    expect(await judge(token)).toMatchObject(askedFor);
    expect(await judge(token)).toMatchObject(remembered);
  });

  it('ICACHE-07 a JWT that both judge: it is verified again, the answer is remembered', async () => {
    const { judge } = open({ ttlMs: 300_000 }, { verification: 'both', clockToleranceSeconds: 0 });
    const token = await fixture.as.sign({ exp: fixture.clock.seconds() + 10, scope: 'read write' });
    fixture.as.answer(token, { active: true, ...fixture.as.claims({ scope: 'read' }) });
    expect(await judge(token, { scopes: ['read'] })).toMatchObject(askedFor);
    expect(await judge(token, { scopes: ['read'] })).toMatchObject(remembered);
    expect(await judge(token, { scopes: ['write'] })).toMatchObject({ status: 403, asked: 0 });
    fixture.clock.advanceSeconds(10);
    expect(await judge(token)).toMatchObject({ status: 401, asked: 0, reason: 'expired' });
  });

  it('ICACHE-06 an answer about one JWT says nothing about another of the same claims', async () => {
    const { judge } = open({ ttlMs: 60_000 }, { verification: 'both' });
    const claims = fixture.as.claims({ jti: 'j1' });
    const [first, second] = [await fixture.as.sign(claims), await fixture.as.sign(claims)];
    fixture.as.answer(first, { active: true, ...claims });
    expect(await judge(first)).toMatchObject(askedFor);
    expect(await judge(second)).toMatchObject({ status: 401, asked: 1 });
  });
});

const issuers = describeTwoIssuers();

describe('One token, two authorization servers', () => {
  const routed = (): Record<string, unknown> => ({
    issuers: [issuers.optionsOf(issuers.a), issuers.optionsOf(issuers.b)],
    issuerFor: ({ headers }: { headers: Record<string, string> }) => (headers['x-tenant'] === 'a' ? issuers.a : issuers.b).issuer,
    cache: { ttlMs: 60_000, inactiveTtlMs: 60_000 },
  });
  const [atA, atB] = [{ 'x-tenant': 'a' }, { 'x-tenant': 'b' }];

  it.each([
    ['A first', true],
    ['B first', false],
  ])('ICACHE-06 IRESP-16 T31 known at A alone: %s', (_order, aFirst) =>
    issuers.serving(routed(), async ({ judge }) => {
      const token = issuers.a.token();
      const accept = { status: 200, issuer: issuers.a.issuer };
      if (aFirst) expect(await judge(token, atA)).toMatchObject({ ...accept, asked: [1, 0] });
      expect(await judge(token, atB)).toMatchObject({ status: 401, asked: [0, 1] });
      if (!aFirst) expect(await judge(token, atA)).toMatchObject({ ...accept, asked: [1, 0] });
      expect(await judge(token, atA)).toMatchObject({ ...accept, asked: [0, 0] });
      expect(await judge(token, atB)).toMatchObject({ status: 401, asked: [0, 0] });
    }),
  );

  it('ICACHE-06 IRESP-16 T31 known at A alone: fifty at once', () =>
    issuers.serving(routed(), async ({ judge }) => {
      const token = issuers.a.token();
      const wanted = Array.from({ length: 50 }, (_each, index) => (index % 2 === 0 ? atA : atB));
      const got = await Promise.all(wanted.map((headers) => judge(token, headers)));
      for (const [index, { status }] of got.entries()) expect(status).toBe(index % 2 === 0 ? 200 : 401);
      expect([issuers.a.introspections, issuers.b.introspections]).toEqual([1, 1]);
    }));
});
