import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Req,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import {
  AccessTokenPrincipal,
  createPrincipal,
  IntrospectionGuard,
  IntrospectionModule,
  IntrospectionService,
  Principal,
  principalOf,
  Public,
  ResourceServerException,
  Scopes,
  type RequestWithPrincipal,
} from 'nestjs-introspection';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AUDIENCE, startAuthorizationServer, type AuthorizationServer } from '../../support/authorization-server.js';
import {
  expect200,
  expect400Request,
  expect401None,
  expect401Token,
  expect403Scope,
  expect503,
} from '../../support/expectations.js';
import { ADAPTERS, defaultOptions, describePrincipal, serve, type ResourceServer } from '../../support/resource-server.js';

type HttpRequest = Parameters<IntrospectionService['authenticate']>[0] & { headers: Record<string, string | undefined> };
const OTHER_AUDIENCE = 'https://rs.example.com/admin';

/** An API key, else what the library's guard says. */
@Injectable()
class TokenOrApiKeyGuard implements CanActivate {
  constructor(
    @Inject(IntrospectionGuard) private readonly guard: IntrospectionGuard,
    @Inject(IntrospectionService) private readonly service: IntrospectionService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<HttpRequest & RequestWithPrincipal>();
    if (request.headers['x-api-key'] !== 'key-1') return this.guard.canActivate(context);
    const principal = createPrincipal({ issuer: 'urn:api-keys', clientId: 'key-1', scopes: ['read'] });
    await this.service.authorize(principal, context);
    request.user = principal;
    return true;
  }
}

@Controller('either')
@UseGuards(TokenOrApiKeyGuard)
class EitherController {
  @Get('read') @Scopes('read') read(@Req() request: RequestWithPrincipal): unknown {
    return { by: request.user.clientId };
  }
  @Get('write') @Scopes('write') write(): unknown {
    return {};
  }
}

@Injectable()
class SeesPrincipalGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<object>();
    return principalOf(context) instanceof AccessTokenPrincipal && principalOf(context) === principalOf(request);
  }
}

@Controller('often')
@UseGuards(IntrospectionGuard, IntrospectionGuard, SeesPrincipalGuard)
class OftenController {
  constructor(@Inject(IntrospectionService) private readonly service: IntrospectionService) {}

  @Get()
  @UseGuards(IntrospectionGuard)
  async get(@Req() request: HttpRequest & RequestWithPrincipal, @Principal() principal: AccessTokenPrincipal): Promise<unknown> {
    const again = await this.service.authenticate(request);
    return { same: again === principal && request.user === principal };
  }
  @Get('audience')
  async audience(@Req() request: HttpRequest, @Principal() principal: AccessTokenPrincipal): Promise<unknown> {
    return { same: (await this.service.authenticate(request, { audience: AUDIENCE })) === principal };
  }
  @Get('scoped') @Scopes('write') @UseGuards(IntrospectionGuard) scoped(): unknown {
    return {};
  }
}

@Controller('service')
@Public()
class ServiceController {
  constructor(@Inject(IntrospectionService) private readonly service: IntrospectionService) {}

  @Get() async get(@Req() request: HttpRequest): Promise<unknown> {
    return describePrincipal(await this.service.authenticate(request));
  }
  @Get('admin') async admin(@Req() request: HttpRequest): Promise<unknown> {
    return describePrincipal(await this.service.authenticate(request, { audience: OTHER_AUDIENCE }));
  }
  @Get('none') none(@Req() request: HttpRequest): unknown {
    return { principal: principalOf(request) ?? null };
  }
}

/** A guard of the application's own that knows tokens for another resource, and leaves the verdict to the next one. */
@Injectable()
class KnowsAdminTokensGuard implements CanActivate {
  constructor(@Inject(IntrospectionService) private readonly service: IntrospectionService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    await this.service.authenticate(context.switchToHttp().getRequest(), { audience: OTHER_AUDIENCE }).catch(() => undefined);
    return true;
  }
}

@Controller('plain')
@UseGuards(KnowsAdminTokensGuard, IntrospectionGuard)
class PlainController {
  @Get() get(@Principal() principal: AccessTokenPrincipal): unknown {
    return describePrincipal(principal);
  }
}

function application(as: AuthorizationServer): Type {
  const controllers = [EitherController, OftenController, ServiceController, PlainController];
  @Module({ imports: [IntrospectionModule.forRoot({ ...defaultOptions(as), globalGuard: false })], controllers })
  class Unguarded {}
  return Unguarded;
}

describe.each(ADAPTERS)('in an application without a global guard (%s)', (adapter) => {
  let as: AuthorizationServer;
  let rs: ResourceServer;
  let service: IntrospectionService;

  beforeAll(async () => {
    as = await startAuthorizationServer();
    rs = await serve({ adapter, authorizationServer: as, module: application(as) });
    service = rs.app.get(IntrospectionService);
  });
  beforeEach(() => as.reset());
  afterAll(async () => {
    await rs.close();
    await as.close();
  });

  const bearer = (claims: Record<string, unknown> = {}): string => `Bearer ${as.token(claims)}`;
  const withKey = (path: string) => rs.send({ path, headers: [['X-Api-Key', 'key-1']] });

  it('a guard of the application takes an API key or a token', async () => {
    expect(expect200(await withKey('/either/read'))).toEqual({ by: 'key-1' });
    expect(expect200(await rs.get('/either/read', bearer()))).toEqual({ by: 'c1' });
    expect401None(await rs.get('/either/read'), 'read');
    expect401Token(await rs.get('/either/read', 'Bearer unknown-token'));
    expect400Request(await rs.get('/either/read', 'Bearer a b'));
    expect403Scope(await withKey('/either/write'), 'write');
    expect403Scope(await rs.get('/either/write', bearer()), 'write');
  });

  it('a request is verified once, however many guards and calls stand in its way', async () => {
    const answer = await rs.get('/often', bearer());
    expect(expect200(answer)).toEqual({ same: true });
    expect(answer.introspections).toBe(1);
  });

  it('a request is verified once, also where an audience is asked for later', async () => {
    const answer = await rs.get('/often/audience', bearer());
    expect(expect200(answer)).toEqual({ same: true });
    expect(answer.introspections).toBe(1);
  });

  it('a refusal is asked for once too', async () => {
    const answer = await rs.get('/often/scoped', bearer());
    expect403Scope(answer, 'write');
    expect(answer.introspections).toBe(1);
  });

  it('authenticate() answers as the guard does', async () => {
    expect(expect200(await rs.get('/service', bearer())).principal).toMatchObject({ subject: 'u1' });
    // The interceptor that counts handlers has run: the handler itself asked.
    for (const [authorization, status] of [
      ['Bearer a b', 400],
      ['Bearer unknown-token', 401],
    ] as const) {
      const answer = await rs.get('/service', authorization);
      expect(answer.status).toBe(status);
      expect(answer.all('WWW-Authenticate')).toHaveLength(1);
      expect(answer.header('Cache-Control')).toBe('no-store');
    }
    expect((await rs.get('/service')).status).toBe(401);
  });

  it('authenticate() with an audience replaces the configured one', async () => {
    expect((await rs.get('/service/admin', bearer({ aud: OTHER_AUDIENCE }))).status).toBe(200);
    expect((await rs.get('/service/admin', bearer())).status).toBe(401);
    expect((await rs.get('/service/admin', bearer({ aud: undefined }))).status).toBe(401);
  });

  it('a token that was accepted for another audience before is not one for this route', async () => {
    expect200(await rs.get('/plain', bearer({ aud: [OTHER_AUDIENCE, AUDIENCE] })));
    expect401Token(await rs.get('/plain', bearer({ aud: OTHER_AUDIENCE })));
  });

  it('principalOf() finds nobody where nobody was authenticated', async () => {
    expect(expect200(await rs.get('/service/none', bearer()))).toEqual({ principal: null });
    expect(principalOf({ user: createPrincipal({ issuer: 'x' }) })).toBeUndefined();
    expect(as.introspections).toBe(0);
  });

  it('authorize() judges by a requirement', async () => {
    const principal = createPrincipal({ issuer: as.issuer, scopes: ['read'] });
    await service.authorize(principal, { scopes: ['read'] });
    const refusal = await service.authorize(principal, { scopes: ['write'] }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ResourceServerException);
    expect(refusal).toMatchObject({
      status: 403,
      cause: { code: 'ERR_SCOPE_INSUFFICIENT' },
      headers: { 'Cache-Control': 'no-store' },
    });
    await expect(service.authorize(principal, { scope: 'read' } as object)).rejects.toBeInstanceOf(TypeError);
  });

  it('introspect() answers, and throws 503 only', async () => {
    expect(await service.introspect(as.token())).toMatchObject({ active: true, sub: 'u1' });
    expect(await service.introspect('unknown-token')).toEqual({ active: false });
    as.replace('introspection', (_request, response) => response.writeHead(500).end());
    const refusal = await service.introspect('unknown-token').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ResourceServerException);
    expect(refusal).toMatchObject({ status: 503, headers: { 'Retry-After': '1' } });
    expect503(await rs.get('/often', 'Bearer unknown-token'));
    await expect(service.introspect('x', { maxAge: 0 } as object)).rejects.toBeInstanceOf(TypeError);
  });

  it('health() is there, and makes no call', () => {
    expect(service.health()).toMatchObject({ issuers: [{ issuer: as.issuer }] });
    expect(as.requests).toEqual([]);
  });
});
