import { Controller, Get, Inject, Post } from '@nestjs/common';
import { IntrospectionService, Public, type IntrospectionModuleOptions } from 'nestjs-introspection';
import type { ResourceServer } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { json } from '../support/authorization-server.js';
import { expect200, expect201, expect401Token } from '../support/expectations.js';
import { describeRemembering, type Opened } from '../support/remembering.js';
import { describeScenarios, expectCalls, scenario } from '../support/scenario.js';
import { describeTwoIssuers } from '../support/two-issuers.js';

type Target = Parameters<ResourceServer['revoke']>[0];

const fixture = describeRemembering();
const refused = { status: 401, asked: 0 };
const mode = (verification: string, options: Record<string, unknown> = {}): Opened =>
  fixture.open({ verification, cache: { ttlMs: 300_000 }, ...options });
const revoking = async (server: ResourceServer, target: unknown): Promise<void> => server.revoke(target as Target);

async function activeJwt(claims: Record<string, unknown> = {}): Promise<string> {
  const all = { jti: 'j1', sid: 's1', ...claims };
  const token = await fixture.as.sign(all);
  fixture.as.answer(token, { active: true, ...fixture.as.claims(all) });
  return token;
}

const NAMING: [string, (token: string) => Target][] = [
  ['token', (token) => ({ token })],
  ['jti', () => ({ issuer: fixture.as.issuer, jti: 'j1' })],
];
const MATCHING: [string, (token: string) => Target][] = [
  ['subject', () => ({ issuer: fixture.as.issuer, subject: 'u1' })],
  ['session', () => ({ issuer: fixture.as.issuer, sessionId: 's1' })],
  ['client', () => ({ issuer: fixture.as.issuer, clientId: 'c1' })],
  ['issuer', () => ({ issuer: fixture.as.issuer, beforeSeconds: fixture.clock.seconds() })],
];

describe('revoke: JWTs', () => {
  const combinations = ['local', 'hybrid', 'both'].flatMap((verification) =>
    [...NAMING, ...MATCHING].map(([kind, form]) => [verification, kind, form] as const),
  );

  it.each(combinations)('ICACHE-08 HYB-03 %s, by %s: refused without a call', async (verification, _kind, form) => {
    const { judge, server } = mode(verification);
    const [seen, unseen] = [await activeJwt(), await activeJwt()];
    expect((await judge(seen)).status).toBe(200);
    await server.revoke(form(seen));
    expect(await judge(seen)).toMatchObject(refused);
    expect(await server.introspect(seen)).toEqual({ active: false });
    expect(await judge(unseen)).toMatchObject(_kind === 'token' ? { status: 200 } : refused);
  });

  it.each(['local', 'hybrid', 'both'])('ICACHE-08 %s: one issued later is accepted', async (verification) => {
    const { judge, server } = mode(verification);
    await server.revoke({ issuer: fixture.as.issuer, subject: 'u1' });
    const later = await activeJwt({ iat: fixture.clock.seconds() + 1 });
    expect((await judge(later)).status).toBe(200);
    expect((await judge(await activeJwt())).status).toBe(401);
  });

  it.each(['local', 'hybrid'].flatMap((verification) => MATCHING.map(([kind, form]) => [verification, kind, form] as const)))(
    'T22 %s, by %s: without iat refused, as the verdict would come from here',
    async (verification, _kind, form) => {
      const { judge, server } = mode(verification, { requiredClaims: ['sub', 'client_id'] });
      const token = await activeJwt({ iat: undefined });
      expect(await judge(token)).toMatchObject({ status: 200, asked: 0 });
      await server.revoke(form(token));
      expect(await judge(token)).toMatchObject({ status: 401 });
    },
  );

  it('T22 both: without iat asked about live, every time', async () => {
    const { judge, server } = mode('both', { requiredClaims: ['sub', 'client_id'] });
    const token = await activeJwt({ iat: undefined });
    expect(await judge(token)).toMatchObject({ status: 200, asked: 1 });
    await server.revoke({ issuer: fixture.as.issuer, subject: 'u1' });
    for (let round = 0; round < 2; round += 1) expect(await judge(token)).toMatchObject({ status: 200, asked: 1 });
    fixture.as.answer(token, { active: false });
    expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
  });

  it('ICACHE-08 local: it wins against a verification that waits for keys', async () => {
    const { judge, server } = mode('local');
    const token = await activeJwt();
    let answer: () => void = () => undefined;
    fixture.as.replace('jwks', (_request, response) => {
      answer = () => json(response, fixture.as.keySet);
    });
    const fetched = fixture.as.nextRequest(({ url }) => url.startsWith('/jwks'));
    const verdict = judge(token);
    await fetched;
    await server.revoke({ token });
    answer();
    expect(await verdict).toMatchObject({ status: 401 });
  });

  it('ICACHE-08 a JWT that only the server judges is named like an opaque token', async () => {
    const { judge, server } = mode('remote');
    const token = await activeJwt();
    await server.revoke({ token });
    expect(await judge(token)).toMatchObject(refused);
  });
});

describe('revoke: what is no target', () => {
  const issuer = 'https://as.example.com';
  const wrong: [string, unknown][] = [
    ['nothing', undefined],
    ['null', null],
    ['a text', 'some-token'],
    ['an empty object', {}],
    ['a list', [{ token: 'some-token' }]],
    ['an empty token', { token: '' }],
    ['a token of another type', { token: 5 }],
    ['an issuer alone', { issuer }],
    ['no issuer', { subject: 'u1' }],
    ['an id without an issuer', { jti: 'j1' }],
    ['a time alone', { beforeSeconds: 5 }],
    ['an issuer of another type', { issuer: 5, subject: 'u1' }],
    ['an empty issuer', { issuer: '', subject: 'u1' }],
    ['an empty subject', { issuer, subject: '' }],
    ['an empty id', { issuer, jti: '' }],
    ['an empty session', { issuer, sessionId: '' }],
    ['an empty client', { issuer, clientId: '' }],
    ['a subject of another type', { issuer, subject: null }],
    ['a subject that is undefined', { issuer, subject: undefined }],
    ['a session of another type', { issuer, sessionId: ['s1'] }],
    ['a token and an issuer', { token: 'some-token', issuer }],
    ['a token and a time', { token: 'some-token', beforeSeconds: 5 }],
    ['two forms', { issuer, subject: 'u1', clientId: 'c1' }],
    ['an id and a subject', { issuer, jti: 'j1', subject: 'u1' }],
    ['an id and a time', { issuer, jti: 'j1', beforeSeconds: 5 }],
    ['a session and a time', { issuer, sessionId: 's1', beforeSeconds: 5 }],
    ['a client and a time', { issuer, clientId: 'c1', beforeSeconds: 5 }],
    ['an unknown key', { issuer, subject: 'u1', before: 5 }],
    ['a time of another type', { issuer, subject: 'u1', beforeSeconds: '5' }],
    ['a time that is no number', { issuer, subject: 'u1', beforeSeconds: NaN }],
    ['a time without end', { issuer, beforeSeconds: Infinity }],
    ['a time that is null', { issuer, subject: 'u1', beforeSeconds: null }],
    ['an issuer that is not ours', { issuer: 'https://other.example', subject: 'u1' }],
  ];

  it.each(wrong)('ICACHE-08 %s: a TypeError, and nothing is written', async (_what, target) => {
    const written: string[] = [];
    const store = {
      get: async () => undefined,
      set: async (key: string) => void written.push(key),
      delete: async (key: string) => void written.push(key),
    };
    const given = withIssuer(target);
    const secret = 'a-secret-of-thirty-two-octets-!!';
    const { server, eventsOf } = fixture.open({ cache: { ttlMs: 1000, shared: store, secret, localTtlMs: 20 } });
    const atFirst = written.length;
    await expect(revoking(server, given)).rejects.toBeInstanceOf(TypeError);
    expect(written.slice(atFirst)).toEqual([]);
    expect(eventsOf('revocation.accepted')).toEqual([]);

    const own = fixture.open({ verification: 'local' });
    await expect(revoking(own.server, given)).rejects.toBeInstanceOf(TypeError);
    expect(await own.judge(await activeJwt())).toMatchObject({ status: 200 });
  });

  /** The example's issuer stands for the real one, so that a target is wrong for one reason only. */
  function withIssuer(target: unknown): unknown {
    if (typeof target !== 'object' || target === null || Reflect.get(target, 'issuer') !== issuer) return target;
    return { ...target, issuer: fixture.as.issuer };
  }
});

const issuers = describeTwoIssuers();

describe('revoke: two issuers', () => {
  const forms: [string, () => Target][] = [
    ['subject', () => ({ issuer: issuers.a.issuer, subject: 'u1' })],
    ['jti', () => ({ issuer: issuers.a.issuer, jti: 'j1' })],
    ['session', () => ({ issuer: issuers.a.issuer, sessionId: 's1' })],
    ['client', () => ({ issuer: issuers.a.issuer, clientId: 'c1' })],
    ['issuer', () => ({ issuer: issuers.a.issuer, beforeSeconds: issuers.clock.seconds() })],
  ];

  it.each(forms)('ICACHE-06 T31 by %s: what is revoked at one stays good at the other', async (_kind, form) => {
    const options = {
      issuers: [issuers.optionsOf(issuers.a), issuers.optionsOf(issuers.b)],
      issuerFor: 'in-order' as const,
      cache: { ttlMs: 60_000 },
    };
    await issuers.serving(options, async ({ judge, revoke, events }) => {
      const claims = { sid: 's1', jti: 'j1', iat: issuers.clock.seconds() - 5 };
      const [jwtA, jwtB] = [await issuers.a.sign(claims), await issuers.b.sign(claims)];
      const [opaqueA, opaqueB] = [issuers.a.token(claims), issuers.b.token(claims)];
      for (const token of [jwtA, jwtB, opaqueA, opaqueB]) expect((await judge(token)).status).toBe(200);
      await revoke(form());
      for (const token of [jwtA, opaqueA]) expect(await judge(token)).toMatchObject({ status: 401 });
      for (const token of [jwtB, opaqueB]) expect(await judge(token)).toMatchObject({ status: 200, issuer: issuers.b.issuer });
      const accepted = events.filter(({ type }) => type === 'revocation.accepted');
      expect(accepted).toEqual([expect.objectContaining({ issuer: issuers.a.issuer })]);
    });
  });
});

@Controller()
class Revocations {
  constructor(@Inject(IntrospectionService) private readonly service: IntrospectionService) {}
  @Get('any') any(): unknown {
    return {};
  }
  @Post('log-out') @Public() async logOut(): Promise<unknown> {
    await this.service.revoke(target as Target);
    return {};
  }
}
let target: unknown;
const options: Partial<IntrospectionModuleOptions> = { cache: { ttlMs: 60_000 } };

describeScenarios('IntrospectionService.revoke', [
  scenario(
    'ICACHE-08 T22 T41 what was good is refused at once',
    { options, controllers: [Revocations] },
    async ({ as, rs, clock }) => {
      const token = as.token({ iat: clock.seconds() - 5 });
      expect200(await rs.get('/any', `Bearer ${token}`));
      target = { issuer: as.issuer, subject: 'u1' };
      expect201(await rs.send({ method: 'POST', path: '/log-out' }));
      const answer = await rs.get('/any', `Bearer ${token}`);
      expect401Token(answer);
      expectCalls(answer, { I: 0 });
    },
  ),
]);
