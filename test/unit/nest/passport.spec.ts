import {
  Catch,
  Controller,
  Get,
  Injectable,
  Module,
  Post,
  Req,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
} from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import {
  AccessTokenPrincipal,
  IntrospectionGuard,
  Principal,
  Public,
  ResourceServerException,
  Scopes,
} from 'nestjs-introspection';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../../support/authorization-server.js';
import {
  expect200,
  expect400Request,
  expect401None,
  expect401Token,
  expect403Scope,
  expect503,
} from '../../support/expectations.js';
import type { HeaderLine, RawResponse } from '../../support/raw-http.js';
import { ADAPTERS, describePrincipal, serve, startResourceServer, type ResourceServer } from '../../support/resource-server.js';
import { describeRows, row, type Fixture } from '../../support/table.js';

interface UserRequest {
  user?: AccessTokenPrincipal;
}

@Controller('ours')
@UseGuards(IntrospectionGuard)
class OursController {
  @Get() get(@Principal() principal: AccessTokenPrincipal): unknown {
    return describePrincipal(principal);
  }
  @Post() post(@Principal() principal: AccessTokenPrincipal): unknown {
    return describePrincipal(principal);
  }
}

@Controller('plain')
@UseGuards(AuthGuard('bearer'))
class PlainController {
  @Get() get(@Req() request: UserRequest): unknown {
    return { ...describePrincipal(request.user), ofClass: request.user instanceof AccessTokenPrincipal };
  }
  @Post() post(@Req() request: UserRequest): unknown {
    return describePrincipal(request.user);
  }
  @Get('injected') injected(@Principal() principal: AccessTokenPrincipal, @Req() request: UserRequest): unknown {
    return { principal: { same: principal === request.user } };
  }
  @Get('scoped') @Scopes('admin') scoped(): string {
    return 'scoped';
  }
  @Get('public') @Public() open(): string {
    return 'public';
  }
  @Get('both') @UseGuards(AuthGuard('bearer'), IntrospectionGuard) both(): string {
    return 'both';
  }
}

/** All that a client can tell two refusals apart by. */
const visible = (answer: RawResponse): unknown => ({
  status: answer.status,
  headers: answer.headers
    .filter(([name]) => !['date', 'etag', 'content-length'].includes(name.toLowerCase()))
    .map(([name, value]) => `${name.toLowerCase()}: ${value}`)
    .sort(),
  body: answer.body,
});

const refused: [what: string, headers: (fixture: Fixture) => HeaderLine[], judge: (answer: RawResponse) => void][] = [
  ['no credentials', () => [], expect401None],
  ['an empty field', () => [['Authorization', '']], expect401None],
  ['another scheme', () => [['Authorization', 'Basic dTpw']], expect401None],
  [
    'a scheme that passport-http-bearer calls malformed',
    () => [['Authorization', 'Digest username="a", realm="b"']],
    expect401None,
  ],
  ['no token', () => [['Authorization', 'Bearer']], expect400Request],
  ['two tokens in a line', () => [['Authorization', 'Bearer one-token, Bearer two-token']], expect400Request],
  [
    'two lines',
    () => [
      ['Authorization', 'Bearer one-token'],
      ['Authorization', 'Bearer two-token'],
    ],
    expect400Request,
  ],
  ['an inactive token', () => [['Authorization', 'Bearer unknown-token']], expect401Token],
  ['another audience', ({ as }) => [['Authorization', `Bearer ${as.token({ aud: 'https://other' })}`]], expect401Token],
  ['a token that is too long', () => [['Authorization', `Bearer ${'a'.repeat(8193)}`]], expect401Token],
];

describeRows(
  'Plain AuthGuard(bearer), globalGuard: false',
  [
    ...refused.map(([what, headers, judge]) =>
      row(`answers as the guard of ours does: ${what}`, async (fixture) => {
        const lines = headers(fixture);
        const [plain, ours] = [
          await fixture.rs.send({ path: '/plain', headers: lines }),
          await fixture.rs.send({ path: '/ours', headers: lines }),
        ];
        judge(plain);
        judge(ours);
        expect(visible(plain)).toEqual(visible(ours));
        expect(plain.introspections).toBe(ours.introspections);
      }),
    ),

    row('answers as the guard of ours does: the authorization server fails', async ({ as, rs }) => {
      const token = as.token();
      as.answer(token, (_request, response) => response.writeHead(500).end('internal'));
      const [plain, ours] = [await rs.get('/plain', `Bearer ${token}`), await rs.get('/ours', `Bearer ${token}`)];
      expect503(plain);
      expect503(ours);
      expect(visible(plain)).toEqual(visible(ours));
    }),

    row('sets request.user to the principal, after one call', async ({ as, rs }) => {
      const answer = await rs.get('/plain', `Bearer ${as.token()}`);
      const body = expect200(answer);
      expect(answer.introspections).toBe(1);
      expect(body).toMatchObject({ principal: { subject: 'u1', scopes: ['read'], verifiedBy: 'introspection' }, ofClass: true });
      expect(body.principal).toEqual(expect200(await rs.get('/ours', `Bearer ${as.token()}`)).principal);
      expect(expect200(await rs.get('/plain/injected', `Bearer ${as.token()}`)).principal).toEqual({ same: true });
    }),

    row('BEARER-03 BEARER-05 reads no token of body or query', async ({ as, rs }) => {
      const token = as.token();
      const form: HeaderLine = ['Content-Type', 'application/x-www-form-urlencoded'];
      expect401None(await rs.send({ path: `/plain?access_token=${token}` }));
      expect401None(await rs.send({ method: 'POST', path: '/plain', headers: [form], body: `access_token=${token}` }));
      expect(as.introspections).toBe(0);
      const answer = await rs.send({
        path: '/plain?access_token=unknown-token',
        headers: [['Authorization', `Bearer ${token}`]],
      });
      expect200(answer);
      expect(answer.introspections).toBe(1);
    }),

    row('checks no decorators', async ({ as, rs }) => {
      expect((await rs.get('/plain/scoped', `Bearer ${as.token()}`)).body).toBe('scoped');
      expect401None(await rs.get('/plain/public'));
    }),

    row('a request is verified once with a guard of ours behind it', async ({ as, rs }) => {
      const good = await rs.get('/plain/both', `Bearer ${as.token()}`);
      expect([good.body, good.introspections]).toEqual(['both', 1]);
      const bad = await rs.get('/plain/both', 'Bearer unknown-token');
      expect401Token(bad);
      expect(bad.introspections).toBe(1);
    }),
  ],
  { options: () => ({ globalGuard: false }), controllers: [OursController, PlainController] },
);

describeRows(
  'Plain AuthGuard(bearer) behind the global guard',
  [
    row('a request is verified once', async ({ as, rs }) => {
      const good = await rs.get('/plain', `Bearer ${as.token()}`);
      expect200(good);
      expect(good.introspections).toBe(1);
      expect403Scope(await rs.get('/plain/scoped', `Bearer ${as.token()}`), 'admin');
    }),
    row('@Public opens the global guard, not the one of the route', async ({ as, rs }) => {
      expect401None(await rs.get('/plain/public'));
      expect((await rs.get('/plain/public', `Bearer ${as.token()}`)).body).toBe('public');
    }),
  ],
  { controllers: [PlainController] },
);

@Injectable()
class TokenOrApiKeyGuard implements CanActivate {
  constructor(private readonly tokens: IntrospectionGuard) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    return request.headers['x-api-key'] === 'key-of-the-application' || (this.tokens.canActivate(context) as Promise<boolean>);
  }
}

@Controller('either')
@UseGuards(TokenOrApiKeyGuard)
class EitherController {
  @Get() @Scopes('read') get(): string {
    return 'either';
  }
}

@Catch(ResourceServerException)
class OwnBodyFilter implements ExceptionFilter<ResourceServerException> {
  catch(exception: ResourceServerException, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<{ status(status: number): { send(body: unknown): void } }>();
    const { code } = exception.cause as { code?: unknown };
    const headers = Object.fromEntries(Object.entries(exception.headers).map(([name, value]) => [name.toLowerCase(), value]));
    response.status(exception.getStatus()).send({ own: true, code, headers });
  }
}

@Controller('filtered')
@UseFilters(OwnBodyFilter)
class FilteredController {
  @Get('ours') @UseGuards(IntrospectionGuard) @Scopes('admin') ours(): string {
    return 'ours';
  }
  @Get('plain') @UseGuards(AuthGuard('bearer')) plain(): string {
    return 'plain';
  }
}

describeRows(
  'The guard and its refusals in the hands of the application',
  [
    row('a guard of the application calls ours', async ({ as, rs }) => {
      const keyed = await rs.send({ path: '/either', headers: [['X-Api-Key', 'key-of-the-application']] });
      expect([keyed.body, keyed.introspections]).toEqual(['either', 0]);
      expect401None(await rs.get('/either'), 'read');
      expect((await rs.get('/either', `Bearer ${as.token()}`)).body).toBe('either');
      expect403Scope(await rs.get('/either', `Bearer ${as.token({ scope: 'x' })}`), 'read');
    }),

    ...(
      [
        ['/filtered/ours', 'Bearer', 400, 'ERR_REQUEST_INVALID'],
        ['/filtered/ours', undefined, 401, 'ERR_CREDENTIALS_MISSING'],
        ['/filtered/ours', 'Bearer unknown-token', 401, 'ERR_TOKEN_INVALID'],
        ['/filtered/plain', 'Bearer', 400, 'ERR_REQUEST_INVALID'],
        ['/filtered/plain', undefined, 401, 'ERR_CREDENTIALS_MISSING'],
        ['/filtered/plain', 'Bearer unknown-token', 401, 'ERR_TOKEN_INVALID'],
      ] as const
    ).map(([path, authorization, status, code]) =>
      row(`a filter decides the body only: ${path} ${authorization ?? 'without credentials'}`, async ({ rs }) => {
        const answer = await rs.get(path, ...(authorization === undefined ? [] : [authorization]));
        expect(answer.status).toBe(status);
        const challenge = answer.header('WWW-Authenticate');
        expect(challenge).toMatch(/^Bearer realm="example"/);
        expect(answer.header('Cache-Control')).toBe('no-store');
        expect(answer.json()).toMatchObject({ own: true, code, headers: { 'cache-control': 'no-store' } });
        const { headers } = answer.json() as { headers: Record<string, unknown> };
        expect([headers['www-authenticate']].flat()).toEqual([challenge]);
      }),
    ),

    row('a filter decides the body only: scopes and outages', async ({ as, rs }) => {
      const short = await rs.get('/filtered/ours', `Bearer ${as.token()}`);
      expect([short.status, short.json()]).toMatchObject([403, { code: 'ERR_SCOPE_INSUFFICIENT' }]);
      expect(short.header('WWW-Authenticate')).toContain('scope="admin"');
      const token = as.token();
      as.answer(token, (_request, response) => response.writeHead(500).end());
      for (const path of ['/filtered/ours', '/filtered/plain']) {
        const outage = await rs.get(path, `Bearer ${token}`);
        expect([outage.status, outage.json()]).toMatchObject([
          503,
          { own: true, headers: { 'retry-after': expect.anything() as unknown } },
        ]);
        expect(outage.header('Retry-After')).toMatch(/^[1-9]\d*$/);
        expect(outage.all('WWW-Authenticate')).toEqual([]);
      }
    }),
  ],
  { options: () => ({ globalGuard: false }), controllers: [EitherController, FilteredController] },
);

@Controller('guarded')
class GuardedController {
  @Get('ours') @UseGuards(IntrospectionGuard) ours(@Principal() principal: AccessTokenPrincipal): unknown {
    return describePrincipal(principal);
  }
  @Get('plain') @UseGuards(AuthGuard('bearer')) plain(@Req() request: UserRequest): unknown {
    return describePrincipal(request.user);
  }
}

@Module({ controllers: [] })
class NoControllers {}

@Controller('guarded')
class StrangerController {
  @Get('plain') @UseGuards(AuthGuard('bearer')) plain(): string {
    return 'reached';
  }
}

@Module({ imports: [NoControllers], controllers: [StrangerController] })
class StrangerModule {}

const pairs = [
  ['express', 'express'],
  ['fastify', 'fastify'],
  ['express', 'fastify'],
] as const;

describe.each(pairs)('Two applications in one process (%s and %s)', (first, second) => {
  const servers: { as: AuthorizationServer; rs: ResourceServer }[] = [];

  beforeAll(async () => {
    for (const [index, adapter] of [first, second].entries()) {
      const as = await startAuthorizationServer();
      const options = { globalGuard: false, realm: `realm-${index}` };
      servers.push({
        as,
        rs: await startResourceServer({ adapter, authorizationServer: as, options, controllers: [GuardedController] }),
      });
    }
  });
  afterAll(() => Promise.all(servers.flatMap(({ as, rs }) => [rs.close(), as.close()])));
  beforeEach(() => {
    for (const { as } of servers) as.reset();
  });

  const pair = (): [(typeof servers)[number], (typeof servers)[number]] =>
    servers as [(typeof servers)[number], (typeof servers)[number]];

  describe.each(['/guarded/ours', '/guarded/plain'])('%s', (path) => {
    it('each accepts its own tokens alone, in any order', async () => {
      for (const [mine, other] of [pair(), pair().toReversed() as ReturnType<typeof pair>, pair()]) {
        const token = mine.as.token();
        expect(expect200(await mine.rs.get(path, `Bearer ${token}`)).principal).toMatchObject({ issuer: mine.as.issuer });
        expect([mine.as.introspections, other.as.introspections]).toEqual([1, 0]);
        const foreign = await other.rs.get(path, `Bearer ${token}`);
        expect401Token(foreign);
        expect([mine.as.introspections, other.as.introspections]).toEqual([1, 1]);
        mine.as.reset();
        other.as.reset();
      }
    });

    it('each challenges with its own realm', async () => {
      for (const [index, { rs }] of servers.entries()) {
        for (const challenge of [expect401None(await rs.get(path)), expect401Token(await rs.get(path, 'Bearer unknown-token'))]) {
          expect(challenge.params.get('realm')).toBe(`realm-${index}`);
        }
      }
    });

    it('they keep apart at the same time', async () => {
      const [a, b] = pair();
      const [tokenA, tokenB] = [a.as.token(), b.as.token()];
      const rounds = Array.from({ length: 10 }, () => [
        a.rs.get(path, `Bearer ${tokenA}`),
        b.rs.get(path, `Bearer ${tokenA}`),
        a.rs.get(path, `Bearer ${tokenB}`),
        b.rs.get(path, `Bearer ${tokenB}`),
      ]);
      const statuses = (await Promise.all(rounds.flat())).map(({ status }) => status);
      expect(statuses).toEqual(rounds.flatMap(() => [200, 401, 401, 200]));
    });

    it('one token that both know is each one’s own', async () => {
      const [a, b] = pair();
      for (const { as } of [a, b]) as.answer('shared-token', { active: true, ...as.claims({ sub: as.issuer }) });
      for (const { as, rs } of [a, b, a]) {
        expect(expect200(await rs.get(path, 'Bearer shared-token')).principal).toMatchObject({
          subject: as.issuer,
          issuer: as.issuer,
        });
      }
    });
  });

  it('an application without the module is served by neither', async () => {
    const [{ as, rs }] = pair();
    const token = as.token();
    expect200(await rs.get('/guarded/plain', `Bearer ${token}`));
    const stranger = await serve({ adapter: second, authorizationServer: as, module: StrangerModule });
    try {
      const answer = await stranger.get('/guarded/plain', `Bearer ${token}`);
      expect([answer.handled, answer.introspections]).toEqual([0, 0]);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    } finally {
      await stranger.close();
    }
  });
});

describe.each(ADAPTERS)('An application that outlives another (%s)', (adapter) => {
  it.each(['the first', 'the second'])('%s is closed, the other serves on', async (which) => {
    const [asA, asB] = [await startAuthorizationServer(), await startAuthorizationServer()];
    const options = { globalGuard: false };
    const a = await startResourceServer({ adapter, authorizationServer: asA, options, controllers: [GuardedController] });
    const b = await startResourceServer({ adapter, authorizationServer: asB, options, controllers: [GuardedController] });
    const [closed, left, as] = which === 'the first' ? ([a, b, asB] as const) : ([b, a, asA] as const);
    try {
      await closed.close();
      for (const path of ['/guarded/ours', '/guarded/plain']) {
        expect200(await left.get(path, `Bearer ${as.token()}`));
        expect401Token(await left.get(path, 'Bearer unknown-token'));
      }
    } finally {
      await Promise.all([left.close(), asA.close(), asB.close()]);
    }
  });
});
