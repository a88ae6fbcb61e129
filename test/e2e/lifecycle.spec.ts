import { IntrospectionService } from 'nestjs-introspection';
import { createResourceServer, type ResourceServerOptions } from 'nestjs-introspection/core';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { startRawUpstream } from '../support/raw-upstream.js';
import { explicitOptions, holdAnswers } from '../support/remembering.js';
import { ADAPTERS, startResourceServer, type Adapter, type ResourceServer } from '../support/resource-server.js';
import { CACHE_SECRET, managedCache } from '../support/shared-stores.js';
import { until } from '../support/until.js';
import { usedHeapBytes } from '../support/used-heap.js';

const STARTS = 100;
/** Code is compiled and caches are filled until then. */
const WARM_UP = 40;
const BYTES_PER_START = 40_000;

let as: AuthorizationServer;
beforeAll(async () => {
  as = await startAuthorizationServer();
});
afterAll(() => as.close());

/** With everything that holds something: a cache, a store, fetched metadata and keys, calls, counters of clients. */
function start(adapter: Adapter): Promise<ResourceServer> {
  return startResourceServer({
    adapter,
    authorizationServer: as,
    options: {
      verification: 'hybrid',
      cache: {
        ttlMs: 60_000,
        refreshAheadMs: 59_000,
        localTtlMs: 10,
        shared: managedCache().shared as never,
        secret: CACHE_SECRET,
      },
      unknownTokens: { perClient: 1000, windowMs: 60_000 },
    },
  });
}

async function use(rs: ResourceServer): Promise<void> {
  const [jwt, opaque] = [await as.sign(), as.token()];
  const statuses: number[] = [];
  for (const token of [jwt, opaque, opaque, 'unknown']) statuses.push((await rs.get('/any', `Bearer ${token}`)).status);
  expect(statuses).toEqual([200, 200, 200, 401]);
  await rs.app.get(IntrospectionService).revoke({ token: opaque });
  expect([as.introspections > 0, as.keySetFetches]).toEqual([true, 1]);
}

/** What keeps the process alive, by kind. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

const grownKinds = (before: Record<string, number>): string[] =>
  Object.entries(resources())
    .filter(([kind, count]) => count > (before[kind] ?? 0))
    .map(([kind, count]) => `${kind}: ${before[kind] ?? 0} → ${count}`);

describe(`An application that is started and stopped ${STARTS} times`, () => {
  it('leaves nothing behind', { timeout: 120_000 }, async () => {
    const heaps: number[] = [];
    let before: Record<string, number> = {};
    for (let count = 0; count < STARTS; count += 1) {
      as.reset();
      const rs = await start(ADAPTERS[count % ADAPTERS.length] as Adapter);
      await use(rs);
      await rs.close();
      if (count === WARM_UP) before = resources();
      if (count >= WARM_UP && (count - WARM_UP) % 15 === 0) heaps.push(usedHeapBytes());
    }
    as.reset();
    heaps.push(usedHeapBytes());
    // The least of each half: what is collected late adds to a measurement, and what is held stays in all of them.
    const half = Math.floor(heaps.length / 2);
    const growth = Math.min(...heaps.slice(half)) - Math.min(...heaps.slice(0, half));
    expect(growth / ((STARTS - WARM_UP) / 2)).toBeLessThan(BYTES_PER_START);
    await until('no more handles than before', () => grownKinds(before).length === 0).catch(() => undefined);
    expect(grownKinds(before)).toEqual([]);
  });
});

describe('close()', () => {
  it.each(ADAPTERS)('ends a pending call with 503, its connection with it (%s)', async (adapter) => {
    as.reset();
    const upstream = await startRawUpstream(() => undefined);
    const before = resources();
    const rs = await startResourceServer({
      adapter,
      authorizationServer: as,
      options: { discovery: false, introspectionEndpoint: `${upstream.origin}/introspect`, http: { timeoutMs: 60_000 } },
    });
    const asked = rs.app
      .get(IntrospectionService)
      .introspect('a-token')
      .catch((error: unknown) => error);
    await until('the call has arrived', () => upstream.requests.length === 1);
    const closing = rs.close();
    expect(await asked).toMatchObject({ status: 503 });
    await closing;
    await upstream.idle();
    expect(upstream.open).toBe(0);
    await upstream.close();
    await until('no more handles than before', () => grownKinds(before).length === 0).catch(() => undefined);
    expect(grownKinds(before)).toEqual([]);
  });

  it('ends calls that wait for their turn, and those that come later, with 503', async () => {
    as.reset();
    const options = { ...explicitOptions(as), http: { maxConcurrent: 1, timeoutMs: 60_000 }, cache: { ttlMs: 60_000 } };
    const server = createResourceServer(options as unknown as ResourceServerOptions);
    const outcome = async (token: string): Promise<unknown> => {
      const request = { method: 'GET', url: '/', headers: { authorization: `Bearer ${token}` } };
      return server.authenticate(request).then(
        () => 200,
        (error: unknown) => (error as { status?: number }).status,
      );
    };
    const held = as.token();
    const { arrived, release } = holdAnswers(as, held);
    // One is under way, its twin shares the call, the others wait.
    const pending = [outcome(held), outcome(held), outcome('waits'), outcome('waits-too')];
    await arrived;
    await server.close();
    expect(await Promise.all(pending)).toEqual([503, 503, 503, 503]);
    expect(await outcome('comes-later')).toBe(503);
    expect(as.introspections).toBe(1);
    release({});
    await server.close();
  });
});

/** Plain JavaScript on the built package, as nothing here may keep a process alive but the library. */
const PROGRAM = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { IntrospectionModule, IntrospectionService } from 'nestjs-introspection';
const [issuer, adapter, jwt] = process.argv.slice(1);
const entries = new Map();
const shared = { get: async (key) => entries.get(key), set: async (key, value) => entries.set(key, value), delete: async (key) => entries.delete(key) };
class App {}
Module({ imports: [IntrospectionModule.forRoot({
  issuer, audience: 'https://rs.example.com', allowInsecureHttp: true, verification: 'hybrid',
  clientAuthentication: { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 's' },
  cache: { ttlMs: 60000, refreshAheadMs: 59000, shared, secret: 'x'.repeat(32) },
  unknownTokens: { perClient: 20, windowMs: 60000 },
}) ] })(App);
const app = await NestFactory.create(App, adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(), { logger: false, abortOnError: false });
await app.listen(0, '127.0.0.1');
const service = app.get(IntrospectionService);
const answers = [await service.introspect(jwt), await service.introspect('unknown'), await service.introspect('unknown')];
const pending = service.introspect('never-answered').catch((error) => error.status);
await app.close();
console.log(JSON.stringify({ active: answers.map(({ active }) => active), pending: await pending }));
`;

// `npm test` builds before it tests; a lone run on a fresh clone has nothing to start.
describe.runIf(existsSync(new URL('../../libs/introspection/dist/index.js', import.meta.url)))('A process', () => {
  it.each(ADAPTERS)('that has used everything ends by itself after close(), soon (%s)', async (adapter) => {
    as.reset();
    as.answer('never-answered', () => undefined);
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, as.issuer, adapter, await as.sign()], {
      timeout: 15_000,
    });
    let output = '';
    let closedAtMs = 0;
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stdout.on('data', (chunk: Buffer) => {
      closedAtMs = performance.now();
      output += chunk.toString();
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(output.trim()).toBe('{"active":[true,false,false],"pending":503}');
    expect(code).toBe(0);
    expect(performance.now() - closedAtMs).toBeLessThan(2000);
  });
});
