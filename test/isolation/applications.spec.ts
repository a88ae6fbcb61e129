import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { IntrospectionService, Principal, type AccessTokenPrincipal } from 'nestjs-introspection';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { ecKey } from '../support/keys.js';
import { holdAnswers } from '../support/remembering.js';
import { send } from '../support/raw-http.js';
import { ADAPTERS, startResourceServer, type Adapter, type ResourceServer } from '../support/resource-server.js';
import { CACHE_SECRET, managedCache } from '../support/shared-stores.js';
import { signedBy } from '../support/tokens.js';

@Controller()
class WhoController {
  @Get('who') who(@Principal() { issuer, subject }: AccessTokenPrincipal): unknown {
    return { issuer, subject };
  }
  /** By Passport's registry, which all applications of a process share. */
  @Get('strategy') @UseGuards(AuthGuard('bearer')) strategy(@Principal() { issuer, subject }: AccessTokenPrincipal): unknown {
    return { issuer, subject };
  }
}

const AT_ONCE = 50;
const SETUPS: [string, () => Record<string, unknown>][] = [
  ['remember nothing', () => ({})],
  ['remember each for itself', () => ({ cache: { ttlMs: 60_000, inactiveTtlMs: 60_000 } })],
  [
    'share a store and its secret',
    () => {
      const { shared } = managedCache();
      return { cache: { ttlMs: 60_000, inactiveTtlMs: 60_000, localTtlMs: 50, shared, secret: CACHE_SECRET } };
    },
  ],
];

describe.each(ADAPTERS)('T31 two applications in one process (%s)', (adapter) => {
  // One of each kind where the run has both: what they share is the process, not the adapter.
  const other = ADAPTERS.find((each) => each !== adapter) ?? adapter;
  let servers: [a: AuthorizationServer, b: AuthorizationServer];
  let opened: ResourceServer[];
  beforeEach(async () => {
    servers = await Promise.all([startAuthorizationServer(), startAuthorizationServer()]);
    opened = [];
  });
  afterEach(async () => {
    await Promise.all(opened.map((rs) => rs.close()));
    await Promise.all(servers.map((as) => as.close()));
  });

  async function open(options: Record<string, unknown>): Promise<[ResourceServer, ResourceServer]> {
    const start = async (kind: Adapter, authorizationServer: AuthorizationServer): Promise<ResourceServer> => {
      const controllers = [WhoController];
      const rs = await startResourceServer({
        adapter: kind,
        authorizationServer,
        controllers,
        options: { verification: 'hybrid', ...options },
      });
      opened.push(rs);
      return rs;
    };
    return [await start(adapter, servers[0]), await start(other, servers[1])];
  }

  const ask = async (rs: ResourceServer, token: string, path = '/who'): Promise<unknown> => {
    const { status, body } = await send(rs.port, { path, headers: [['Authorization', `Bearer ${token}`]] });
    return status === 200 ? (JSON.parse(body) as unknown) : status;
  };

  describe.each(SETUPS)('which %s', (_how, options) => {
    it('answer one token by their own issuer’s word, in turn and at once', async () => {
      const [a, b] = servers;
      const [atA, atB] = await open(options());
      const [everywhere, onlyAtA] = ['the-same-token-at-both', 'a-token-of-a-alone'];
      for (const as of servers) as.answer(everywhere, { active: true, ...as.claims({ sub: as === a ? 'alice' : 'bob' }) });
      a.answer(onlyAtA, { active: true, ...a.claims({ sub: 'alice' }) });
      const [alice, bob] = [
        { issuer: a.issuer, subject: 'alice' },
        { issuer: b.issuer, subject: 'bob' },
      ];
      // Each is the first once.
      expect(await ask(atA, everywhere)).toEqual(alice);
      expect(await ask(atB, onlyAtA)).toBe(401);
      expect(await ask(atB, everywhere)).toEqual(bob);
      expect(await ask(atA, onlyAtA)).toEqual(alice);
      expect(b.introspections).toBe(2);
      const questions = Array.from({ length: AT_ONCE }, (_, index) => [
        ask(atA, everywhere, index % 2 === 0 ? '/who' : '/strategy'),
        ask(atB, everywhere, index % 2 === 0 ? '/strategy' : '/who'),
        ask(atA, onlyAtA),
        ask(atB, onlyAtA, index % 2 === 0 ? '/strategy' : '/who'),
      ]);
      const wanted = JSON.stringify([alice, bob, alice, 401]);
      const answers = await Promise.all(questions.map((group) => Promise.all(group)));
      expect(new Set(answers.map((group) => JSON.stringify(group)))).toEqual(new Set([wanted]));
    });

    it('check a JWT with their own key, though both call it the same', async () => {
      const [a, b] = servers;
      const keys = [ecKey('P-256', 'the-key'), ecKey('P-256', 'the-key')] as const;
      for (const [index, as] of servers.entries()) as.keySet = { keys: [{ ...keys[index]?.jwk, alg: 'ES256', use: 'sig' }] };
      const [atA, atB] = await open(options());
      const [good, forged] = [signedBy(a, keys[0], 'ES256'), signedBy(a, keys[1], 'ES256')];
      for (let round = 0; round < 2; round += 1) {
        expect(await ask(atA, good)).toEqual({ issuer: a.issuer, subject: 'u1' });
        expect(await ask(atB, signedBy(b, keys[1], 'ES256'))).toEqual({ issuer: b.issuer, subject: 'u1' });
        for (const [rs, token] of [
          [atA, forged],
          [atB, forged],
          [atB, good],
          [atB, signedBy(b, keys[0], 'ES256')],
        ] as const)
          expect(await ask(rs, token)).toBe(401);
      }
      expect([a.introspections, b.introspections]).toEqual([0, 0]);
    });

    it('revoke for their own issuer alone', async () => {
      const [a, b] = servers;
      const [atA, atB] = await open(options());
      const [tokenA, tokenB] = [a.token({ iat: 1 }), b.token({ iat: 1 })];
      expect(await Promise.all([ask(atA, tokenA), ask(atB, tokenB)])).toMatchObject([{ subject: 'u1' }, { subject: 'u1' }]);
      await atA.app.get(IntrospectionService).revoke({ issuer: a.issuer, subject: 'u1' });
      expect(await ask(atA, tokenA)).toBe(401);
      expect(await ask(atB, tokenB)).toEqual({ issuer: b.issuer, subject: 'u1' });
    });
  });

  it('do not feel each other’s troubles', async () => {
    const [a, b] = servers;
    const [atA, atB] = await open({
      http: { maxConcurrent: 1, maxQueued: 0, breaker: { failures: 1 } },
      unknownTokens: { perClient: 3, windowMs: 60_000 },
    });
    for (let count = 0; count < 3; count += 1) expect(await ask(atA, `unknown-${count}`)).toBe(401);
    expect(await ask(atA, 'unknown-again')).toBe(429);
    expect(await ask(atB, 'unknown-again')).toBe(401);
    const held = b.token();
    const { arrived, release } = holdAnswers(b, held);
    const pending = ask(atB, held);
    await arrived;
    expect(await ask(atB, b.token())).toBe(503);
    release({ active: true, ...b.claims() });
    expect(await pending).toMatchObject({ subject: 'u1' });
    a.replace('introspection', (_request, response) => json(response, {}, 503));
    await expect(atA.app.get(IntrospectionService).introspect('any')).rejects.toMatchObject({ status: 503 });
    expect(atA.app.get(IntrospectionService).health().issuers[0]?.breaker).toBe('open');
    expect(atB.app.get(IntrospectionService).health().issuers[0]?.breaker).toBe('closed');
    expect(await ask(atB, b.token())).toMatchObject({ subject: 'u1' });
    await atA.close();
    opened = [atB];
    expect(await ask(atB, b.token())).toMatchObject({ subject: 'u1' });
  });
});
