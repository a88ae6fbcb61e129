import { Controller, Get, HttpException, UseGuards, type CanActivate } from '@nestjs/common';
import { OptionalAuth, Public, Scopes, type IntrospectionEvent } from 'nestjs-introspection';
import { request as send } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { json, startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { settableClock, type SettableClock } from '../support/clock.js';
import { ADAPTERS, startResourceServer, type Exchange, type ResourceServer } from '../support/resource-server.js';

class Throttled implements CanActivate {
  canActivate(): boolean {
    throw new HttpException('Slow down, says the application', 429);
  }
}

@Controller()
class Routes {
  @Get('any') any(): string {
    return 'ok';
  }
  @Get('scoped') @Scopes('admin') scoped(): string {
    return 'ok';
  }
  @Get('opt') @OptionalAuth() optional(): string {
    return 'ok';
  }
  @Get('pub') @Public() open(): string {
    return 'ok';
  }
  @Get('throttled') @UseGuards(Throttled) throttled(): string {
    return 'ok';
  }
}

const PER_CLIENT = 3;
const unknownTokens = { perClient: PER_CLIENT, windowMs: 30_000 };

/** 429 of ours: no challenge, not stored, no call, no handler. Returns the seconds of `Retry-After`. */
function expect429(answer: Exchange): number {
  expect(answer.status, answer.body).toBe(429);
  expect(answer.all('WWW-Authenticate')).toEqual([]);
  expect(answer.header('Cache-Control')).toBe('no-store');
  expect(answer.header('Retry-After')).toMatch(/^[1-9]\d*$/);
  expect(answer.json()).toEqual({ statusCode: 429, message: 'Too Many Requests' });
  expect([answer.introspections, answer.handled]).toEqual([0, 0]);
  return Number(answer.header('Retry-After'));
}

describe.each(ADAPTERS)('unknownTokens (%s)', (adapter) => {
  let as: AuthorizationServer;
  let rs: ResourceServer | undefined;
  let clock: SettableClock;
  let events: IntrospectionEvent[];
  let count = 0;

  beforeAll(async () => {
    clock = settableClock();
    as = await startAuthorizationServer({ clock });
  });
  beforeEach(() => {
    as.reset();
    events = [];
  });
  afterEach(async () => {
    await rs?.close();
    rs = undefined;
  });
  afterAll(() => as.close());

  type From = (token: string, path?: string, headers?: Record<string, string>) => Promise<Exchange>;
  async function open(options: Record<string, unknown> = { unknownTokens }): Promise<From> {
    const onEvent = (event: IntrospectionEvent): void => void events.push(event);
    const server = await startResourceServer({
      adapter,
      authorizationServer: as,
      controllers: [Routes],
      options: { clock, onEvent, ...options },
    });
    rs = server;
    return (token, path = '/any', headers = {}) =>
      server.send({ path, headers: [['Authorization', `Bearer ${token}`], ...Object.entries(headers)] });
  }
  const unknown = (): string => `unknown-token-${++count}`;
  const times = async (number: number, work: () => Promise<unknown>): Promise<void> => {
    for (let done = 0; done < number; done += 1) await work();
  };
  const exhaust = (from: From): Promise<void> => times(PER_CLIENT, async () => expect((await from(unknown())).status).toBe(401));
  const eventsOf = (type: IntrospectionEvent['type']) => events.filter((event) => event.type === type);

  it('CC-09 429 after `perClient` refused tokens, without a call, until the window ends', async () => {
    const from = await open();
    await exhaust(from);
    expect(as.introspections).toBe(PER_CLIENT);
    expect(expect429(await from(unknown()))).toBe(30);
    clock.advanceSeconds(10);
    expect(expect429(await from(unknown()))).toBe(20);
    clock.advanceSeconds(19);
    expect(expect429(await from(unknown()))).toBe(1);
    clock.advanceSeconds(1);
    const after = await from(unknown());
    expect([after.status, after.introspections]).toEqual([401, 1]);
    expect(await from(as.token())).toMatchObject({ status: 200 });
  });

  it('CC-09 the window is counted from its first token, and a new one begins after it', async () => {
    const from = await open();
    await times(2, async () => expect((await from(unknown())).status).toBe(401));
    clock.advanceSeconds(31);
    await exhaust(from);
    expect(expect429(await from(unknown()))).toBe(30);
  });

  it('CC-09 says so in an event, once per refusal, and counts no token in it', async () => {
    const from = await open();
    await exhaust(from);
    expect(eventsOf('policy.refused')).toEqual([]);
    expect(eventsOf('anomaly.invalid_tokens')).toMatchObject([{ client: '127.0.0.1', count: PER_CLIENT, atMs: clock.now() }]);
    await times(4, async () => expect429(await from(unknown())));
    const refused = eventsOf('policy.refused');
    expect(refused).toHaveLength(4);
    for (const event of refused) expect(event).toMatchObject({ code: 'ERR_UNKNOWN_TOKENS' });
    expect(JSON.stringify(events)).not.toContain('unknown-token');
  });

  it('CC-09 is about one client: another address is not concerned', async () => {
    const from = await open();
    const good = as.token();
    await exhaust(from);
    expect429(await from(unknown()));
    const other = (token: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { authorization: `Bearer ${token}` };
        const { port } = rs as ResourceServer;
        const request = send({ host: '127.0.0.1', port, localAddress: '127.0.0.2', path: '/any', headers, agent: false });
        request.on('error', reject).on('response', (response) => resolve(response.resume().statusCode));
        request.end();
      });
    expect(await other(good)).toBe(200);
    for (let done = 0; done < PER_CLIENT; done += 1) expect(await other(unknown())).toBe(401);
    expect(await other(unknown())).toBe(429);
  });

  it('CC-09 a client cannot make itself another one by a header that nobody trusts', async () => {
    const from = await open();
    let address = 0;
    const spoofed = () => {
      const value = `10.0.0.${++address}`;
      return from(unknown(), '/any', { 'X-Forwarded-For': value, Forwarded: `for=${value}`, 'X-Real-IP': value });
    };
    await times(PER_CLIENT, async () => expect((await spoofed()).status).toBe(401));
    expect429(await spoofed());
  });

  const byHeader = (request: { headers: Record<string, string> }): string => request.headers['x-client'] ?? '';

  it('CC-09 clientKey tells clients apart', async () => {
    const from = await open({ unknownTokens: { ...unknownTokens, clientKey: byHeader } });
    const at = (client: string, token = unknown()) => from(token, '/any', { 'X-Client': client });
    await times(PER_CLIENT, async () => expect((await at('a')).status).toBe(401));
    expect429(await at('a'));
    expect((await at('b')).status).toBe(401);
    expect((await at('b', as.token())).status).toBe(200);
    expect(eventsOf('anomaly.invalid_tokens')).toMatchObject([{ client: 'a', count: PER_CLIENT }]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('of the application');
      },
    ],
    ['answers nothing', () => undefined],
  ])('CC-09 where clientKey %s, the address counts', async (_what, clientKey) => {
    const from = await open({ unknownTokens: { ...unknownTokens, clientKey } });
    await exhaust(from);
    expect429(await from(unknown()));
    expect(eventsOf('anomaly.invalid_tokens')).toMatchObject([{ client: '127.0.0.1' }]);
  });

  it('CC-09 counts refused tokens and nothing else', async () => {
    const from = await open();
    const good = as.token();
    as.answer('a-token-in-an-outage', (_request, response) => json(response, {}, 500));
    await times(2 * PER_CLIENT, async () => {
      expect((await from(good)).status).toBe(200);
      expect((await from(good, '/scoped')).status).toBe(403);
      expect((await from('two words')).status).toBe(400);
      expect((await from('a-token-in-an-outage')).status).toBe(503);
      expect((await (rs as ResourceServer).get('/any')).status).toBe(401);
    });
    expect(eventsOf('anomaly.invalid_tokens')).toEqual([]);
    await exhaust(from);
    expect429(await from(unknown()));
  });

  it('CC-09 T78 counts JWTs that are refused here, too', async () => {
    const from = await open({ unknownTokens, verification: 'hybrid' });
    const forged = async (): Promise<string> => `${(await as.sign()).slice(0, -8)}AAAAAAAA`;
    const foreign = (): Promise<string> => as.sign({ iss: 'https://other.example.com' });
    expect((await from(await forged())).status).toBe(401);
    expect((await from(await foreign())).status).toBe(401);
    expect((await from(await as.sign({ exp: 5 }))).status).toBe(401);
    expect429(await from(await forged()));
  });

  it('CC-09 @OptionalAuth refuses as well; @Public looks at nothing', async () => {
    const from = await open();
    await times(PER_CLIENT, async () => expect((await from(unknown(), '/opt')).status).toBe(401));
    expect429(await from(unknown(), '/opt'));
    expect((await from(unknown(), '/pub')).status).toBe(200);
  });

  it('CC-09 a 429 of the application’s own guards stays as it is', async () => {
    const from = await open();
    const good = as.token();
    await times(2 * PER_CLIENT, async () => {
      const answer = await from(good, '/throttled');
      expect(answer.status).toBe(429);
      expect(answer.body).toContain('Slow down, says the application');
      expect(answer.header('Retry-After')).toBeUndefined();
    });
    expect(eventsOf('policy.refused')).toEqual([]);
    expect((await from(good)).status).toBe(200);
  });

  it('CC-09 is off unless it is written; a burst is told all the same, at 20 and each time it doubles', async () => {
    const from = await open({});
    await times(45, async () => expect((await from(unknown())).status).toBe(401));
    expect(as.introspections).toBe(45);
    expect(eventsOf('anomaly.invalid_tokens').map((event) => (event as { count: number }).count)).toEqual([20, 40]);
    expect(eventsOf('policy.refused')).toEqual([]);
  });
});
