import KeyvRedis from '@keyv/redis';
import { createCache, type Cache } from 'cache-manager';
import { Keyv } from 'keyv';
import { createResourceServer, type ResourceServer, type TokenCacheStore } from 'nestjs-introspection/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { LeakSearch } from '../support/leaks.js';
import { startRedis, titleWithRedis, whyNoRedis, type Redis } from '../support/redis.js';
import { defaultOptions } from '../support/resource-server.js';
import { MapStore } from '../support/stores.js';
import { until } from '../support/until.js';

const noRedis = whyNoRedis();
const SECRET = 'cache-secret-mT4xV9bLr2QsY8nD-at-least-32';
const OTHER_SECRET = 'another-secret-pK3wZ6cHf1JtU5oE-at-least-32';
const LOCAL_TTL_MS = 200;
/** A quarter of it is the store's: more than a busy machine holds a process up. */
const TIMEOUT_MS = 4000;

let authorizationServers: AuthorizationServer[];
const opened: (() => Promise<unknown> | void)[] = [];

beforeAll(async () => {
  authorizationServers = await Promise.all([startAuthorizationServer(), startAuthorizationServer()]);
});
beforeEach(() => {
  for (const each of authorizationServers) each.reset();
});
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});
afterAll(() => Promise.all(authorizationServers.map((each) => each.close())));

/** One instance; its own connection to the store where that is Redis. */
function open(
  as: AuthorizationServer,
  shared: Cache | TokenCacheStore,
  options: Record<string, unknown> = {},
  cache: Record<string, unknown> = {},
): ResourceServer {
  const server = createResourceServer({
    ...defaultOptions(as),
    http: { timeoutMs: TIMEOUT_MS },
    ...options,
    cache: { ttlMs: 60_000, shared, secret: SECRET, localTtlMs: LOCAL_TTL_MS, ...cache },
  } as Parameters<typeof createResourceServer>[0]);
  opened.push(() => server.close());
  return server;
}

function openCache(redis: Redis): Cache {
  const cache = createCache({ stores: [new Keyv({ store: new KeyvRedis(redis.url) })] });
  opened.push(() => cache.disconnect());
  return cache;
}

const requestOf = (token: string) => ({ method: 'GET', url: '/r', headers: { authorization: `Bearer ${token}` } });

/** 200 with the subject, or the status of the refusal. */
async function outcome(server: ResourceServer, token: string): Promise<{ status: number; subject?: string | undefined }> {
  try {
    const { subject } = await server.authenticate(requestOf(token));
    return { status: 200, subject };
  } catch (error) {
    return { status: (error as { status?: number }).status ?? 0 };
  }
}

const statusOf = async (server: ResourceServer, token: string): Promise<number> => (await outcome(server, token)).status;

const callsFor = (as: AuthorizationServer, token: string): number =>
  as.introspectionRequests().filter(({ form }) => form.get('token') === token).length;

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** Until what one instance wrote is what another one reads: writing waits for nobody. */
async function untilShared(as: AuthorizationServer, writer: ResourceServer, reader: ResourceServer): Promise<void> {
  const isShared = async (): Promise<boolean> => {
    const token = as.token();
    const statuses = [await statusOf(writer, token), await statusOf(reader, token)];
    return statuses.every((status) => status === 200) && callsFor(as, token) === 1;
  };
  await expect.poll(isShared, { interval: 10, timeout: 5000 }).toBe(true);
}

/** An instance that has found its store, and reads there what others write. */
async function openWarm(
  as: AuthorizationServer,
  redis: Redis,
  options: Record<string, unknown> = {},
  cache: Record<string, unknown> = {},
): Promise<ResourceServer> {
  const [server, sibling] = [0, 1].map(() => open(as, openCache(redis), options, cache)) as [ResourceServer, ResourceServer];
  await untilShared(as, sibling, server);
  await untilShared(as, server, sibling);
  return server;
}

describe.skipIf(noRedis !== undefined)(titleWithRedis('instances on one Redis', noRedis), () => {
  let redis: Redis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  beforeEach(() => redis.flush());
  afterAll(() => redis?.close());

  describe('never take over the answers of another application', () => {
    interface Difference {
      readonly what: string;
      /** The second application, which differs from the first in one thing. */
      openOther(): Promise<{ as: AuthorizationServer; server: ResourceServer }>;
    }
    const DIFFERENCES: readonly Difference[] = [
      {
        what: 'issuer',
        openOther: async () => ({
          as: authorizationServers[1] as AuthorizationServer,
          server: await openWarm(authorizationServers[1] as AuthorizationServer, redis),
        }),
      },
      {
        what: 'client',
        openOther: async () => {
          const [as] = authorizationServers as [AuthorizationServer];
          const clientAuthentication = { method: 'client_secret_basic', clientId: 'rs2', clientSecret: 'rs2-secret-value' };
          return { as, server: await openWarm(as, redis, { clientAuthentication }) };
        },
      },
      {
        what: 'cache secret',
        openOther: async () => {
          const [as] = authorizationServers as [AuthorizationServer];
          return { as, server: await openWarm(as, redis, {}, { secret: OTHER_SECRET }) };
        },
      },
    ];

    it.each(DIFFERENCES)('with another $what: in turn, the other way round, and both at once', async ({ what, openOther }) => {
      const [as] = authorizationServers as [AuthorizationServer];
      const first = await openWarm(as, redis);
      const { as: otherAs, server: other } = await openOther();

      /** A token for which the two applications must hear different answers. */
      const issue = (): string => {
        const token = as.token({ sub: 'first' });
        if (otherAs !== as) return token;
        as.answer(token, (request, response) => {
          const [id] = Buffer.from(String(request.headers.authorization).slice('Basic '.length), 'base64').toString().split(':');
          const answer = { active: true, token_type: 'Bearer', ...as.claims({ sub: id === 'rs1' ? 'first' : 'second' }) };
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
        });
        return token;
      };
      const forFirst = { status: 200, subject: 'first' };
      const forOther = what === 'issuer' ? { status: 401 } : { status: 200, subject: what === 'client' ? 'second' : 'first' };
      const expectOwnCalls = (token: string): void => {
        if (otherAs === as) expect(callsFor(as, token)).toBe(2);
        else expect([callsFor(as, token), callsFor(otherAs, token)]).toEqual([1, 1]);
      };

      const inTurn = issue();
      expect(await outcome(first, inTurn)).toEqual(forFirst);
      await expect.poll(async () => (await redis.dump()).size).toBeGreaterThan(0);
      expect(await outcome(other, inTurn)).toEqual(forOther);
      expectOwnCalls(inTurn);

      const reversed = issue();
      expect(await outcome(other, reversed)).toEqual(forOther);
      expect(await outcome(first, reversed)).toEqual(forFirst);
      expectOwnCalls(reversed);

      const atOnce = issue();
      const both = await Promise.all(Array.from({ length: 50 }, () => [outcome(first, atOnce), outcome(other, atOnce)]).flat());
      for (const [index, each] of both.entries()) expect(each).toEqual(index % 2 === 0 ? forFirst : forOther);
      if (what !== 'issuer') expectOwnCalls(atOnce);
      // Each again, from memory this time where there was an answer.
      expect([await outcome(first, atOnce), await outcome(other, atOnce)]).toEqual([forFirst, forOther]);
    });

    it('nor its revocations: the same subject at another issuer goes on', async () => {
      const [as, otherAs] = authorizationServers as [AuthorizationServer, AuthorizationServer];
      const [first, other] = [await openWarm(as, redis), await openWarm(otherAs, redis)];
      const iat = nowSeconds();
      const [revoked, untouched] = [as.token({ sub: 'same', iat }), otherAs.token({ sub: 'same', iat })];
      expect([await statusOf(first, revoked), await statusOf(other, untouched)]).toEqual([200, 200]);
      await first.revoke({ issuer: as.issuer, subject: 'same' });
      expect([await statusOf(first, revoked), await statusOf(other, untouched)]).toEqual([401, 200]);
      expect(callsFor(otherAs, untouched)).toBe(1);
    });
  });

  describe('a Redis that lost everything gets the revocations back from the instance that made them', () => {
    /** One instance revoked a token, and Redis has lost that; `look` has it notice, and asks another instance. */
    const revokeAndLose = async () => {
      const [as] = authorizationServers as [AuthorizationServer];
      const revoking = await openWarm(as, redis);
      const doomed = as.token({ sub: 'doomed', iat: nowSeconds() });
      const hot = as.token();
      expect([await statusOf(revoking, doomed), await statusOf(revoking, hot)]).toEqual([200, 200]);
      await revoking.revoke({ issuer: as.issuer, subject: 'doomed' });
      await redis.flush();
      const look = async (other: ResourceServer) => ({
        hot: await statusOf(revoking, hot),
        doomed: [await statusOf(revoking, doomed), await statusOf(other, doomed)],
      });
      return { openOther: () => open(as, openCache(redis)), doomed, look };
    };
    const RESTORED = { hot: 200, doomed: [401, 401] };

    it('for those that come later', async () => {
      const { openOther, look } = await revokeAndLose();
      await expect.poll(() => look(openOther()), { interval: 50, timeout: 3000 }).toEqual(RESTORED);
    });

    it('for those that looked in between, and found nothing', async () => {
      const [as] = authorizationServers as [AuthorizationServer];
      const early = await openWarm(as, redis);
      const { doomed, look } = await revokeAndLose();
      // Once it has looked after the loss and before the restoration, or there would be nothing to see.
      await until('it found no mark', async () => {
        await redis.flush();
        return (await statusOf(early, doomed)) === 200;
      });
      await expect.poll(() => look(early), { interval: 20, timeout: 3000 }).toEqual(RESTORED);
    });
  });

  it('a process that is too busy to hear the store takes that for no outage', async () => {
    const [as] = authorizationServers as [AuthorizationServer];
    const timeoutMs = 1000;
    const revoking = open(as, openCache(redis));
    const busy = open(as, openCache(redis), { http: { timeoutMs } });
    await untilShared(as, revoking, busy);
    const token = as.token({ sub: 'doomed', iat: nowSeconds() });
    expect([await statusOf(revoking, token), await statusOf(busy, token)]).toEqual([200, 200]);
    await revoking.revoke({ issuer: as.issuer, subject: 'doomed' });

    const request = statusOf(busy, token);
    // The question goes out, the answer comes, and nobody can read it before the store's time is over.
    await new Promise((resolve) => setImmediate(resolve));
    const untilMs = performance.now() + timeoutMs * 0.6;
    while (performance.now() < untilMs);
    expect(await request).toBe(401);
    expect(await statusOf(busy, token)).toBe(401);
  });

  describe('whoever writes to Redis without the secret', () => {
    const REPLACEMENTS: readonly [what: string, change: (key: string, value: string, all: readonly string[]) => string][] = [
      ['an active answer in clear', () => '{"active":true,"token_type":"Bearer","sub":"attacker"}'],
      ["an active answer in Keyv's wrapping", () => '{"value":"{\\"active\\":true,\\"sub\\":\\"attacker\\"}"}'],
      ['no JSON', () => 'not json at all'],
      ['an empty text', () => ''],
      ['JSON of another kind', () => '{"value":[null,{"active":true}],"expires":"soon"}'],
      ['null', () => 'null'],
      ['a flipped character', (_key, value) => value.replace(/.(?=.{6}$)/s, (last) => (last === 'A' ? 'B' : 'A'))],
      ['the entry of another key', (_key, value, all) => all[(all.indexOf(value) + 1) % all.length] ?? ''],
    ];

    it.each(REPLACEMENTS)('is not believed: %s', async (_what, change) => {
      const [as] = authorizationServers as [AuthorizationServer];
      const writer = open(as, openCache(redis));
      const sibling = open(as, openCache(redis));
      await untilShared(as, writer, sibling);
      await redis.flush();
      const tokens = ['u1', 'u2', 'u3'].map((sub) => as.token({ sub, iat: nowSeconds() }));
      for (const token of tokens) expect(await statusOf(writer, token)).toBe(200);
      const held = await redis.dump();
      expect(held.size).toBeGreaterThanOrEqual(tokens.length);
      const all = [...held.values()];
      await redis.tamper((key, value) => change(key, value, all));
      expect([...(await redis.dump()).values()]).not.toEqual(all);
      // Now the truth is another one, and only those who ask can know it.
      as.answer(tokens[2] as string, { active: false });

      const reader = open(as, openCache(redis));
      expect([await outcome(reader, tokens[0] as string), await outcome(reader, tokens[1] as string)]).toEqual([
        { status: 200, subject: 'u1' },
        { status: 200, subject: 'u2' },
      ]);
      expect(await statusOf(reader, tokens[2] as string)).toBe(401);
      for (const token of tokens) expect(callsFor(as, token)).toBe(2);
    });
  });

  it('without a secret, keys are hashes still, and values are in clear', async () => {
    const [as] = authorizationServers as [AuthorizationServer];
    const server = open(as, openCache(redis), {}, { secret: null });
    const token = as.token({ sub: 'canary-subject-Qw8rTz', iat: nowSeconds() });
    const search = new LeakSearch([
      { name: 'token', text: token },
      { name: 'client secret', text: 'rs1-secret-value' },
    ]);
    expect(await statusOf(server, token)).toBe(200);
    const text = async (): Promise<string> => [...(await redis.dump())].flat().join('\n');
    // What makes the search of encrypted values worth something: the same search finds these.
    await expect.poll(text).toContain('canary-subject-Qw8rTz');
    await server.revoke({ token });
    expect(search.find('Redis', await text())).toEqual([]);
  });

  it('an answer grows no younger by passing through Redis', async () => {
    const [as] = authorizationServers as [AuthorizationServer];
    let nowMs = Date.now();
    const clock = { now: () => nowMs };
    const cache = { ttlMs: 10_000 };
    const first = open(as, openCache(redis), { clock }, cache);
    const second = open(as, openCache(redis), { clock }, cache);
    await untilShared(as, first, second);
    const token = as.token({ exp: nowSeconds() + 3600 });
    expect(await statusOf(first, token)).toBe(200);
    await untilShared(as, first, second);
    nowMs += 9_000;
    expect(await statusOf(second, token)).toBe(200);
    expect(callsFor(as, token)).toBe(1);
    as.answer(token, { active: false });
    nowMs += 1_001;
    expect([await statusOf(second, token), await statusOf(first, token)]).toEqual([401, 401]);
  });
});

describe('instances on a store of their own', () => {
  it('share answers and revocations, and do without it while it is down', async () => {
    const [as] = authorizationServers as [AuthorizationServer];
    const store = new MapStore();
    const [first, second] = [open(as, store), open(as, store)];
    await untilShared(as, first, second);
    const token = as.token({ sub: 'doomed', iat: nowSeconds() });
    expect([await statusOf(first, token), await statusOf(second, token)]).toEqual([200, 200]);

    store.down = true;
    const fresh = as.token();
    expect([await statusOf(first, fresh), await statusOf(second, fresh)]).toEqual([200, 200]);
    expect(callsFor(as, fresh)).toBe(2);
    await expect(first.revoke({ issuer: as.issuer, subject: 'doomed' })).rejects.toThrow();

    store.down = false;
    await untilShared(as, first, second);
    await second.revoke({ issuer: as.issuer, subject: 'doomed' });
    expect([await statusOf(first, token), await statusOf(second, token)]).toEqual([401, 401]);
  });
});
