import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { activeAnswer, introspecting, type Introspecting } from '../support/introspecting.js';
import { closedPort } from '../support/loopback-server.js';
import {
  answer,
  answerJson,
  formatAnswer,
  startRawUpstream,
  type RawUpstream,
  type UpstreamHandler,
} from '../support/raw-upstream.js';
import { until } from '../support/until.js';

let upstream: RawUpstream;
const opened: Introspecting[] = [];
let count = 0;

beforeEach(async () => {
  upstream = await startRawUpstream();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((rs) => rs.close()));
  await upstream.close();
});

/** Without retries a request is a call, so that both can be counted. */
function open(http: Record<string, unknown> = {}, options: Record<string, unknown> = {}): Introspecting {
  const rs = introspecting(upstream, { http: { retries: 0, timeoutMs: 200, ...http }, ...options });
  opened.push(rs);
  return rs;
}
const well: UpstreamHandler = (socket, request) => answerJson(activeAnswer(upstream.origin))(socket, request);
const inactive = answerJson({ active: false });
const ask = (rs: Introspecting) => rs.ask(`token-number-${++count}`);
const times = async (number: number, work: () => Promise<unknown>): Promise<void> => {
  for (let done = 0; done < number; done += 1) await work();
};
const calls = async (work: () => Promise<unknown>): Promise<number> => {
  const before = upstream.requests.length;
  await work();
  return upstream.requests.length - before;
};
/** Until what a request has left behind is written down; it does not wait for that. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const breakerEvents = ({ events }: Introspecting) => events.filter(({ type }) => type.startsWith('breaker.'));
const OPEN = { status: 503, code: 'ERR_INTROSPECTION_UNAVAILABLE' };

async function expectOpen(rs: Introspecting, seconds: number): Promise<void> {
  const before = upstream.connections;
  const outcome = await ask(rs);
  expect(outcome).toMatchObject({ ...OPEN, headers: { 'Retry-After': String(seconds), 'Cache-Control': 'no-store' } });
  expect(outcome.headers).not.toHaveProperty('WWW-Authenticate');
  expect(outcome.elapsedMs).toBeLessThan(150);
  expect(upstream.connections - before).toBe(0);
}

const counted: [string, UpstreamHandler][] = [
  ['a reset', (socket) => socket.resetAndDestroy()],
  ['a close without a byte', (socket) => socket.destroy()],
  ['a timeout', () => undefined],
  ['429', answer(429)],
  ['502', answer(502)],
  ['503', answer(503)],
  ['504', answer(504)],
];
const uncounted: [string, UpstreamHandler][] = [
  ['500', answer(500)],
  ['no JSON', answer(200, 'no json')],
  ['a JSON array', answerJson([])],
  ['active of a wrong type', answerJson({ active: 'true' })],
  ['HTML', answer(200, '<html>')],
];

describe('The breaker opens', () => {
  it.each(counted)('IERR-06 after five times %s, and not before', async (_what, handler) => {
    const rs = open();
    upstream.handle = handler;
    expect(await calls(() => times(5, () => ask(rs)))).toBe(5);
    await settle();
    expect(breakerEvents(rs)).toMatchObject([{ type: 'breaker.opened', issuer: upstream.origin, endpoint: 'introspection' }]);
    expect(await calls(() => expectOpen(rs, 10))).toBe(0);
    rs.clock.advanceSeconds(4);
    expect(await calls(() => expectOpen(rs, 6))).toBe(0);
  });

  it('IERR-06 IERR-01 after five refused connections, and failed look-ups', async () => {
    const there = { origin: upstream.origin };
    for (const origin of [`http://127.0.0.1:${await closedPort()}`, `http://${'x'.repeat(64)}.invalid`]) {
      const rs = introspecting(there, { introspectionEndpoint: `${origin}/introspect`, http: { retries: 0 } });
      opened.push(rs);
      await times(4, () => ask(rs));
      expect(breakerEvents(rs)).toEqual([]);
      await ask(rs);
      expect(breakerEvents(rs)).toMatchObject([{ type: 'breaker.opened' }]);
      await expectOpen(rs, 10);
    }
  });

  it.each(uncounted)('IERR-06 not after %s, however often', async (_what, handler) => {
    const rs = open();
    upstream.handle = handler;
    expect(await calls(() => times(12, () => ask(rs)))).toBe(12);
    expect(breakerEvents(rs)).toEqual([]);
  });

  it.each(uncounted)('IERR-06 all the same when %s comes in between', async (_what, handler) => {
    const rs = open();
    upstream.handle = answer(503);
    await times(4, () => ask(rs));
    upstream.handle = handler;
    await ask(rs);
    upstream.handle = answer(503);
    await ask(rs);
    expect(await calls(() => expectOpen(rs, 10))).toBe(0);
  });

  it.each([
    ['active', well],
    ['inactive', inactive],
  ])('IERR-06 not when an answer (%s) comes in between', async (_what, handler) => {
    const rs = open();
    await times(3, async () => {
      upstream.handle = answer(503);
      await times(4, () => ask(rs));
      upstream.handle = handler;
      await ask(rs);
    });
    expect(breakerEvents(rs)).toEqual([]);
  });

  it('IERR-06 after `failures`, for `openMs`', async () => {
    const rs = open({ breaker: { failures: 2, openMs: 90_000 } });
    upstream.handle = answer(503);
    await times(2, () => ask(rs));
    await expectOpen(rs, 90);
    upstream.handle = well;
    rs.clock.advanceSeconds(89);
    await expectOpen(rs, 1);
    rs.clock.advanceSeconds(1);
    expect(await ask(rs)).toMatchObject({ status: 200 });
  });

  it('IERR-06 with retries a request is one failure at least, two at most', async () => {
    const rs = open({ retries: 1 });
    upstream.handle = answer(503);
    await times(2, () => ask(rs));
    expect(breakerEvents(rs)).toEqual([]);
    await times(3, () => ask(rs));
    await expectOpen(rs, 10);
  });
});

describe('The breaker half open', () => {
  /** Open for ten seconds that are over. */
  async function halfOpen(options: Record<string, unknown> = {}): Promise<Introspecting> {
    const rs = open({ timeoutMs: 5000, ...options });
    upstream.handle = answer(503);
    await times(5, () => ask(rs));
    rs.clock.advanceSeconds(10);
    return rs;
  }

  /** Fifty at once, one of which gets through; it is answered by `end` when the others have their answer. */
  async function fiftyWith(rs: Introspecting, end: (probe: Socket) => unknown): Promise<number[]> {
    const held: Socket[] = [];
    upstream.handle = (socket) => void held.push(socket);
    const before = upstream.requests.length;
    const statuses: number[] = [];
    const all = Array.from({ length: 50 }, () => ask(rs).then(({ status }) => void statuses.push(status)));
    await until('the others', () => statuses.length === 49 && held.length > 0);
    expect(statuses).toEqual(Array.from({ length: 49 }, () => 503));
    expect(upstream.requests.length - before).toBe(1);
    end(held[0] as Socket);
    await Promise.all(all);
    expect(upstream.requests.length - before).toBe(1);
    return statuses;
  }

  it('IERR-06 T79 lets one of fifty out, which closes it', async () => {
    const rs = await halfOpen();
    const body = JSON.stringify(activeAnswer(upstream.origin));
    expect((await fiftyWith(rs, (probe) => probe.write(formatAnswer(200, body)))).at(-1)).toBe(200);
    expect(breakerEvents(rs).map(({ type }) => type)).toEqual(['breaker.opened', 'breaker.closed']);
    upstream.handle = well;
    const all = await Promise.all(Array.from({ length: 20 }, () => ask(rs)));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    // It counts from the beginning.
    upstream.handle = answer(503);
    expect(await calls(() => times(4, () => ask(rs)))).toBe(4);
    expect(breakerEvents(rs)).toHaveLength(2);
  });

  it('IERR-06 lets one of fifty out, which opens it for as long again', async () => {
    const rs = await halfOpen();
    expect((await fiftyWith(rs, (probe) => probe.write(formatAnswer(503)))).at(-1)).toBe(503);
    upstream.handle = well;
    await expectOpen(rs, 10);
    rs.clock.advanceSeconds(9);
    await expectOpen(rs, 1);
    rs.clock.advanceSeconds(1);
    expect(await ask(rs)).toMatchObject({ status: 200 });
    expect(breakerEvents(rs).at(-1)).toMatchObject({ type: 'breaker.closed' });
  });

  it('IERR-06 an answer that says inactive closes it, and is a verdict', async () => {
    const rs = await halfOpen();
    upstream.handle = inactive;
    expect(await ask(rs)).toMatchObject({ status: 401 });
    expect(breakerEvents(rs).at(-1)).toMatchObject({ type: 'breaker.closed' });
  });

  it.each([...counted, ...uncounted])('IERR-06 comes back after a probe that found %s', async (_what, handler) => {
    const rs = await halfOpen({ timeoutMs: 200 });
    upstream.handle = handler;
    expect(await calls(() => ask(rs))).toBe(1);
    await settle();
    expect(breakerEvents(rs).map(({ type }) => type)).not.toContain('breaker.closed');
    upstream.handle = well;
    rs.clock.advanceSeconds(10);
    expect(await ask(rs)).toMatchObject({ status: 200 });
    expect(breakerEvents(rs).at(-1)).toMatchObject({ type: 'breaker.closed' });
  });
});
