import { IntrospectionService, type Health } from 'nestjs-introspection';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { json } from '../support/authorization-server.js';
import { describeRemembering, eventually } from '../support/remembering.js';
import { ADAPTERS, startResourceServer } from '../support/resource-server.js';
import { CACHE_SECRET, FaultyStore } from '../support/shared-stores.js';

const fixture = describeRemembering();
const hybrid = { verification: 'hybrid' };
const PARTS = ['ok', 'failing', 'unused'];
const discovered = { discovery: true, introspectionEndpoint: undefined, jwksUri: undefined };

function expectShape(health: Health): void {
  expect(['ok', 'degraded', 'down']).toContain(health.status);
  for (const { issuer, metadata, keys, introspection, breaker, lastSuccessAtMs, ...rest } of health.issuers) {
    expect(typeof issuer).toBe('string');
    for (const part of [metadata, keys, introspection]) expect(PARTS).toContain(part);
    expect(['closed', 'open', 'half-open']).toContain(breaker);
    expect(['number', 'undefined']).toContain(typeof lastSuccessAtMs);
    expect(rest).toEqual({});
  }
  const { status: _status, issuers: _issuers, cache, ...rest } = health;
  expect(rest).toEqual({});
  if (cache !== undefined) expect(Object.keys(cache).toSorted()).toEqual(['entries', 'store']);
  expect(JSON.parse(JSON.stringify(health))).toEqual(health);
}

describe('health()', () => {
  it('IERR-06 of a server that was asked nothing yet: nothing is wrong, and no call is made', async () => {
    const { server } = fixture.open(hybrid);
    const health = server.health();
    expectShape(health);
    const unused = { issuer: fixture.as.issuer, introspection: 'unused', breaker: 'closed' };
    expect(health).toMatchObject({ status: 'ok', issuers: [unused] });
    expect(health.issuers[0]).not.toHaveProperty('lastSuccessAtMs');
    expect(health).not.toHaveProperty('cache');
    await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.as.requests).toEqual([]);
  });

  it('IERR-06 ok, with the time of the last success by the clock', async () => {
    const { server, judge } = fixture.open({ ...hybrid, ...discovered });
    expect(await judge(await fixture.as.sign())).toMatchObject({ status: 200 });
    expect(await judge(fixture.as.token())).toMatchObject({ status: 200 });
    const first = fixture.clock.now();
    fixture.clock.advanceSeconds(5);
    const calls = fixture.as.requests.length;
    const health = server.health();
    expectShape(health);
    const everything = { metadata: 'ok', keys: 'ok', introspection: 'ok', breaker: 'closed', lastSuccessAtMs: first };
    expect(health).toMatchObject({ status: 'ok', issuers: [everything] });
    expect(await judge('an-inactive-token')).toMatchObject({ status: 401 });
    // That a token is not active is a success of the server.
    expect(server.health().issuers[0]).toMatchObject({ introspection: 'ok', lastSuccessAtMs: fixture.clock.now() });
    expect(fixture.as.requests).toHaveLength(calls + 1);
  });

  it('IERR-06 degraded while introspection fails and keys serve, and well again after an answer', async () => {
    const { server, judge } = fixture.open(hybrid);
    expect(await judge(await fixture.as.sign())).toMatchObject({ status: 200 });
    expect(await judge(fixture.as.token())).toMatchObject({ status: 200 });
    const last = fixture.clock.now();
    fixture.clock.advanceSeconds(5);
    fixture.fail();
    expect(await judge(fixture.as.token())).toMatchObject({ status: 503 });
    const failing = { introspection: 'failing', keys: 'ok', breaker: 'closed', lastSuccessAtMs: last };
    expect(server.health()).toMatchObject({ status: 'degraded', issuers: [failing] });
    fixture.recover();
    expect(await judge(fixture.as.token())).toMatchObject({ status: 200 });
    expect(server.health()).toMatchObject({ status: 'ok', issuers: [{ introspection: 'ok' }] });
  });

  it.each([401, 403, 404, 400])('CAUTH-10 IERR-06 the endpoint says %d: failing', async (status) => {
    const { server, judge } = fixture.open();
    fixture.as.replace('introspection', (_request, response) => json(response, { error: 'invalid_client' }, status));
    expect(await judge(fixture.as.token())).toMatchObject({ status: 503 });
    expect(server.health()).toMatchObject({ status: 'down', issuers: [{ introspection: 'failing' }] });
  });

  it('IERR-06 down when nothing works, with the state of the breaker', async () => {
    const { server, judge } = fixture.open({ http: { retries: 0 } });
    fixture.as.replace('introspection', (_request, response) => json(response, {}, 503));
    for (let count = 0; count < 5; count += 1) await judge(fixture.as.token());
    expect(server.health()).toMatchObject({ status: 'down', issuers: [{ introspection: 'failing', breaker: 'open' }] });
    fixture.clock.advanceSeconds(10);
    expect(server.health()).toMatchObject({ issuers: [{ breaker: 'half-open' }] });
    fixture.recover();
    expect(await judge(fixture.as.token())).toMatchObject({ status: 200 });
    expect(server.health()).toMatchObject({ status: 'ok', issuers: [{ introspection: 'ok', breaker: 'closed' }] });
  });

  it('JWK-13 T80 keys that cannot be fetched: failing, whatever the held ones still serve', async () => {
    const { server, judge } = fixture.open({ verification: 'local' });
    fixture.as.replace('jwks', (_request, response) => json(response, {}, 500));
    expect(await judge(await fixture.as.sign())).toMatchObject({ status: 503 });
    expect(server.health()).toMatchObject({ status: 'down', issuers: [{ keys: 'failing', introspection: 'unused' }] });
    fixture.as.replace('jwks');
    fixture.clock.advanceSeconds(61);
    expect(await judge(await fixture.as.sign())).toMatchObject({ status: 200 });
    expect(server.health()).toMatchObject({ status: 'ok', issuers: [{ keys: 'ok' }] });
  });

  it('META-12 T124 metadata that cannot be fetched: failing', async () => {
    for (const path of ['metadata', 'openidConfiguration'] as const)
      fixture.as.replace(path, (_request, response) => json(response, {}, 500));
    const { server, judge } = fixture.open({ ...hybrid, ...discovered });
    expect(await judge(fixture.as.token())).toMatchObject({ status: 503 });
    expect(server.health()).toMatchObject({ status: 'down', issuers: [{ metadata: 'failing' }] });
  });

  it('IERR-07 each issuer by itself: one that is down degrades the whole', async () => {
    const single = 'issuer clientAuthentication introspectionEndpoint jwksUri'.split(' ');
    const { as } = fixture;
    const clientAuthentication = { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'a-secret-in-the-options' };
    const other = 'https://down.example.com';
    const { server } = fixture.open({
      ...Object.fromEntries(single.map((name) => [name, undefined])),
      issuers: [
        { issuer: as.issuer, introspectionEndpoint: as.introspectionEndpoint, clientAuthentication },
        { issuer: other, introspectionEndpoint: `${as.origin}/nowhere`, clientAuthentication },
      ],
      issuerFor: 'in-order',
    });
    await server.introspect(as.token(), { issuer: as.issuer });
    await server.introspect(as.token(), { issuer: other }).catch(() => undefined);
    const health = server.health();
    expectShape(health);
    expect(health.status).toBe('degraded');
    expect(health.issuers.map(({ issuer, introspection }) => [issuer, introspection])).toEqual([
      [as.issuer, 'ok'],
      [other, 'failing'],
    ]);
  });
});

describe('health() of the cache', () => {
  it('ICACHE-09 counts what is remembered, without a call', async () => {
    const { server, judge } = fixture.open({ cache: { ttlMs: 60_000 } });
    expect(server.health().cache).toEqual({ store: 'ok', entries: 0 });
    for (let count = 1; count <= 3; count += 1) {
      expect(await judge(fixture.as.token())).toMatchObject({ status: 200 });
      expect(server.health().cache).toEqual({ store: 'ok', entries: count });
    }
    expectShape(server.health());
  });

  it('ICACHE-09 T43 the store fails: degraded, not down, until it is back', async () => {
    const store = new FaultyStore();
    const cache = { ttlMs: 60_000, shared: store, secret: CACHE_SECRET, localTtlMs: 20 };
    const { server, judge } = fixture.open({ cache });
    expect(await judge(fixture.as.token())).toMatchObject({ status: 200 });
    expect(server.health()).toMatchObject({ status: 'ok', cache: { store: 'ok' } });
    store.break('rejects');
    fixture.clock.advanceSeconds(1);
    expect(await judge(fixture.as.token())).toMatchObject({ status: 200 });
    expect(server.health()).toMatchObject({ status: 'degraded', cache: { store: 'failing' } });
    const { reads } = store;
    server.health();
    expect(store.reads).toBe(reads);
    store.break(undefined);
    await eventually(async () => {
      fixture.clock.advanceSeconds(2);
      await judge(fixture.as.token());
      expect(server.health()).toMatchObject({ status: 'ok', cache: { store: 'ok' } });
    });
  });
});

describe.each(ADAPTERS)('health() in an application (%s)', (adapter) => {
  let close: (() => Promise<void>) | undefined;
  afterEach(() => close?.());

  it('IERR-06 T120 IntrospectionService says the same, and no secret or token', async () => {
    const { as, clock } = fixture;
    const rs = await startResourceServer({
      adapter,
      authorizationServer: as,
      options: { clock, cache: { ttlMs: 60_000 } },
    });
    close = () => rs.close();
    const service = rs.app.get(IntrospectionService);
    const token = as.token({ sub: 'a-subject-to-be-seen-nowhere' });
    expect(await rs.get('/any', `Bearer ${token}`)).toMatchObject({ status: 200 });
    const calls = as.requests.length;
    const health = service.health();
    expectShape(health);
    const issuer = { issuer: as.issuer, metadata: 'ok', introspection: 'ok', breaker: 'closed', lastSuccessAtMs: clock.now() };
    expect(health).toMatchObject({ status: 'ok', issuers: [issuer], cache: { store: 'ok', entries: 1 } });
    as.replace('introspection', (_request, response) => json(response, {}, 500));
    expect(await rs.get('/any', 'Bearer another-token-to-be-seen-nowhere')).toMatchObject({ status: 503 });
    const text = inspect([health, service.health()], { depth: 20, showHidden: true });
    for (const word of [token, 'rs1-secret-value', 'nowhere', CACHE_SECRET]) expect(text).not.toContain(word);
    expect(as.requests).toHaveLength(calls + 1);
  });
});
