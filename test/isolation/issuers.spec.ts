import { Controller, Get } from '@nestjs/common';
import { Principal, type AccessTokenPrincipal, type IntrospectionModuleOptions } from 'nestjs-introspection';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRandom } from '../differential/random.js';
import { AUDIENCE, json, startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { send } from '../support/raw-http.js';
import { ADAPTERS, startResourceServer, type ResourceServer } from '../support/resource-server.js';
import { CACHE_SECRET, managedCache } from '../support/shared-stores.js';

@Controller()
class WhoController {
  @Get('who') who(@Principal() { issuer, subject, claims }: AccessTokenPrincipal): unknown {
    return { issuer, subject, tenant: claims['tenant'] };
  }
}

const AT_ONCE = 50;
const TOKEN = 'the-same-token-at-both';

describe.each(ADAPTERS)('T31 two issuers in one application, and one token (%s)', (adapter) => {
  let servers: [a: AuthorizationServer, b: AuthorizationServer];
  let rs: ResourceServer | undefined;
  beforeEach(async () => {
    servers = await Promise.all([startAuthorizationServer(), startAuthorizationServer()]);
  });
  afterEach(async () => {
    await rs?.close();
    await Promise.all(servers.map((as) => as.close()));
  });

  const open = async (options: Record<string, unknown>): Promise<ResourceServer> => {
    rs = await startResourceServer({
      adapter,
      authorizationServer: servers[0],
      controllers: [WhoController],
      omit: ['issuer', 'clientAuthentication'],
      options: {
        issuers: servers.map(({ issuer }, index) => ({
          issuer,
          audience: AUDIENCE,
          clientAuthentication: { method: 'client_secret_basic', clientId: `rs-${index}`, clientSecret: `secret-${index}` },
        })),
        issuerFor: (request: { headers: Record<string, string> }) => request.headers['x-issuer'],
        ...options,
      } as unknown as Partial<IntrospectionModuleOptions>,
    });
    return rs;
  };
  const ask = async ({ port }: ResourceServer, issuer: string): Promise<unknown> => {
    const { status, body } = await send(port, {
      path: '/who',
      headers: [
        ['Authorization', `Bearer ${TOKEN}`],
        ['X-Issuer', issuer],
      ],
    });
    return status === 200 ? (JSON.parse(body) as unknown) : status;
  };

  it.each<[string, () => Record<string, unknown>]>([
    ['without a cache', () => ({})],
    ['with a cache', () => ({ cache: { ttlMs: 60_000, inactiveTtlMs: 60_000 } })],
    ['with a shared store', () => ({ cache: { ttlMs: 60_000, shared: managedCache().shared, secret: CACHE_SECRET } })],
  ])('each gets its own issuer’s answer, %s', async (_how, options) => {
    const [a, b] = servers;
    const random = createRandom(31);
    const server = await open(options());
    const later = (answer: unknown) => (_request: unknown, response: Parameters<typeof json>[0]) =>
      void setTimeout(() => json(response, answer), random.integer(10));
    a.answer(TOKEN, later({ active: true, ...a.claims({ sub: 'alice', tenant: 'a' }) }));
    b.answer(TOKEN, later({ active: false }));
    const alice = { issuer: a.issuer, subject: 'alice', tenant: 'a' };
    const mixed = Array.from({ length: 2 * AT_ONCE }, () => random.pick(servers));
    for (let round = 0; round < 2; round += 1) {
      const answers = await Promise.all(mixed.map(({ issuer }) => ask(server, issuer)));
      expect(answers).toEqual(mixed.map((as) => (as === a ? alice : 401)));
    }
    expect(a.introspections).toBeGreaterThan(0);
    expect(b.introspections).toBeGreaterThan(0);
    // The other way round, on what is remembered by now.
    expect(await ask(server, b.issuer)).toBe(401);
    expect(await ask(server, a.issuer)).toEqual(alice);
    expect(await ask(server, 'https://unknown.example')).toBe(401);
  });

  it('each is asked with its own credentials', async () => {
    const [a, b] = servers;
    const server = await open({});
    for (const as of servers) as.answer(TOKEN, { active: true, ...as.claims({ sub: as === a ? 'alice' : 'bob' }) });
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => ask(server, index % 2 ? a.issuer : b.issuer)),
    );
    expect(answers).toEqual(answers.map((_, index) => expect.objectContaining({ subject: index % 2 ? 'alice' : 'bob' })));
    for (const [index, as] of servers.entries()) {
      const credentials = `Basic ${Buffer.from(`rs-${index}:secret-${index}`).toString('base64')}`;
      expect(new Set(as.introspectionRequests().map(({ headers }) => headers.authorization))).toEqual(new Set([credentials]));
    }
  });
});
