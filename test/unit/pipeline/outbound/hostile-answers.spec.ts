import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { activeAnswer, introspecting, type Introspecting } from '../../../support/introspecting.js';
import { startLoopbackServer } from '../../../support/loopback-server.js';
import { answer, formatAnswer, startRawUpstream, type RawUpstream } from '../../../support/raw-upstream.js';

let upstream: RawUpstream;
let rs: Introspecting;

/** What would have ended a process outside a test runner. */
const uncaught: unknown[] = [];
const noteUncaught = (error: unknown): void => {
  uncaught.push(error);
};

beforeAll(async () => {
  process.on('uncaughtExceptionMonitor', noteUncaught);
  upstream = await startRawUpstream();
  // One server answers worse and worse for all of them.
  rs = introspecting(upstream, { http: { breaker: { failures: 1000 } } });
});
beforeEach(() => {
  upstream.requests.length = 0;
});
afterEach(async () => {
  // Streams report their errors a turn later.
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(uncaught.splice(0), 'uncaught exceptions').toEqual([]);
});
afterAll(async () => {
  process.off('uncaughtExceptionMonitor', noteUncaught);
  await rs.close();
  await upstream.close();
});

const MALFORMED = { status: 503, code: 'ERR_INTROSPECTION_RESPONSE' };
const good = (): string => JSON.stringify(activeAnswer(upstream.origin));

describe('the size of an answer', () => {
  it('is limited whatever Content-Length says', async () => {
    const small = introspecting(upstream, { http: { maxResponseBytes: 2048 } });
    const padded = (bytes: number): string => good().replace('{', `{"x":"${'x'.repeat(bytes)}",`);
    upstream.handle = answer(200, padded(1024));
    expect(await small.ask()).toMatchObject({ status: 200 });
    upstream.handle = answer(200, padded(2048));
    expect(await small.ask()).toMatchObject(MALFORMED);
    const chunk = `800\r\n${'x'.repeat(2048)}\r\n`;
    upstream.handle = answer(200, chunk.repeat(3), ['Transfer-Encoding: chunked']);
    expect(await small.ask()).toMatchObject(MALFORMED);
    await small.close();
  });

  it('T8 ends an endless body at the limit, with its connection', async () => {
    upstream.handle = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"active":true,"x":"');
      const piece = Buffer.alloc(65_536, 0x78);
      const pump = (): void => {
        while (!socket.destroyed && socket.write(piece));
      };
      socket.on('drain', pump);
      pump();
    };
    const before = process.memoryUsage().rss;
    expect(await rs.ask()).toMatchObject(MALFORMED);
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024);
    await upstream.idle();
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ])('T8 stops a %s bomb at the limit', async (encoding, compress) => {
    const bomb = compress(Buffer.alloc(64 * 1024 * 1024));
    upstream.handle = answer(200, bomb, [`Content-Encoding: ${encoding}`]);
    const before = process.memoryUsage().rss;
    expect(await rs.ask()).toMatchObject(MALFORMED);
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024);
  });
});

describe('the encoding of an answer', () => {
  it.each([
    ['gzip', gzipSync],
    ['X-GZIP', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
    ['identity', (bytes: Buffer) => bytes],
  ])('%s is read', async (encoding, compress) => {
    upstream.handle = answer(200, compress(Buffer.from(good())), [`Content-Encoding: ${encoding}`]);
    expect(await rs.ask()).toMatchObject({ status: 200 });
  });

  it.each(['zstd', 'compress', 'gzip, gzip', 'toString', '__proto__', 'constructor', 'none'])(
    '%s is refused',
    async (encoding) => {
      upstream.handle = answer(200, good(), [`Content-Encoding: ${encoding}`]);
      expect(await rs.ask()).toMatchObject(MALFORMED);
      expect(upstream.requests).toHaveLength(1);
    },
  );

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ])('%s that is broken, or cut off, is refused', async (encoding, compress) => {
    upstream.handle = answer(200, good(), [`Content-Encoding: ${encoding}`]);
    expect(await rs.ask()).toMatchObject(MALFORMED);
    const whole = compress(good().repeat(5));
    upstream.handle = answer(200, whole.subarray(0, whole.length - 9), [`Content-Encoding: ${encoding}`]);
    expect(await rs.ask()).toMatchObject(MALFORMED);
  });
});

describe('what is no HTTP', () => {
  it.each([
    ['garbage for a status line', 'SSH-2.0-OpenSSH_9.0\r\n\r\n'],
    ['an unknown version', 'HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['a header without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    ['length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a broken chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['huge headers', `HTTP/1.1 200 OK\r\nX-Big: ${'x'.repeat(100_000)}\r\n\r\n`],
    ['a hundred thousand headers', `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(100_000)}\r\n`],
  ])('T4 %s is a 503, not retried', async (_what, bytes) => {
    upstream.handle = (socket) => socket.end(bytes);
    expect(await rs.ask()).toMatchObject({ status: 503 });
    expect(upstream.requests).toHaveLength(1);
  });

  it('an answer before the question is not taken for one', async () => {
    upstream.handle = (socket) => socket.write(Buffer.concat([formatAnswer(200, '{"active":false}'), formatAnswer(200, good())]));
    expect(await rs.ask('first-token-gets-two-answers')).toMatchObject({ code: 'ERR_TOKEN_INVALID' });
    upstream.handle = answer(200, '{"active":false}');
    expect((await rs.ask('second-token-is-not-good')).status).not.toBe(200);
  });
});

describe('T76 redirects', () => {
  it.each([301, 302, 303, 307, 308])('%d is not followed, and the token goes nowhere else', async (status) => {
    const elsewhere = await startLoopbackServer();
    upstream.handle = answer(status, '', [`Location: ${elsewhere.origin}/introspect`]);
    expect(await rs.ask()).toMatchObject(MALFORMED);
    expect(elsewhere.requests).toBe(0);
    expect(upstream.requests).toHaveLength(1);
    await elsewhere.close();
  });
});

describe('hostile JSON', () => {
  const hostile: readonly unknown[] = [
    { toString: 1 },
    { valueOf: null, toString: null },
    [[]],
    'x',
    5,
    true,
    null,
    [],
    '',
    1e308,
    -1,
    { length: 1e9 },
  ];
  const names = [
    'scope',
    'scp',
    'roles',
    'aud',
    'iss',
    'sub',
    'client_id',
    'exp',
    'nbf',
    'iat',
    'jti',
    'sid',
    'act',
    'cnf',
    'token_type',
    'token_use',
    'typ',
    'authorization_details',
    '__proto__',
    'constructor',
    'then',
    'toJSON',
  ];

  it.each(names)('in `%s` ends in 200, 401 or 503, never in a crash', async (name) => {
    for (const value of hostile) {
      const members = JSON.stringify({ ...activeAnswer(upstream.origin), [name]: undefined }).slice(0, -1);
      upstream.handle = answer(200, `${members},${JSON.stringify(name)}:${JSON.stringify(value)}}`);
      expect([200, 401, 503], `${name}: ${JSON.stringify(value)}`).toContain((await rs.ask()).status);
    }
  });

  it('does not reach any prototype', async () => {
    upstream.handle = answer(
      200,
      good().replace('{', '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},'),
    );
    await rs.ask();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('is a 503 where it nests deeper than anybody needs', async () => {
    upstream.handle = answer(200, good().replace('{', `{"x":${'['.repeat(20_000)}${']'.repeat(20_000)},`));
    expect(await rs.ask()).toMatchObject(MALFORMED);
  });
});

describe('what the server said', () => {
  it('T6 is in no answer and no error of ours', async () => {
    const said = 'upstream-private-text';
    const answers = [500, 502, 503, 400, 401, 403, 404, 418, 200].flatMap((status) => [
      answer(status, `${said}"\r\nX-Evil: 1`, [`X-Said: ${said}`, `WWW-Authenticate: Bearer error="${said}"`]),
      answer(status, JSON.stringify({ error: said, error_description: said }), ['Retry-After: 0']),
    ]);
    for (const handler of answers) {
      upstream.handle = handler;
      const { status, headers, body, error } = await rs.ask();
      expect(status).toBe(503);
      expect(headers).not.toHaveProperty('WWW-Authenticate');
      const texts = [JSON.stringify([headers, body, error]), error?.stack, error?.message, error?.detail, String(error?.cause)];
      expect(texts.filter((text) => text?.includes(said))).toEqual([]);
      expect(JSON.stringify(rs.events)).not.toContain(said);
    }
  });
});
