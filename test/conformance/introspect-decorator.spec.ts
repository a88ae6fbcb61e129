import { Controller, Get, Inject, Query } from '@nestjs/common';
import { Introspect, IntrospectionService, Principal, Public, Scopes } from 'nestjs-introspection';
import type { AccessTokenPrincipal, IntrospectionModuleOptions } from 'nestjs-introspection';
import { expect } from 'vitest';
import { json } from '../support/authorization-server.js';
import { expect200, expect401None, expect401Token, expect403Scope, expect503 } from '../support/expectations.js';
import { send } from '../support/raw-http.js';
import { holdAnswers } from '../support/remembering.js';
import { describePrincipal, type Exchange } from '../support/resource-server.js';
import { describeScenarios, expectCalls, scenario, type Scenario } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';

@Controller()
class Routes {
  @Get('any') any(@Principal() principal: AccessTokenPrincipal): unknown {
    return describePrincipal(principal);
  }
  @Get('live') @Introspect() live(@Principal() principal: AccessTokenPrincipal): unknown {
    return describePrincipal(principal);
  }
  @Get('zero') @Introspect({ maxAgeMs: 0 }) zero(): unknown {
    return {};
  }
  @Get('recent') @Introspect({ maxAgeMs: 5000 }) recent(): unknown {
    return {};
  }
  @Get('long') @Introspect({ maxAgeMs: 600_000 }) long(): unknown {
    return {};
  }
  @Get('write') @Introspect() @Scopes('write') write(): unknown {
    return {};
  }
}

@Controller('strict')
@Introspect()
class StrictRoutes {
  @Get('live') live(): unknown {
    return {};
  }
  @Get('relaxed') @Introspect({ maxAgeMs: 5000 }) relaxed(): unknown {
    return {};
  }
  @Get('write') @Scopes('write') write(): unknown {
    return {};
  }
  @Get('open') @Public() open(): unknown {
    return {};
  }
}

@Controller()
class AskedRoutes {
  constructor(@Inject(IntrospectionService) private readonly service: IntrospectionService) {}
  @Get('ask') @Public() ask(@Query('token') token: string, @Query('age') age?: string): Promise<unknown> {
    return this.service.introspect(token, age === undefined ? {} : { maxAgeMs: Number(age) });
  }
}

const CACHE = { cache: { ttlMs: 60_000 } };
const introspect = (title: string, options: Partial<IntrospectionModuleOptions>, run: Scenario['run']): Scenario =>
  scenario(title, { options: { verification: 'hybrid', ...options } }, run);

/** A good JWT, about which the server says what is given; `iat` and all, as `sign` does. */
async function jwt({ as }: Fixture, answer: Record<string, unknown> = {}, claims: Record<string, unknown> = {}) {
  const token = await as.sign(claims);
  as.answer(token, { active: true, ...as.claims(answer) });
  return token;
}

function accepted(answer: Exchange, introspections: number): void {
  expect200(answer);
  expectCalls(answer, { I: introspections });
}

function refused(answer: Exchange, introspections: number): void {
  expect401Token(answer);
  expectCalls(answer, { I: introspections });
}

describeScenarios(
  '@Introspect on opaque tokens',
  [
    introspect('ICACHE-02 T41 asks each time where others are answered from memory', CACHE, async ({ as, rs }) => {
      const token = as.token();
      accepted(await rs.get('/any', `Bearer ${token}`), 1);
      accepted(await rs.get('/any', `Bearer ${token}`), 0);
      for (const path of ['/live', '/zero', '/live', '/strict/live']) accepted(await rs.get(path, `Bearer ${token}`), 1);
      accepted(await rs.get('/any', `Bearer ${token}`), 0);
    }),

    introspect('HYB-03 ICACHE-02 T41 sees a revocation at once, and others do from then on', CACHE, async ({ as, rs }) => {
      const token = as.token();
      accepted(await rs.get('/any', `Bearer ${token}`), 1);
      as.answer(token, { active: false });
      accepted(await rs.get('/any', `Bearer ${token}`), 0);
      refused(await rs.get('/live', `Bearer ${token}`), 1);
      expect401Token(await rs.get('/any', `Bearer ${token}`));
    }),

    introspect('ICACHE-02 maxAgeMs: memory serves while it is young enough', CACHE, async ({ as, rs, clock }) => {
      const token = as.token();
      accepted(await rs.get('/any', `Bearer ${token}`), 1);
      clock.advanceSeconds(4);
      accepted(await rs.get('/recent', `Bearer ${token}`), 0);
      accepted(await rs.get('/strict/relaxed', `Bearer ${token}`), 0);
      clock.advanceSeconds(2);
      accepted(await rs.get('/recent', `Bearer ${token}`), 1);
      accepted(await rs.get('/recent', `Bearer ${token}`), 0);
      clock.advanceSeconds(59);
      accepted(await rs.get('/any', `Bearer ${token}`), 0);
    }),

    introspect('ICACHE-03 maxAgeMs prolongs nothing past ttlMs', CACHE, async ({ as, rs, clock }) => {
      const token = as.token({ exp: clock.seconds() + 3600 });
      accepted(await rs.get('/long', `Bearer ${token}`), 1);
      clock.advanceSeconds(59);
      accepted(await rs.get('/long', `Bearer ${token}`), 0);
      clock.advanceSeconds(2);
      accepted(await rs.get('/long', `Bearer ${token}`), 1);
    }),

    introspect('ICACHE-02 without a cache each request asks, once', {}, async ({ as, rs }) => {
      const token = as.token();
      for (const path of ['/any', '/live', '/recent', '/long']) accepted(await rs.get(path, `Bearer ${token}`), 1);
    }),

    introspect('INTRO-11 ICACHE-02 joins no call that began before it', CACHE, async ({ as, rs }) => {
      const token = as.token();
      const { arrived, release } = holdAnswers(as, token);
      const get = (path: string) => send(rs.port, { path, headers: [['Authorization', `Bearer ${token}`]] });
      const first = get('/any');
      await arrived;
      const second = as.nextRequest(({ path }) => path === '/introspect');
      const live = get('/live');
      await second;
      release({ active: true, ...as.claims() });
      expect200(await first);
      expect200(await live);
      expect(as.introspections).toBe(2);
    }),

    introspect('INTRO-11 ICACHE-02 a call that began before a revocation does not speak for it', CACHE, async ({ as, rs }) => {
      const token = as.token();
      const { arrived, release } = holdAnswers(as, token);
      const first = send(rs.port, { path: '/any', headers: [['Authorization', `Bearer ${token}`]] });
      await arrived;
      as.answer(token, { active: false });
      refused(await rs.get('/live', `Bearer ${token}`), 1);
      release({ active: true, ...as.claims() });
      await first;
      expect401Token(await rs.get('/any', `Bearer ${token}`));
    }),

    introspect('HYB-03 meets @Scopes, in class and method', CACHE, async ({ as, rs }) => {
      const [reader, writer] = [as.token({ scope: 'read' }), as.token({ scope: 'write' })];
      for (const path of ['/write', '/strict/write']) {
        accepted(await rs.get(path, `Bearer ${writer}`), 1);
        const answer = await rs.get(path, `Bearer ${reader}`);
        expect403Scope(answer, 'write');
        expectCalls(answer, { I: 1 });
      }
      as.answer(reader, { active: false });
      for (const path of ['/write', '/strict/write']) refused(await rs.get(path, `Bearer ${reader}`), 1);
    }),

    introspect('HYB-03 a route of an asking class can be @Public, and none is open by itself', CACHE, async ({ as, rs }) => {
      accepted(await rs.get('/strict/open', `Bearer ${as.token()}`), 0);
      for (const path of ['/live', '/recent', '/strict/live']) expect401None(await rs.get(path));
    }),
  ],
  { controllers: [Routes, StrictRoutes] },
);

describeScenarios(
  '@Introspect on JWTs',
  [
    introspect('HYB-03 asks about a JWT that is otherwise verified here', {}, async (fixture) => {
      const { as, rs } = fixture;
      const token = await jwt(fixture);
      accepted(await rs.get('/any', `Bearer ${token}`), 0);
      const answer = await rs.get('/live', `Bearer ${token}`);
      accepted(answer, 1);
      expect(expect200(answer).principal).toMatchObject({ verifiedBy: 'both' });
      as.answer(token, { active: false });
      refused(await rs.get('/live', `Bearer ${token}`), 1);
      refused(await rs.get('/strict/live', `Bearer ${token}`), 1);
      accepted(await rs.get('/any', `Bearer ${token}`), 0);
    }),

    introspect('HYB-03 with maxAgeMs a remembered answer serves', CACHE, async (fixture) => {
      const { as, rs, clock } = fixture;
      const token = await jwt(fixture);
      accepted(await rs.get('/recent', `Bearer ${token}`), 1);
      as.answer(token, { active: false });
      clock.advanceSeconds(4);
      accepted(await rs.get('/recent', `Bearer ${token}`), 0);
      clock.advanceSeconds(2);
      refused(await rs.get('/recent', `Bearer ${token}`), 1);
    }),

    introspect('HYB-03 HYB-04 both must agree', {}, async (fixture) => {
      const { rs } = fixture;
      for (const answer of [{ sub: 'u2' }, { client_id: 'c2' }, { aud: 'https://other.example' }, { cnf: { jkt: 'x' } }])
        refused(await rs.get('/live', `Bearer ${await jwt(fixture, answer)}`), 1);
      const scopes = await jwt(fixture, { scope: 'read' }, { scope: 'read write' });
      expect403Scope(await rs.get('/write', `Bearer ${scopes}`), 'write');
    }),

    introspect('HYB-03 a JWT that fails here is not asked about', {}, async (fixture) => {
      const { rs, clock } = fixture;
      const expired = await jwt(fixture, {}, { exp: clock.seconds() - 60 });
      const foreign = await jwt(fixture, {}, { aud: 'https://other.example' });
      for (const token of [expired, foreign]) refused(await rs.get('/live', `Bearer ${token}`), 0);
    }),

    introspect('HYB-03 a bound JWT without its proof is not asked about', {}, async (fixture) => {
      const { rs } = fixture;
      for (const cnf of [{ jkt: 'a-thumbprint' }, { 'x5t#S256': 'a-thumbprint' }, { unknown: 1 }])
        refused(await rs.get('/live', `Bearer ${await jwt(fixture, { cnf }, { cnf })}`), 0);
    }),

    introspect('HYB-03 a failing server is 503, not the JWT’s own verdict', {}, async (fixture) => {
      const { as, rs } = fixture;
      const token = await jwt(fixture);
      as.answer(token, (_request, response) => json(response, {}, 500));
      expect503(await rs.get('/live', `Bearer ${token}`));
      accepted(await rs.get('/any', `Bearer ${token}`), 0);
    }),

    introspect('HYB-03 works in local, for JWTs alone', { verification: 'local' }, async (fixture) => {
      const { as, rs } = fixture;
      const token = await jwt(fixture);
      accepted(await rs.get('/any', `Bearer ${token}`), 0);
      accepted(await rs.get('/live', `Bearer ${token}`), 1);
      as.answer(token, { active: false });
      refused(await rs.get('/live', `Bearer ${token}`), 1);
      refused(await rs.get('/live', `Bearer ${as.token()}`), 0);
    }),

    introspect('HYB-03 in remote the one call is enough', { verification: 'remote' }, async (fixture) => {
      accepted(await fixture.rs.get('/live', `Bearer ${await jwt(fixture)}`), 1);
    }),
  ],
  { controllers: [Routes, StrictRoutes] },
);

describeScenarios(
  'IntrospectionService.introspect with maxAgeMs',
  [
    introspect('ICACHE-02 HYB-03 asks when memory is too old', CACHE, async (fixture) => {
      const { as, rs, clock } = fixture;
      const ask = async (token: string, age: string, introspections: number): Promise<unknown> => {
        const answer = await send(rs.port, { path: `/ask?token=${token}${age}` });
        expect(as.introspections - asked).toBe(introspections);
        asked = as.introspections;
        return JSON.parse(answer.body);
      };
      let asked = 0;
      const active = { active: true, sub: 'u1' };
      const opaque = as.token();
      expect(await ask(opaque, '', 1)).toMatchObject(active);
      expect(await ask(opaque, '', 0)).toMatchObject(active);
      clock.advanceSeconds(4);
      expect(await ask(opaque, '&age=5000', 0)).toMatchObject(active);
      clock.advanceSeconds(2);
      expect(await ask(opaque, '&age=5000', 1)).toMatchObject(active);
      expect(await ask(opaque, '&age=0', 1)).toMatchObject(active);
      as.answer(opaque, { active: false });
      expect(await ask(opaque, '&age=0', 1)).toEqual({ active: false });

      const token = await jwt(fixture);
      expect(await ask(token, '', 0)).toMatchObject(active);
      expect(await ask(token, '&age=0', 1)).toMatchObject(active);
      as.answer(token, { active: false });
      expect(await ask(token, '&age=0', 1)).toEqual({ active: false });
      expect(await ask(token, '', 0)).toMatchObject(active);
    }),
  ],
  { controllers: [AskedRoutes] },
);
