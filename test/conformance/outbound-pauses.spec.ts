import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { activeAnswer, introspecting, type Introspecting } from '../support/introspecting.js';
import { answer, answerJson, formatAnswer, startRawUpstream, type RawUpstream } from '../support/raw-upstream.js';

let upstream: RawUpstream;
const opened: Introspecting[] = [];

beforeEach(async () => {
  upstream = await startRawUpstream();
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
const well = (): void => {
  upstream.handle = answerJson(activeAnswer(upstream.origin));
};

describe('Retry-After', () => {
  it.each([429, 503, 502])('IERR-03 of a %d is obeyed and passed on', async (status) => {
    const rs = open({});
    upstream.handle = answer(status, '', ['Retry-After: 7']);
    expect(await rs.ask()).toMatchObject({ status: 503, headers: { 'Retry-After': '7' } });
    expect(upstream.requests).toHaveLength(1);
    well();
    rs.clock.advanceSeconds(4);
    expect(await rs.ask('another-token')).toMatchObject({ status: 503, headers: { 'Retry-After': '3' } });
    expect(upstream.requests).toHaveLength(1);
    rs.clock.advanceSeconds(3);
    expect(await rs.ask()).toMatchObject({ status: 200 });
    expect(upstream.requests).toHaveLength(2);
  });

  it('IERR-03 is obeyed for 60 s and no longer', async () => {
    const rs = open({});
    for (const value of ['3600', '99999999999999999999', new Date(rs.clock.now() + 86_400_000).toUTCString()]) {
      upstream.handle = answer(503, '', [`Retry-After: ${value}`]);
      expect(await rs.ask(), value).toMatchObject({ status: 503, headers: { 'Retry-After': '60' } });
      const calls = upstream.requests.length;
      well();
      rs.clock.advanceSeconds(59);
      expect(await rs.ask(), value).toMatchObject({ status: 503, headers: { 'Retry-After': '1' } });
      expect(upstream.requests).toHaveLength(calls);
      rs.clock.advanceSeconds(1);
      expect(await rs.ask(), value).toMatchObject({ status: 200 });
    }
  });

  it('IERR-03 as a date counts from the clock', async () => {
    const rs = open({});
    upstream.handle = answer(503, '', [`Retry-After: ${new Date(rs.clock.now() + 20_000).toUTCString()}`]);
    expect(await rs.ask()).toMatchObject({ status: 503, headers: { 'Retry-After': '20' } });
  });

  it.each(['soon', '-5', '1.5', '', '0'])('IERR-03 "%s" makes no pause', async (value) => {
    const rs = open({});
    upstream.handle = answer(503, '', [`Retry-After: ${value}`]);
    expect(await rs.ask()).toMatchObject({ status: 503, headers: { 'Retry-After': '1' } });
    well();
    expect(await rs.ask()).toMatchObject({ status: 200 });
  });
});

describe('userAgent', () => {
  it.each([
    ['the default', undefined, /^nestjs-introspection\b/],
    ['one of your own', 'my-api/1.0 (x; y)', /^my-api\/1\.0 \(x; y\)$/],
  ])('%s is in every call', async (_what, userAgent, expected) => {
    const rs = open({ ...(userAgent !== undefined && { userAgent }) }, { discovery: true, introspectionEndpoint: undefined });
    const metadata = { issuer: upstream.origin, introspection_endpoint: `${upstream.origin}/introspect` };
    upstream.handle = (socket, request) =>
      answerJson(request.head.startsWith('GET') ? metadata : activeAnswer(upstream.origin))(socket, request);
    expect(await rs.ask()).toMatchObject({ status: 200 });
    expect(upstream.requests.length).toBeGreaterThanOrEqual(2);
    for (const { head } of upstream.requests) expect(/^user-agent: *(.*)$/im.exec(head)?.[1]).toMatch(expected);
  });
});

describe('retries', () => {
  it('IERR-02 INTRO-10 the second call has no deadline of its own', async () => {
    const rs = open({ timeoutMs: 600 });
    upstream.handle = (socket, { index }) => void (index === 0 && setTimeout(() => socket.resetAndDestroy(), 400));
    const outcome = await rs.ask();
    expect(outcome).toMatchObject({ status: 503, code: 'ERR_INTROSPECTION_UNAVAILABLE' });
    expect(upstream.requests).toHaveLength(2);
    expect(outcome.elapsedMs).toBeLessThan(950);
  });

  it('IERR-02 the second call keeps its slot: nobody overtakes it', async () => {
    const rs = open({ maxConcurrent: 1, maxQueued: 1, timeoutMs: 20_000 });
    upstream.handle = (socket, { index }) => {
      if (index === 0) socket.write(formatAnswer(503));
      else socket.write(formatAnswer(200, JSON.stringify(activeAnswer(upstream.origin))));
    };
    const both = await Promise.all([rs.ask('first-token'), rs.ask('second-token')]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(upstream.requests.length).toBe(3);
  });
});
