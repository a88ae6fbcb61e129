import { randomBytes } from 'node:crypto';
import type { RevocationTarget } from 'nestjs-introspection/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AUDIENCE, json, startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { LeakSearch } from '../support/leaks.js';
import { startRedis, titleWithRedis, whyNoRedis, type Redis } from '../support/redis.js';
import { until } from '../support/until.js';
import type { InstanceSettings } from './shared-store/instance.js';
import { startLoad, type Load } from './shared-store/load.js';
import { buildInstance, startInstance, type InstanceProgram, type RunningInstance } from './shared-store/running-instance.js';

const noRedis = whyNoRedis();
const CLIENT_SECRET = 'rs1-client-secret-Zk7wPq2v';
const CACHE_SECRET = 'cache-secret-mT4xV9bLr2QsY8nD-at-least-32';
/** A quarter of it is the store's: more than a busy machine holds a process up. */
const TIMEOUT_MS = 4000;
/** As long takes every `revoke()`. */
const LOCAL_TTL_MS = 300;
const TRIES = 500;

/** A name that occurs nowhere else. */
const unique = (what: string): string => `${what}-${randomBytes(8).toString('hex')}`;

const tally = (statuses: readonly number[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};
const repeat = (tokens: readonly string[], times: number): string[] => Array.from({ length: times }, () => tokens).flat();
const nowSeconds = (): number => Math.floor(Date.now() / 1000);

interface Scene {
  readonly one: RunningInstance;
  readonly other: RunningInstance;
  readonly both: readonly RunningInstance[];
}

describe.skipIf(noRedis !== undefined)(titleWithRedis('two processes and one Redis', noRedis), () => {
  let as: AuthorizationServer;
  let program: InstanceProgram;
  const running: RunningInstance[] = [];

  beforeAll(async () => {
    [program, as] = await Promise.all([buildInstance(), startAuthorizationServer()]);
  });
  afterAll(async () => {
    await Promise.all(running.map((each) => each.kill()));
    await as?.close();
    await program?.remove();
  });

  const start = async (redis: Redis, framework: InstanceSettings['framework'], keyv: InstanceSettings['keyv']) => {
    const instance = await startInstance(program, {
      framework,
      keyv,
      redisUrl: redis.url,
      options: {
        issuer: as.issuer,
        audience: AUDIENCE,
        verification: 'hybrid',
        clientAuthentication: { method: 'client_secret_basic', clientId: 'rs1', clientSecret: CLIENT_SECRET },
        allowInsecureHttp: true,
        http: { timeoutMs: TIMEOUT_MS },
      },
      cache: { ttlMs: 60_000, secret: CACHE_SECRET, localTtlMs: LOCAL_TTL_MS },
    });
    running.push(instance);
    return instance;
  };

  /** Claims that no other token of this file has. */
  const ownClaims = (claims: Record<string, unknown> = {}): Record<string, unknown> => ({
    sub: unique('subject'),
    client_id: unique('client'),
    jti: unique('jti'),
    sid: unique('session'),
    iat: nowSeconds(),
    ...claims,
  });
  /** An opaque token and a JWT with the same claims. The server says for ever that they are active. */
  const issue = async (claims = ownClaims()): Promise<[opaque: string, jwt: string]> => {
    const jwt = await as.sign(claims);
    as.answer(jwt, { active: true, token_type: 'Bearer', ...as.claims(claims) });
    return [as.token(claims), jwt];
  };
  const requestOnce = async (instance: RunningInstance, token: string): Promise<number> =>
    (await instance.request([token]))[0] ?? 0;
  const callsFor = (token: string): number => as.introspectionRequests().filter(({ form }) => form.get('token') === token).length;
  /** Whether an answer that the first asks for reaches the second by the store. */
  const isShared = async (first: RunningInstance, second: RunningInstance): Promise<boolean> => {
    const [token] = await issue();
    const statuses = [await requestOnce(first, token), await requestOnce(second, token)];
    return statuses.every((status) => status === 200) && callsFor(token) === 1;
  };
  const untilShared = (first: RunningInstance, second: RunningInstance) =>
    until('answers are shared', async () => (await isShared(first, second)) && (await isShared(second, first)), 8000);

  const testPair = (keyv: InstanceSettings['keyv']): void => {
    let redis: Redis;
    let scene: Scene;
    let load: Load | undefined;

    beforeAll(async () => {
      redis = await startRedis();
      await redis.kill();
      // What the framework adds does not depend on the options: Nest once is enough.
      const framework = keyv === 'default' ? 'nest' : 'none';
      const [one, other] = await Promise.all([start(redis, framework, keyv), start(redis, 'none', keyv)]);
      scene = { one, other, both: [one, other] };
    });
    afterEach(async () => {
      const last = load;
      load = undefined;
      await last?.stop();
      for (const instance of scene.both) expect(await instance.faults()).toEqual([]);
    });
    afterAll(() => redis?.close());

    /** Both processes are asked for all of these until the end of the test. */
    const keepAsking = async (tokens: readonly string[]): Promise<Load> => {
      load = startLoad(scene.both, tokens);
      await load.rounds(10);
      return load;
    };
    /** The statuses of TRIES requests to each process. */
    const tryEverywhere = async (token: string): Promise<Record<string, number>> => {
      const statuses = await Promise.all(scene.both.map((each) => each.request(repeat([token], TRIES))));
      return tally(statuses.flat());
    };

    it('a Redis that is not there at the start costs no request its answer, and is used when it comes', async () => {
      const claims = ownClaims();
      const tokens = await issue(claims);
      const beganAtMs = performance.now();
      const statuses = await Promise.all(scene.both.map((instance) => instance.request(repeat(tokens, 10))));
      expect(performance.now() - beganAtMs).toBeLessThan(TIMEOUT_MS);
      expect(tally(statuses.flat())).toEqual({ 200: 40 });
      const target = { issuer: as.issuer, subject: String(claims['sub']) };
      await Promise.all(scene.both.map((instance) => expect(instance.revoke(target)).rejects.toThrow('revoke rejected')));

      await redis.restart();
      await untilShared(scene.one, scene.other);
      await scene.other.revoke(target);
      for (const instance of scene.both) expect(tally(await instance.request(repeat(tokens, 50)))).toEqual({ 401: 100 });
    });

    it('an answer that one has asked for is not asked for again by the other', async () => {
      for (const [first, second] of [
        [scene.one, scene.other],
        [scene.other, scene.one],
      ] as const) {
        const [token] = await issue();
        expect(await requestOnce(first, token)).toBe(200);
        // Redis does in turn what a connection asks for: when this mark is written, the answer is.
        await first.revoke({ issuer: as.issuer, jti: unique('nobody') });
        expect(tally(await second.request(repeat([token], 50)))).toEqual({ 200: 50 });
        expect(callsFor(token)).toBe(1);
      }
    });

    /** Each names some of what all tokens of the test have in common, and what spares a token. */
    interface Form {
      readonly form: string;
      targets(claims: Record<string, unknown>, tokens: readonly string[]): RevocationTarget[];
      /** Claims of a token that the target does not match. */
      spared(claims: Record<string, unknown>): Record<string, unknown>;
    }
    const issuedEarlier = { iat: nowSeconds() - 200 };
    const FORMS: readonly Form[] = [
      {
        form: '{ token }',
        targets: (_claims, tokens) => tokens.map((token) => ({ token })),
        // Even with the very same claims it is another token.
        spared: (claims) => claims,
      },
      {
        form: '{ issuer, jti }',
        targets: ({ jti }) => [{ issuer: as.issuer, jti: String(jti) }],
        spared: (claims) => ({ ...claims, jti: unique('jti') }),
      },
      {
        form: '{ issuer, subject }',
        targets: ({ sub }) => [{ issuer: as.issuer, subject: String(sub) }],
        spared: (claims) => ({ ...claims, sub: unique('subject') }),
      },
      {
        form: '{ issuer, sessionId }',
        targets: ({ sid }) => [{ issuer: as.issuer, sessionId: String(sid) }],
        spared: (claims) => ({ ...claims, sid: unique('session') }),
      },
      {
        form: '{ issuer, clientId }',
        targets: ({ client_id }) => [{ issuer: as.issuer, clientId: String(client_id) }],
        spared: (claims) => ({ ...claims, client_id: unique('client') }),
      },
      {
        form: '{ issuer, beforeSeconds }',
        targets: () => [{ issuer: as.issuer, beforeSeconds: issuedEarlier.iat + 100 }],
        spared: (claims) => ({ ...claims, iat: issuedEarlier.iat + 101 }),
      },
    ];

    it.each(FORMS)(
      'after revoke($form), no request is accepted anywhere, and no other token is refused',
      async ({ form, targets, spared }) => {
        const claims = ownClaims(form === '{ issuer, beforeSeconds }' ? issuedEarlier : {});
        const doomed = await issue(claims);
        const others = await issue(spared(claims));
        const all = [...doomed, ...others];
        for (const instance of scene.both) expect(tally(await instance.request(repeat(all, 25)))).toEqual({ 200: 100 });
        const asking = await keepAsking(all);
        expect(asking.tally(all)).toMatchObject({ refused: 0, other: 0 });

        // Each of the two takes its turn at revoking.
        const revoking = keyv === 'default' ? scene.one : scene.other;
        await Promise.all(targets(claims, doomed).map((target) => revoking.revoke(target)));
        asking.countAnew(doomed);
        for (const token of doomed) expect(await tryEverywhere(token)).toEqual({ 401: 2 * TRIES });
        await asking.rounds(2);

        await asking.stop();
        expect(asking.tally(doomed)).toMatchObject({ accepted: 0, other: 0 });
        expect(asking.tally(doomed).refused).toBeGreaterThanOrEqual(2 * doomed.length);
        expect(asking.tally(others)).toMatchObject({ refused: 0, other: 0 });
      },
    );

    it('a token without iat is not answered from memory once its subject, or it itself, is revoked', async () => {
      const claims = ownClaims({ iat: undefined });
      const token = as.token(claims);
      const other = as.token({ ...claims, sub: unique('subject') });
      for (const instance of scene.both) expect(tally(await instance.request(repeat([token, other], 10)))).toEqual({ 200: 20 });
      await Promise.all([
        scene.one.revoke({ issuer: as.issuer, subject: String(claims['sub']) }),
        scene.other.revoke({ token: other }),
      ]);
      for (const instance of scene.both) {
        for (const each of [token, other]) {
          for (let turn = 0; turn < 3; turn += 1) {
            const before = callsFor(each);
            const status = await requestOnce(instance, each);
            // The server may be asked again, and then its word counts.
            expect(status === 200 ? callsFor(each) - before : 'refused').not.toBe(0);
          }
        }
      }
    });

    it.each([
      ['subject', (claims: Record<string, unknown>): RevocationTarget => ({ issuer: as.issuer, subject: String(claims['sub']) })],
      ['token', (_claims: Record<string, unknown>, token: string): RevocationTarget => ({ token })],
    ] as const)('revoke() by %s wins against a call that is in flight in the other process', async (_form, targetOf) => {
      for (const iat of [nowSeconds(), undefined]) {
        const claims = ownClaims({ iat });
        const token = as.token(claims);
        const answer = { active: true, token_type: 'Bearer', ...as.claims(claims) };
        let calls = 0;
        let release = (): void => undefined;
        as.answer(token, (_request, response) => {
          calls += 1;
          if (calls > 1) json(response, answer);
          else release = () => json(response, answer);
        });
        const arrived = as.nextRequest(({ form }) => form.get('token') === token);
        const inFlight = requestOnce(scene.other, token);
        await arrived;
        await scene.one.revoke(targetOf(claims, token));
        expect(calls).toBe(1);
        release();
        const status = await inFlight;
        // Without iat the server may be asked once more, and only that later answer could let the token in.
        if (iat === undefined) expect(status === 200 ? calls : 'refused').not.toBe(1);
        else expect(status).toBe(401);
        if (iat !== undefined)
          for (const each of scene.both) expect(tally(await each.request(repeat([token], 50)))).toEqual({ 401: 50 });
      }
    });

    it('a Redis that is killed as soon as revoke() has resolved lets nothing in again', async () => {
      const claims = ownClaims();
      const doomed = await issue(claims);
      const others = await issue();
      const asking = await keepAsking([...doomed, ...others]);
      expect(asking.tally([...doomed, ...others])).toMatchObject({ refused: 0, other: 0 });
      await scene.other.revoke({ issuer: as.issuer, subject: String(claims['sub']) });
      await redis.kill();
      asking.countAnew(doomed);
      for (const token of doomed) expect((await tryEverywhere(token))['200'] ?? 0).toBe(0);
      // The time for which the store's last word counts goes by, and it cannot be asked.
      const killedAtMs = performance.now();
      while (performance.now() < killedAtMs + 2 * LOCAL_TTL_MS) await asking.rounds(1);
      await asking.rounds(2);
      await asking.stop();
      expect(asking.tally(doomed)).toMatchObject({ accepted: 0 });
      expect(asking.tally(others)).toMatchObject({ refused: 0 });
      for (const instance of scene.both) expect(tally(await instance.request(repeat(others, 25)))).toEqual({ 200: 50 });
    });

    it('revoke() rejects while Redis is down, and works again when it is back', async () => {
      await redis.kill();
      const claims = ownClaims();
      const tokens = await issue(claims);
      const target = { issuer: as.issuer, subject: String(claims['sub']) };
      await Promise.all(scene.both.map((instance) => expect(instance.revoke(target)).rejects.toThrow('revoke rejected')));
      await redis.restart();
      await untilShared(scene.one, scene.other);
      await scene.one.revoke(target);
      for (const instance of scene.both) expect(tally(await instance.request(repeat(tokens, 50)))).toEqual({ 401: 100 });
    });

    it('a Redis that hangs costs no request its answer, and is used again when it wakes', async () => {
      const hot = await issue();
      for (const instance of scene.both) expect(tally(await instance.request(repeat(hot, 10)))).toEqual({ 200: 20 });
      const cold = await Promise.all(scene.both.map(async () => (await issue())[0]));
      redis.pause();
      try {
        const beganAtMs = performance.now();
        const statuses = await Promise.all(
          scene.both.map((instance, index) =>
            instance.request([...repeat(hot, 10), ...repeat(cold.slice(index, index + 1), 10)]),
          ),
        );
        expect(performance.now() - beganAtMs).toBeLessThan(TIMEOUT_MS);
        expect(tally(statuses.flat())).toEqual({ 200: 60 });
        for (const token of cold) expect(callsFor(token)).toBeGreaterThanOrEqual(1);
      } finally {
        redis.resume();
      }
      await untilShared(scene.one, scene.other);
    });

    it('Redis holds nothing of a token, a claim or a secret', async () => {
      const claims = ownClaims({ scope: 'read canary-scope-b6dT', username: 'canary-username-9fKe' });
      const tokens = await issue(claims);
      await scene.one.request(tokens);
      await scene.other.request(tokens);
      const held = (await redis.dump()).size;
      await Promise.all([
        scene.one.revoke({ token: tokens[0] }),
        scene.one.revoke({ issuer: as.issuer, jti: String(claims['jti']) }),
        scene.other.revoke({ issuer: as.issuer, subject: String(claims['sub']) }),
        scene.other.revoke({ issuer: as.issuer, sessionId: String(claims['sid']) }),
        scene.other.revoke({ issuer: as.issuer, clientId: String(claims['client_id']) }),
        scene.other.revoke({ issuer: as.issuer, beforeSeconds: nowSeconds() - 100_000 }),
      ]);
      const dump = await redis.dump();
      expect(dump.size).toBeGreaterThan(held);

      const search = new LeakSearch([
        { name: 'opaque token', text: tokens[0] },
        ...tokens[1].split('.').map((text, part) => ({ name: `part ${part} of the JWT`, text })),
        { name: 'client secret', text: CLIENT_SECRET },
        { name: 'cache secret', text: CACHE_SECRET },
        { name: 'issuer', text: as.issuer },
        { name: 'audience', text: AUDIENCE },
        ...['sub', 'client_id', 'jti', 'sid', 'username'].map((name) => ({ name, text: String(claims[name]) })),
        { name: 'scope', text: 'canary-scope-b6dT' },
      ]);
      // The search finds what is there.
      expect(search.find('a dump', JSON.stringify([['key', `"${String(claims['sub'])}"`]]))).not.toEqual([]);
      for (const [key, value] of dump) {
        expect(search.find('a key', key)).toEqual([]);
        expect(search.find('a value', value)).toEqual([]);
      }
    });

    it('the processes end by themselves once they are closed', async () => {
      const { both } = scene;
      scene = { ...scene, both: [] };
      for (const instance of both) {
        expect(await instance.faults()).toEqual([]);
        expect(await instance.close()).toEqual({ code: 0, signal: null });
        // Nothing was said but that it was ready, and what the library told the operator.
        const said = instance.output
          .split('\n')
          .filter((line) => line !== '' && !/ready$|IntrospectionWarning|trace-warnings/.test(line));
        expect(said).toEqual([]);
      }
    });
  };

  // The two at once, as they mostly wait: for marks to be looked at, and for connections to be made again.
  describe.concurrent.each(['default', 'bounded'] as const)('with %s Keyv options', (keyv) => {
    describe.sequential('in turn', () => testPair(keyv));
  });
});
