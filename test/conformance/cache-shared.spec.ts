import type { ResourceServer } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/remembering.js';
import { CACHE_SECRET, describeSharing, FaultyStore, managedCache, STORES } from '../support/shared-stores.js';

const fixture = describeSharing();
const { joined, remember, running } = fixture;
const remembered = { status: 200, asked: 0 };
const combinations = Object.entries(STORES).flatMap(([store, create]) =>
  ([CACHE_SECRET, null] as const).map(
    (secret) => [`${store}, ${secret === null ? 'without' : 'with'} a secret`, create, secret] as const,
  ),
);

describe('One store, two resource servers', () => {
  it.each(combinations)('ICACHE-10 %s: what one asked the other knows', async (_what, create, secret) => {
    const { shared, dump } = create();
    const [first, second] = [joined(shared, { secret }), joined(shared, { secret })];
    const token = fixture.as.token({ roles: ['admin'] });
    await remember(first, token, dump);
    const verdict = await second.judge(token, { scopes: ['read'] });
    expect(verdict).toMatchObject(remembered);
    expect(verdict.principal).toMatchObject({ subject: 'u1', clientId: 'c1', roles: ['admin'], issuer: fixture.as.issuer });
    expect(await second.judge(token, { scopes: ['write'] })).toMatchObject({ status: 403, asked: 0 });
    expect(await second.judge(token, { audience: 'https://other.example' })).toMatchObject({ status: 401, asked: 0 });
    expect(second.eventsOf('cache.hit').length).toBeGreaterThan(0);
  });

  it.each(combinations)('ICACHE-01 ICACHE-12 %s: never to exp, nor longer than ttlMs', async (_what, create, secret) => {
    const { shared, dump } = create();
    const [first, second] = [joined(shared, { secret }), joined(shared, { secret })];
    const now = Math.floor(running.now() / 1000);
    const [short, long] = [fixture.as.token({ exp: now + 20 }), fixture.as.token({ exp: now + 3600 })];
    await remember(first, short, dump);
    await remember(first, long, dump);
    running.skipSeconds(21);
    for (const token of [short, long]) fixture.as.answer(token, { active: false });
    expect(await second.judge(short)).toMatchObject({ status: 401 });
    expect(await second.judge(long)).toMatchObject(remembered);
    running.skipSeconds(40);
    expect(await joined(shared, { secret }).judge(long)).toMatchObject({ status: 401, asked: 1 });
    expect(await first.judge(long)).toMatchObject({ status: 401, asked: 1 });
  });

  const forms: [string, (token: string) => Parameters<ResourceServer['revoke']>[0]][] = [
    ['token', (token) => ({ token })],
    ['jti', () => ({ issuer: fixture.as.issuer, jti: 'j1' })],
    ['subject', () => ({ issuer: fixture.as.issuer, subject: 'u1' })],
    ['session', () => ({ issuer: fixture.as.issuer, sessionId: 's1' })],
    ['client', () => ({ issuer: fixture.as.issuer, clientId: 'c1' })],
    ['issuer', () => ({ issuer: fixture.as.issuer, beforeSeconds: Math.floor(running.now() / 1000) })],
  ];
  const revocations = combinations.flatMap(([what, create, secret]) =>
    forms.map(([kind, form]) => [`${what}, by ${kind}`, create, secret, form] as const),
  );

  it.each(revocations)('ICACHE-08 T41 %s: what one revoked no other serves', async (_what, create, secret, form) => {
    const { shared, dump } = create();
    const [first, second] = [joined(shared, { secret }), joined(shared, { secret })];
    const local = joined(shared, { secret }, { verification: 'local' });
    const iat = Math.floor(running.now() / 1000) - 10;
    const claims = { iat, jti: 'j1', sid: 's1', exp: iat + 300 };
    const [token, jwt] = [fixture.as.token(claims), await fixture.as.sign(claims)];
    await remember(first, token, dump);
    expect(await second.judge(token)).toMatchObject(remembered);
    expect(await local.judge(jwt)).toMatchObject(remembered);

    await first.server.revoke(form(token));
    if ('token' in form(token)) await first.server.revoke({ token: jwt });
    expect(await second.judge(token)).toMatchObject({ status: 401, asked: 0 });
    expect(await local.judge(jwt)).toMatchObject({ status: 401, asked: 0 });
    expect(await first.judge(token)).toMatchObject({ status: 401, asked: 0 });
    const third = joined(shared, { secret });
    expect(await third.judge(token)).toMatchObject({ status: 401 });
  });

  it('ICACHE-08 a revocation here wins against a call in flight there', async () => {
    const { shared } = managedCache();
    const [first, second] = [joined(shared), joined(shared)];
    const claims = fixture.as.claims({ iat: Math.floor(running.now() / 1000) - 10 });
    const token = fixture.as.token(claims);
    let release: () => void = () => undefined;
    fixture.as.answer(token, (_request, response) => {
      release = () =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ active: true, ...claims }));
    });
    const called = fixture.as.nextRequest();
    const verdict = second.judge(token);
    await called;
    await first.server.revoke({ issuer: fixture.as.issuer, subject: 'u1' });
    release();
    expect(await verdict).toMatchObject({ status: 401 });
    expect(await joined(shared).judge(token)).toMatchObject({ status: 401 });
  });

  it.each(combinations)(
    'ICACHE-02 T41 %s: what one is told anew the other does not go by the old of',
    async (_what, create, secret) => {
      const { shared, dump } = create();
      const first = joined(shared, { secret });
      const token = fixture.as.token();
      await remember(first, token, dump);
      fixture.as.answer(token, { active: false });
      expect(await first.judge(token, { introspectMaxAgeMs: 0 })).toMatchObject({ status: 401, asked: 1 });
      await eventually(async () =>
        expect(await joined(shared, { secret }).judge(token)).toMatchObject({ status: 401, asked: 1 }),
      );
    },
  );

  it('ICACHE-09 in localTtlMs the store is not asked again, afterwards it is', async () => {
    const store = new FaultyStore();
    const one = fixture.open({ cache: { ttlMs: 60_000, shared: store, secret: CACHE_SECRET, localTtlMs: 1000 } });
    const token = fixture.as.token();
    await remember(one, token, () => store.dump());
    expect(await one.judge(token)).toMatchObject(remembered);
    const { reads } = store;
    expect(await one.judge(token)).toMatchObject(remembered);
    expect(store.reads).toBe(reads);
    fixture.clock.advanceSeconds(2);
    expect(await one.judge(token)).toMatchObject(remembered);
    expect(store.reads).toBeGreaterThan(reads);
  });

  it('ICACHE-03 whatever is written has a time to live in whole milliseconds', async () => {
    const store = new FaultyStore();
    const clock = { now: () => running.now() + 1 / 3 };
    const one = joined(store, { inactiveTtlMs: 1000 }, { clock });
    await remember(one, fixture.as.token({ exp: Math.floor(running.now() / 1000) + 2 }), () => store.dump());
    expect(await one.judge('an-unknown-token')).toMatchObject({ status: 401 });
    await one.server.revoke({ token: 'an-unknown-token' });
    expect(store.ttls.filter((ttlMs) => !Number.isSafeInteger(ttlMs) || ttlMs < 1)).toEqual([]);
    expect(store.ttls.length).toBeGreaterThan(0);
  });
});
