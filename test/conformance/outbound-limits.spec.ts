import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AUDIENCE } from '../support/authorization-server.js';
import { activeAnswer, introspecting, type Introspecting, type Outcome } from '../support/introspecting.js';
import { answer, answerJson, formatAnswer, startRawUpstream, type RawUpstream } from '../support/raw-upstream.js';
import { describeRemembering, openCounted } from '../support/remembering.js';
import { until } from '../support/until.js';

let upstream: RawUpstream;
const opened: Introspecting[] = [];
/** Requests that wait for their answer, in the order of their arrival. */
let held: { socket: Socket; token: string }[] = [];

beforeEach(async () => {
  upstream = await startRawUpstream();
  held = [];
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((rs) => rs.close()));
  await upstream.close();
});

function open(http: Record<string, unknown>, options: Record<string, unknown> = {}): Introspecting {
  const rs = introspecting(upstream, { http, ...options });
  opened.push(rs);
  return rs;
}
const hold = (): void => {
  upstream.handle = (socket, { body }) => void held.push({ socket, token: new URLSearchParams(body).get('token') ?? '' });
};
const well = (): void => {
  upstream.handle = answerJson(activeAnswer(upstream.origin));
};
const arrived = (count: number): Promise<void> => until(`${count} requests`, () => upstream.requests.length >= count);
const release = (): void => {
  held.shift()?.socket.write(formatAnswer(200, JSON.stringify(activeAnswer(upstream.origin))));
};
const tokens = (count: number): string[] => Array.from({ length: count }, (_value, index) => `token-number-${index}`);
/** Lets what is under way come as far as it can. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const UNAVAILABLE = {
  status: 503,
  code: 'ERR_INTROSPECTION_UNAVAILABLE',
  headers: { 'Retry-After': expect.stringMatching(/^\d+$/) },
};

describe('maxConcurrent and maxQueued', () => {
  it('INTRO-10 T122 so many calls at a time, so many wait, and one more is 503 at once', async () => {
    const rs = open({ maxConcurrent: 2, maxQueued: 2, timeoutMs: 20_000 });
    hold();
    const waiting = tokens(4).map((token) => rs.ask(token));
    await arrived(2);
    const refused = await rs.ask('one-too-many');
    expect(refused).toMatchObject(UNAVAILABLE);
    expect(refused.headers).not.toHaveProperty('WWW-Authenticate');
    expect(refused.elapsedMs).toBeLessThan(1000);
    await settle();
    expect(upstream.requests).toHaveLength(2);
    for (let count = 3; count <= 4; count += 1) {
      release();
      await arrived(count);
      await settle();
      expect(upstream.requests).toHaveLength(count);
    }
    release();
    release();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    // No call was made for the one that was refused, and it is no verdict on its token.
    well();
    expect(await rs.ask('one-too-many')).toMatchObject({ status: 200 });
    expect(upstream.requests).toHaveLength(5);
  });

  it('INTRO-10 those who wait get their turn in the order they came', async () => {
    const rs = open({ maxConcurrent: 1, maxQueued: 10, timeoutMs: 20_000 });
    hold();
    const asked: Promise<Outcome>[] = [];
    for (const token of tokens(6)) {
      asked.push(rs.ask(token));
      await settle();
    }
    const order: string[] = [];
    for (let count = 1; count <= 6; count += 1) {
      await arrived(count);
      order.push(held[0]?.token ?? '');
      release();
    }
    expect(order).toEqual(tokens(6));
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 200));
  });

  it('INTRO-10 T122 who waits in the queue waits within the deadline, and leaves it', async () => {
    const rs = open({ maxConcurrent: 1, maxQueued: 3, timeoutMs: 1000 });
    hold();
    const all = tokens(4).map((token) => rs.ask(token));
    await arrived(1);
    for (const outcome of await Promise.all(all)) {
      expect(outcome).toMatchObject(UNAVAILABLE);
      // A deadline that began with the turn would end a second later.
      expect(outcome.elapsedMs).toBeGreaterThan(900);
      expect(outcome.elapsedMs).toBeLessThan(1800);
    }
    // Places and slot are free again, and nothing is sent for those who have left.
    await settle();
    const calls = upstream.requests.length;
    well();
    const again = await Promise.all(tokens(4).map((token) => rs.ask(`${token}-again`)));
    expect(again.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(upstream.requests).toHaveLength(calls + 4);
  });

  it('INTRO-10 with maxQueued: 0 nobody waits', async () => {
    const rs = open({ maxConcurrent: 1, maxQueued: 0, timeoutMs: 20_000 });
    hold();
    const first = rs.ask('first-token');
    await arrived(1);
    expect(await rs.ask('second-token')).toMatchObject(UNAVAILABLE);
    release();
    expect(await first).toMatchObject({ status: 200 });
    well();
    expect(await rs.ask('second-token')).toMatchObject({ status: 200 });
  });

  it.each([
    ['200', () => well()],
    ['500', () => (upstream.handle = answer(500))],
    ['401', () => (upstream.handle = answer(401))],
    ['a malformed answer', () => (upstream.handle = answer(200, 'no json'))],
    ['a reset', () => (upstream.handle = (socket) => socket.resetAndDestroy())],
    ['a hang', () => (upstream.handle = () => undefined)],
    ['a body without end', () => (upstream.handle = (socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n{'))],
    ['too long a body', () => (upstream.handle = answer(200, `{"x":"${'x'.repeat(4000)}"}`))],
  ])('INTRO-10 T122 a slot is free again after %s', async (_what, misbehave) => {
    const limits = { maxConcurrent: 1, maxQueued: 0, maxResponseBytes: 2048, timeoutMs: 150, breaker: { failures: 1000 } };
    const rs = open(limits);
    for (const token of tokens(4)) {
      misbehave();
      await rs.ask(token);
    }
    const patient = open({ ...limits, timeoutMs: 5000 });
    well();
    await until('a free slot', async () => (await rs.ask('after-all-that')).status === 200);
    expect(await patient.ask()).toMatchObject({ status: 200 });
  });
});

describe('several issuers and endpoints', () => {
  const fixture = describeRemembering();

  it('IERR-07 INTRO-10 one that hangs takes no slot of another, nor of its own key set', async () => {
    const { as, clock } = fixture;
    const clientAuthentication = { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'rs1-secret-value' };
    const common = { audience: AUDIENCE, discovery: false, verification: 'hybrid', clientAuthentication };
    const options = {
      issuers: [
        { ...common, issuer: upstream.origin, introspectionEndpoint: `${upstream.origin}/introspect`, jwksUri: as.jwksUri },
        { ...common, issuer: as.issuer, introspectionEndpoint: as.introspectionEndpoint, jwksUri: as.jwksUri },
      ],
      issuerFor: (request: { headers: Record<string, string> }) => request.headers['x-issuer'],
      allowInsecureHttp: true,
      clock,
      http: { maxConcurrent: 1, maxQueued: 0, timeoutMs: 20_000 },
    };
    hold();
    const { server, judge } = openCounted(() => as.introspections, options);
    const hanging = judge('a-token-that-hangs', {}, { 'x-issuer': upstream.origin });
    await arrived(1);
    expect(await judge('another-token', {}, { 'x-issuer': upstream.origin })).toMatchObject({ status: 503, asked: 0 });
    expect(await judge(as.token(), {}, { 'x-issuer': as.issuer })).toMatchObject({ status: 200, asked: 1 });
    const jwt = await as.sign({ iss: upstream.origin });
    expect(await judge(jwt, {}, { 'x-issuer': upstream.origin })).toMatchObject({ status: 200, asked: 0 });
    await server.close();
    expect(await hanging).toMatchObject({ status: 503 });
  });

  it.each(['local', 'remote', 'hybrid', 'both'])(
    'T124 IERR-02 %s: a request makes one round of discovery, whatever it needs of it',
    async (verification) => {
      const { as, clock } = fixture;
      for (const path of ['metadata', 'openidConfiguration'] as const)
        as.replace(path, (_request, response) => response.writeHead(500).end());
      const endpoints = { discovery: true, introspectionEndpoint: undefined, jwksUri: undefined };
      const { judge, eventsOf } = fixture.open({ verification, ...endpoints });
      // The round of the start is over, and every pause after it.
      await until('the first round', () => eventsOf('metadata.failed').length > 0);
      clock.advanceSeconds(61);
      as.requests.length = 0;
      expect(await judge(await as.sign())).toMatchObject({ status: 503 });
      expect(as.requests.map(({ path }) => path)).toEqual([
        '/.well-known/oauth-authorization-server',
        '/.well-known/openid-configuration',
      ]);
    },
  );
});
