import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { introspecting, activeAnswer, type Introspecting } from '../../../support/introspecting.js';
import { closedPort } from '../../../support/loopback-server.js';
import {
  answer,
  answerJson,
  inTurn,
  startRawUpstream,
  type RawUpstream,
  type UpstreamHandler,
} from '../../../support/raw-upstream.js';

let upstream: RawUpstream;
let rs: Introspecting;

beforeEach(async () => {
  upstream = await startRawUpstream();
  rs = introspecting(upstream);
});

afterEach(async () => {
  await rs.close();
  await upstream.close();
});

const well: UpstreamHandler = (socket, request) => answerJson(activeAnswer(upstream.origin))(socket, request);
const reset: UpstreamHandler = (socket) => socket.resetAndDestroy();
const hangUp: UpstreamHandler = (socket) => socket.destroy();
const silence: UpstreamHandler = () => undefined;
const partly =
  (text: string, end: (socket: Socket) => unknown): UpstreamHandler =>
  (socket) => {
    // Only once the bytes have left may the connection go: they are what forbids the retry.
    socket.write(text, () => setImmediate(() => end(socket)));
  };

describe('what is retried, once and on a fresh connection', () => {
  it.each([
    ['a connection that is reset before the first byte', reset],
    ['a connection that is closed before the first byte', hangUp],
    ['502 without Retry-After', answer(502)],
    ['503 without Retry-After', answer(503)],
    ['504 without Retry-After', answer(504)],
  ])('%s', async (_what, failing) => {
    upstream.handle = inTurn(failing, well);
    expect(await rs.ask()).toMatchObject({ status: 200 });
    expect(upstream.requests).toHaveLength(2);
    expect(upstream.requests[1]?.connection).not.toBe(upstream.requests[0]?.connection);
    expect(upstream.requests[1]?.body).toBe(upstream.requests[0]?.body);
  });

  it('a kept connection that has died in the meantime', async () => {
    upstream.handle = inTurn(well, reset, well);
    expect(await rs.ask()).toMatchObject({ status: 200 });
    // The pool takes a connection back one turn after its answer was read.
    await new Promise((resolve) => setImmediate(resolve));
    expect(await rs.ask()).toMatchObject({ status: 200 });
    expect(upstream.requests.map(({ connection }) => connection)).toEqual([0, 0, 1]);
  });

  it.each([
    ['resets', reset],
    ['closes', hangUp],
    ['answers 503', answer(503)],
  ])('and not a third time, when the server %s again', async (_what, failing) => {
    upstream.handle = failing;
    expect(await rs.ask()).toMatchObject({ status: 503, code: 'ERR_INTROSPECTION_UNAVAILABLE' });
    expect(upstream.requests).toHaveLength(2);
  });

  it('and reports one outcome for both', async () => {
    upstream.handle = inTurn(reset, well);
    await rs.ask();
    expect(rs.events.map(({ type }) => type)).toEqual(['verification.introspected', 'principal.accepted']);
  });

  it('a refused connection, which stays a 503', async () => {
    const gone = introspecting({ origin: `http://127.0.0.1:${await closedPort()}` });
    expect(await gone.ask()).toMatchObject({ status: 503, code: 'ERR_INTROSPECTION_UNAVAILABLE' });
    await gone.close();
  });
});

describe('what is not retried', () => {
  it.each([
    ['500', answer(500), 'ERR_INTROSPECTION_UNAVAILABLE'],
    ['501', answer(501), 'ERR_INTROSPECTION_UNAVAILABLE'],
    ['429', answer(429), 'ERR_INTROSPECTION_UNAVAILABLE'],
    ['429 with Retry-After', answer(429, '', ['Retry-After: 0']), 'ERR_INTROSPECTION_UNAVAILABLE'],
    ['502 with Retry-After', answer(502, '', ['Retry-After: 0']), 'ERR_INTROSPECTION_UNAVAILABLE'],
    ['503 with Retry-After', answer(503, '', ['Retry-After: 0']), 'ERR_INTROSPECTION_UNAVAILABLE'],
    ['503 with a malformed Retry-After', answer(503, '', ['Retry-After: soon']), 'ERR_INTROSPECTION_UNAVAILABLE'],
    ['401', answer(401), 'ERR_CLIENT_REJECTED'],
    ['403', answer(403), 'ERR_CLIENT_REJECTED'],
    ['404', answer(404), 'ERR_INTROSPECTION_RESPONSE'],
    ['a malformed body', answer(200, 'no json'), 'ERR_INTROSPECTION_RESPONSE'],
    ['inactive', answerJson({ active: false }), 'ERR_TOKEN_INVALID'],
  ])('%s', async (_what, handler, code) => {
    upstream.handle = handler;
    expect(await rs.ask()).toMatchObject({ code });
    expect(upstream.requests).toHaveLength(1);
  });

  it.each([
    ['half a status line, then a close', 'HTTP/1.1 20', (socket: Socket) => socket.destroy()],
    ['half a status line, then a reset', 'HTTP/1.1 20', (socket: Socket) => socket.resetAndDestroy()],
    ['half a header, then a close', 'HTTP/1.1 200 OK\r\nContent-Len', (socket: Socket) => socket.destroy()],
    ['half a header, then a reset', 'HTTP/1.1 200 OK\r\nContent-Len', (socket: Socket) => socket.resetAndDestroy()],
    ['half a body, then a close', 'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"act', (socket: Socket) => socket.destroy()],
    [
      'half a body, then a reset',
      'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"act',
      (socket: Socket) => socket.resetAndDestroy(),
    ],
    [
      'half a chunk, then a close',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"',
      (socket: Socket) => socket.destroy(),
    ],
  ])('%s', async (_what, text, end) => {
    upstream.handle = inTurn(partly(text, end), well);
    expect(await rs.ask()).toMatchObject({ status: 503 });
    expect(upstream.requests).toHaveLength(1);
  });

  it('a timeout', async () => {
    const hasty = introspecting(upstream, { http: { timeoutMs: 150 } });
    upstream.handle = inTurn(silence, well);
    expect(await hasty.ask()).toMatchObject({ status: 503 });
    expect(upstream.requests).toHaveLength(1);
    await hasty.close();
  });

  it.each([
    ['a reset', reset],
    ['503', answer(503)],
  ])('%s, with retries: 0', async (_what, failing) => {
    const resigned = introspecting(upstream, { http: { retries: 0 } });
    upstream.handle = inTurn(failing, well);
    expect(await resigned.ask()).toMatchObject({ status: 503 });
    expect(upstream.requests).toHaveLength(1);
    await resigned.close();
  });
});
