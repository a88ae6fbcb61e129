import { Controller, Get, Req } from '@nestjs/common';
import { Principal, principalOf, Public, type AccessTokenPrincipal, type RequestWithPrincipal } from 'nestjs-introspection';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../differential/random.js';
import { json, startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { send, type RawResponse } from '../support/raw-http.js';
import { ADAPTERS, startResourceServer, type ResourceServer } from '../support/resource-server.js';

const REQUESTS = 200;
const LONGEST_MS = 25;

let random: Random;

@Controller()
class EchoController {
  /** Who it is, by every way to ask, before and after others had their turn. */
  @Get('me') async me(@Principal() principal: AccessTokenPrincipal, @Req() request: RequestWithPrincipal): Promise<unknown> {
    const seen = (): unknown[] => [
      principal.subject,
      principal.claims['sub'],
      request.user.subject,
      principalOf(request)?.subject,
      principal.token,
    ];
    const before = seen();
    await delay(random.integer(LONGEST_MS));
    return [...before, ...seen()];
  }

  @Get('open') @Public() async open(@Req() request: Partial<RequestWithPrincipal>): Promise<unknown> {
    await delay(random.integer(LONGEST_MS));
    return [request.user ?? null, principalOf(request) ?? null];
  }
}

interface Sent {
  path: string;
  token?: string;
  status: number;
  body?: unknown;
}

const seenAs = (subject: string, token: string): unknown[] => {
  const once = [subject, subject, subject, subject, token];
  return [...once, ...once];
};

describe.each(ADAPTERS)('T31 requests that are served at the same time (%s)', (adapter) => {
  let as: AuthorizationServer;
  let rs: ResourceServer | undefined;

  beforeAll(async () => {
    as = await startAuthorizationServer();
  });
  afterEach(() => rs?.close());
  afterAll(() => as.close());

  /** Opaque tokens and JWTs of subjects of their own, among tokens that are refused and requests without any. */
  async function plan(): Promise<Sent[]> {
    const list: Sent[] = [];
    for (let index = 0; index < REQUESTS; index += 1) {
      const subject = `subject-${index}`;
      const kind = index % 8;
      const token = kind < 2 ? await as.sign({ sub: subject }) : `opaque-${index}-${'x'.repeat(20)}`;
      const claims = { active: true, ...as.claims({ sub: subject }) };
      const answer = kind === 7 ? { active: false } : kind === 6 ? { ...claims, aud: 'https://other.example' } : claims;
      const waitMs = random.integer(LONGEST_MS);
      as.answer(token, (_request, response) => void setTimeout(() => json(response, answer), waitMs));
      if (kind === 5) list.push({ path: '/open', token, status: 200, body: [null, null] });
      else if (kind >= 6) list.push({ path: '/me', token, status: 401 });
      else list.push({ path: '/me', token, status: 200, body: seenAs(subject, token) });
    }
    return list;
  }

  const present = (port: number, { path, token }: Sent): Promise<RawResponse> =>
    send(port, { path, headers: [['Authorization', `Bearer ${token}`]] });

  it.each<[string, Record<string, unknown>]>([
    ['without a cache', {}],
    ['with a cache', { cache: { ttlMs: 60_000, inactiveTtlMs: 60_000 } }],
    ['with few calls at a time', { http: { maxConcurrent: 8, timeoutMs: 20_000 } }],
  ])('each see their own principal, %s', async (_how, options) => {
    random = createRandom(20_260_101);
    as.reset();
    rs = await startResourceServer({
      adapter,
      authorizationServer: as,
      controllers: [EchoController],
      options: { verification: 'hybrid', ...options },
    });
    const { port } = rs;
    const planned = await plan();
    for (const round of ['first', 'second']) {
      const answers = await Promise.all(planned.map((one) => present(port, one)));
      const differing = answers.flatMap((answer, index) => {
        const { status, body } = planned[index] as Sent;
        const got = { status: answer.status, body: status === 200 ? answer.json() : undefined };
        return JSON.stringify(got) === JSON.stringify({ status, body }) ? [] : [{ round, index, got, wanted: { status, body } }];
      });
      expect(differing).toEqual([]);
    }
    expect(planned.filter(({ status }) => status === 200).length).toBeGreaterThan(REQUESTS / 4);
  });
});
