import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { activeAnswer, introspecting, type Introspecting } from '../../../support/introspecting.js';
import { answer, answerJson, formatAnswer, startRawUpstream, type RawUpstream } from '../../../support/raw-upstream.js';
import { generateSigningKeys } from '../../../support/signing-keys.js';

const TIMEOUT_MS = 400;
/** A busy machine is late; a second deadline would be later. */
const LATEST_MS = TIMEOUT_MS * 1.8;

let upstream: RawUpstream;
let opened: Introspecting[];

beforeEach(async () => {
  upstream = await startRawUpstream();
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((rs) => rs.close()));
  await upstream.close();
});

function start(options: Record<string, unknown> = {}): Introspecting {
  const rs = introspecting(upstream, { http: { timeoutMs: TIMEOUT_MS }, ...options });
  opened.push(rs);
  return rs;
}

/** One JSON document per path, or nothing at all. */
function serve(documents: Record<string, unknown>): void {
  upstream.handle = (socket, request) => {
    const path = request.head.split(' ')[1] ?? '';
    if (path in documents) answerJson(documents[path])(socket, request);
  };
}

const metadata = (): Record<string, unknown> => ({
  issuer: upstream.origin,
  introspection_endpoint: `${upstream.origin}/introspect`,
  jwks_uri: `${upstream.origin}/jwks`,
});

async function expectLate(rs: Introspecting, token?: string): Promise<void> {
  const outcome = await rs.ask(token);
  expect(outcome.status).toBe(503);
  expect(Number(outcome.headers['Retry-After'])).toBeGreaterThanOrEqual(1);
  expect(outcome.elapsedMs).toBeLessThan(LATEST_MS);
}

describe('the deadline', () => {
  it('T122 ends a call that is never answered, and frees its socket', async () => {
    upstream.handle = () => undefined;
    await expectLate(start());
    await upstream.idle();
  });

  it('T122 ends a connection that is accepted and never read', async () => {
    upstream.accept = (socket) => socket.pause();
    await expectLate(start());
  });

  it('ends a head that comes byte by byte', async () => {
    upstream.handle = (socket) => drip(socket, formatAnswer(200, JSON.stringify(activeAnswer(upstream.origin))));
    await expectLate(start());
  });

  it('ends a body that comes byte by byte', async () => {
    const whole = formatAnswer(200, JSON.stringify(activeAnswer(upstream.origin)));
    const headEnd = whole.indexOf('\r\n\r\n') + 4;
    upstream.handle = (socket) => {
      socket.write(whole.subarray(0, headEnd));
      drip(socket, whole.subarray(headEnd));
    };
    await expectLate(start());
  });

  it('covers the retry', async () => {
    upstream.handle = (socket, request) => {
      if (request.index === 0) setTimeout(() => socket.destroy(), TIMEOUT_MS * 0.7);
    };
    await expectLate(start());
    expect(upstream.requests).toHaveLength(2);
  });

  it('covers metadata and call together', async () => {
    const discovering = { discovery: true, introspectionEndpoint: undefined };
    upstream.handle = (socket, request) => {
      if (request.head.includes('/.well-known/')) setTimeout(() => answerJson(metadata())(socket, request), TIMEOUT_MS * 0.7);
    };
    await expectLate(start(discovering));
  });

  it('covers metadata, keys and call together', async () => {
    const keys = await generateSigningKeys();
    const documents: Record<string, unknown> = {
      '/jwks': keys.publicKeySet(),
      '/.well-known/oauth-authorization-server': metadata(),
    };
    upstream.handle = (socket, request) => {
      const document = documents[request.head.split(' ')[1] ?? ''];
      if (document !== undefined) setTimeout(() => answerJson(document)(socket, request), TIMEOUT_MS * 0.45);
    };
    const rs = start({ verification: 'both', discovery: true, introspectionEndpoint: undefined });
    const now = rs.clock.seconds();
    const { active: _active, ...claims } = activeAnswer(upstream.origin);
    await expectLate(rs, await keys.sign({ ...claims, iat: now, exp: now + 300, jti: 'j1' }));
  });

  it('covers a client secret that is asked for and never comes', async () => {
    const never = (): Promise<string> => new Promise(() => undefined);
    const clientAuthentication = { method: 'client_secret_basic', clientId: 'rs1', clientSecret: never };
    await expectLate(start({ clientAuthentication }));
    expect(upstream.requests).toHaveLength(0);
  });

  it("is each request's own: a slow one does not make the next late", async () => {
    const rs = start();
    upstream.handle = (socket, request) => {
      if (request.index > 0) answerJson(activeAnswer(upstream.origin))(socket, request);
    };
    const [slow, quick] = await Promise.all([rs.ask('a-token-that-is-never-answered'), upstreamHasOne().then(() => rs.ask())]);
    expect([slow.status, quick.status]).toEqual([503, 200]);
  });

  it('of requests that share a metadata fetch ends each in its own time', async () => {
    serve({});
    const rs = start({ discovery: true, introspectionEndpoint: undefined });
    const outcomes = await Promise.all([rs.ask(), rs.ask(), rs.ask()]);
    for (const { status, elapsedMs } of outcomes) {
      expect(status).toBe(503);
      expect(elapsedMs).toBeLessThan(LATEST_MS);
    }
  });
});

async function upstreamHasOne(): Promise<void> {
  while (upstream.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
}

function drip(socket: { write(bytes: Buffer): unknown; destroyed: boolean }, bytes: Buffer): void {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || at >= bytes.length) clearInterval(timer);
    else socket.write(bytes.subarray(at, (at += 1)));
  }, 20);
}

describe('Retry-After', () => {
  it.each([
    ['429', 429],
    ['503', 503],
    ['500', 500],
  ])('of %s is obeyed without another call, and said to clients', async (_what, status) => {
    upstream.handle = answer(status, '', ['Retry-After: 7']);
    const rs = start();
    expect((await rs.ask()).headers['Retry-After']).toBe('7');
    upstream.handle = answerJson(activeAnswer(upstream.origin));
    rs.clock.advanceSeconds(6);
    const waiting = await rs.ask();
    expect([waiting.status, waiting.headers['Retry-After'], upstream.requests.length]).toEqual([503, '1', 1]);
    rs.clock.advanceSeconds(1);
    expect((await rs.ask()).status).toBe(200);
  });

  it.each(['61', '86400', '99999999999'])('%s is obeyed for 60 s and no longer', async (seconds) => {
    upstream.handle = answer(503, '', [`Retry-After: ${seconds}`]);
    const rs = start();
    expect((await rs.ask()).headers['Retry-After']).toBe('60');
    upstream.handle = answerJson(activeAnswer(upstream.origin));
    rs.clock.advanceSeconds(59);
    expect((await rs.ask()).status).toBe(503);
    rs.clock.advanceSeconds(1);
    expect((await rs.ask()).status).toBe(200);
  });

  it('may be a date', async () => {
    const rs = start();
    upstream.handle = answer(503, '', [`Retry-After: ${new Date(rs.clock.now() + 30_000).toUTCString()}`]);
    expect((await rs.ask()).headers['Retry-After']).toBe('30');
    rs.clock.advanceSeconds(29);
    expect((await rs.ask()).status).toBe(503);
    expect(upstream.requests).toHaveLength(1);
    rs.clock.advanceSeconds(1);
    upstream.handle = answerJson(activeAnswer(upstream.origin));
    expect((await rs.ask()).status).toBe(200);
  });

  it.each(['0', '-5', 'soon', 'Thu, 01 Jan 1970 00:00:00 GMT', ''])('%j makes nobody wait', async (value) => {
    upstream.handle = answer(503, '', [`Retry-After: ${value}`]);
    const rs = start();
    expect((await rs.ask()).headers['Retry-After']).toBe('1');
    upstream.handle = answerJson(activeAnswer(upstream.origin));
    expect((await rs.ask()).status).toBe(200);
  });
});
