import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { activeAnswer, introspecting, type Introspecting } from '../support/introspecting.js';
import { startLoopbackServer } from '../support/loopback-server.js';
import { answer, answerJson, startRawUpstream, type RawUpstream } from '../support/raw-upstream.js';
import { until } from '../support/until.js';

type Fetch = typeof globalThis.fetch;
/** A `fetch` that departs from its type, as JavaScript allows. */
type AnyFetch = (input: string, init: RequestInit) => unknown;

let upstream: RawUpstream;
const opened: Introspecting[] = [];

beforeEach(async () => {
  upstream = await startRawUpstream();
  upstream.handle = answerJson(activeAnswer(upstream.origin));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((rs) => rs.close()));
  await upstream.close();
});

function openWith(fetch: AnyFetch, http: Record<string, unknown> = {}, options: Record<string, unknown> = {}): Introspecting {
  const rs = introspecting(upstream, { http: { timeoutMs: 300, fetch: fetch as unknown as Fetch, ...http }, ...options });
  opened.push(rs);
  return rs;
}
const real: AnyFetch = (input, init) => globalThis.fetch(input, init);
const UNAVAILABLE = { status: 503, code: 'ERR_INTROSPECTION_UNAVAILABLE' };
const good = (): string => JSON.stringify(activeAnswer(upstream.origin));
const jsonResponse = (body: string | ReadableStream | null, init: ResponseInit = {}): Response =>
  new Response(body, { headers: { 'content-type': 'application/json' }, ...init });

describe('http.fetch sends the calls', () => {
  it('INTRO-07 it is given everything, `redirect: "manual"` and a signal', async () => {
    const seen: [string, RequestInit][] = [];
    const rs = openWith((input, init) => {
      seen.push([String(input), init]);
      return real(input, init);
    });
    expect(await rs.ask('a-token-by-fetch')).toMatchObject({ status: 200 });
    const [[url, init] = ['', {} as RequestInit]] = seen;
    expect(seen).toHaveLength(1);
    expect(url).toBe(`${upstream.origin}/introspect`);
    expect(init).toMatchObject({ method: 'POST', redirect: 'manual' });
    expect(init.signal).toBeInstanceOf(AbortSignal);
    const [request] = upstream.requests;
    expect(new URLSearchParams(request?.body).get('token')).toBe('a-token-by-fetch');
    expect(request?.head).toMatch(/^authorization: *basic /im);
    expect(request?.head).toMatch(/^accept: *application\/json/im);
    expect(request?.head).toMatch(/^content-type: *application\/x-www-form-urlencoded/im);
    expect(request?.head).toMatch(/^user-agent: *nestjs-introspection/im);
  });

  it('META-08 it fetches metadata and keys as well, and nothing goes past it', async () => {
    const metadata = { issuer: upstream.origin, introspection_endpoint: `${upstream.origin}/introspect` };
    upstream.handle = (socket, request) =>
      answerJson(request.head.startsWith('GET') ? metadata : activeAnswer(upstream.origin))(socket, request);
    const methods: unknown[] = [];
    const rs = openWith(
      (input, init) => {
        methods.push(init.method ?? 'GET');
        return real(input, init);
      },
      { timeoutMs: 2000 },
      { discovery: true, introspectionEndpoint: undefined },
    );
    expect(await rs.ask()).toMatchObject({ status: 200 });
    expect(methods).toEqual(['GET', 'POST']);
    expect(upstream.requests).toHaveLength(2);
  });

  it('an answer that was gzip and is decoded already is read', async () => {
    upstream.handle = answer(200, gzipSync(good()), ['Content-Encoding: gzip']);
    expect(await openWith(real).ask()).toMatchObject({ status: 200 });
  });
});

describe('All limits stay ours', () => {
  it('INTRO-10 T122 it hangs: the deadline holds, and the signal says so', async () => {
    const signals: AbortSignal[] = [];
    const rs = openWith((_input, init) => {
      signals.push(init.signal as AbortSignal);
      return new Promise(() => undefined);
    });
    const outcome = await rs.ask();
    expect(outcome).toMatchObject(UNAVAILABLE);
    expect(outcome.elapsedMs).toBeLessThan(1300);
    expect(signals).toHaveLength(1);
    await until('the signal', () => signals[0]?.aborted === true);
  });

  it('INTRO-10 its body hangs: the deadline holds, and the body is let go', async () => {
    let isCancelled = false;
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"active":')),
      cancel: () => void (isCancelled = true),
    });
    const outcome = await openWith(() => Promise.resolve(jsonResponse(body))).ask();
    expect(outcome).toMatchObject(UNAVAILABLE);
    expect(outcome.elapsedMs).toBeLessThan(1300);
    await until('the body is cancelled', () => isCancelled);
  });

  it('INTRO-10 T8 its body has no end: it is ended at maxResponseBytes', async () => {
    let pulled = 0;
    let isCancelled = false;
    const body = new ReadableStream({
      pull: (controller) => {
        pulled += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
      cancel: () => void (isCancelled = true),
    });
    const rs = openWith(() => Promise.resolve(jsonResponse(body)), { timeoutMs: 5000 });
    expect(await rs.ask()).toMatchObject({ status: 503, code: 'ERR_INTROSPECTION_RESPONSE' });
    expect(pulled).toBeLessThan(4 * 1_048_576);
    await until('the body is cancelled', () => isCancelled);
  });

  it('INTRO-10 T8 a gzip bomb is ended at maxResponseBytes, too', async () => {
    upstream.handle = answer(200, gzipSync(Buffer.alloc(32 * 1_048_576, 0x20)), ['Content-Encoding: gzip']);
    const rs = openWith(real, { timeoutMs: 5000 });
    expect(await rs.ask()).toMatchObject({ status: 503, code: 'ERR_INTROSPECTION_RESPONSE' });
  });

  it('INTRO-07 T76 it follows redirects anyway: what it brings is refused', async () => {
    const elsewhere = await startLoopbackServer({
      handler: (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(good()),
    });
    for (const status of [301, 302, 303, 307, 308]) {
      upstream.handle = answer(status, '', [`Location: ${elsewhere.origin}/introspect`]);
      const rs = openWith((input, init) => globalThis.fetch(input, { ...init, redirect: 'follow' }), { timeoutMs: 5000 });
      expect(await rs.ask(), String(status)).toMatchObject({ status: 503 });
    }
    expect(elsewhere.requests).toBe(5);
    await elsewhere.close();
  });

  it.each([301, 302, 303, 307, 308])('INTRO-07 %d is not followed where it obeys', async (status) => {
    const elsewhere = await startLoopbackServer();
    upstream.handle = answer(status, '', [`Location: ${elsewhere.origin}/introspect`]);
    expect(await openWith(real).ask()).toMatchObject({ status: 503 });
    expect(elsewhere.requests).toBe(0);
    await elsewhere.close();
  });

  const failures: [string, AnyFetch][] = [
    ['rejects as an unreachable network does', () => Promise.reject(withCause('ECONNREFUSED'))],
    ['rejects as a failed look-up does', () => Promise.reject(withCause('ENOTFOUND'))],
    ['rejects as a broken certificate does', () => Promise.reject(withCause('DEPTH_ZERO_SELF_SIGNED_CERT'))],
    ['rejects with no error', () => Promise.reject('upstream-private-text')],
    ['rejects with nothing', () => Promise.reject()],
    [
      'throws',
      () => {
        throw new Error('upstream-private-text');
      },
    ],
    ['answers nothing', () => Promise.resolve(undefined)],
    ['answers an object', () => Promise.resolve({ status: 200, ok: true })],
    ['answers at once', () => ({ active: true })],
    ['answers a response without a body', () => Promise.resolve(jsonResponse(null))],
    ['answers an error response', () => Promise.resolve(Response.error())],
    ['answers a response that was read', async () => consumed()],
    ['answers a body that breaks off', () => Promise.resolve(jsonResponse(broken()))],
  ];
  const withCause = (code: string): Error => {
    return new TypeError('fetch failed', { cause: Object.assign(new Error('upstream-private-text'), { code }) });
  };
  const consumed = async (): Promise<Response> => {
    const response = jsonResponse(good());
    await response.text();
    return response;
  };
  const broken = (): ReadableStream =>
    new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode(good().slice(0, 9)));
        controller.error(new Error('upstream-private-text'));
      },
    });

  it.each(failures)('IERR-01 it %s: 503, and nothing of it in the answer', async (_what, fetch) => {
    let count = 0;
    const rs = openWith((input, init) => {
      count += 1;
      return fetch(input, init);
    });
    const { status, headers, body, elapsedMs } = await rs.ask();
    expect(status).toBe(503);
    expect(headers).not.toHaveProperty('WWW-Authenticate');
    expect(JSON.stringify([headers, body, rs.events])).not.toContain('upstream-private-text');
    expect(elapsedMs).toBeLessThan(1300);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(2);
  });

  it.each([
    ['a reset before the first byte', '', 2],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-', 1],
    ['half a body', 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"act', 1],
  ])('IERR-02 after %s: as many calls as may be', async (_what, bytes, most) => {
    upstream.handle = (socket) => {
      if (bytes === '') socket.resetAndDestroy();
      else socket.write(bytes, () => setImmediate(() => socket.destroy()));
    };
    expect(await openWith(real, { timeoutMs: 5000 }).ask()).toMatchObject({ status: 503 });
    expect(upstream.requests.length).toBeLessThanOrEqual(most);
  });

  it.each([
    [500, 1],
    [429, 1],
    [503, 2],
  ])('IERR-02 after %d: %d calls', async (status, calls) => {
    upstream.handle = answer(status);
    expect(await openWith(real, { timeoutMs: 5000 }).ask()).toMatchObject(UNAVAILABLE);
    expect(upstream.requests).toHaveLength(calls);
  });

  it('IERR-06 its failures open the breaker', async () => {
    const rs = openWith(() => Promise.reject(withCause('ECONNREFUSED')), { retries: 0 });
    for (let count = 0; count < 5; count += 1) await rs.ask(`token-number-${count}`);
    expect(rs.events.filter(({ type }) => type === 'breaker.opened')).toHaveLength(1);
  });

  it('CAUTH-06 an issuer of the allow-list that asks for mutual TLS is not called without its certificate', async () => {
    let count = 0;
    const options = {
      issuers: (issuer: string) => ({
        issuer,
        verification: 'remote',
        discovery: false,
        introspectionEndpoint: `${issuer}/introspect`,
        clientAuthentication: { method: 'tls_client_auth', clientId: 'rs1', certificate: () => 'x', key: () => 'y' },
      }),
      issuerFor: () => upstream.origin,
    };
    const single = 'issuer verification discovery introspectionEndpoint clientAuthentication'.split(' ');
    const without = Object.fromEntries(single.map((name) => [name, undefined]));
    const rs = openWith(
      (input, init) => {
        count += 1;
        return real(input, init);
      },
      {},
      { ...without, ...options },
    );
    expect((await rs.ask()).status).toBe(503);
    expect(count).toBe(0);
    expect(upstream.requests).toHaveLength(0);
  });
});
