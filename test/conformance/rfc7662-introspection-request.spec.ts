import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { get } from 'node:https';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { expectBootFailure } from '../support/boot-failure.js';
import { expect200, expect401Token, expect503 } from '../support/expectations.js';
import { closedPort, startLoopbackServer, type LoopbackServer } from '../support/loopback-server.js';
import type { HeaderLine } from '../support/raw-http.js';
import { ADAPTERS, startResourceServer } from '../support/resource-server.js';
import { describeRows, row } from '../support/table.js';

describeRows('RFC 7662 request', [
  row('INTRO-01 introspection is a POST of a form', async ({ as, rs }) => {
    expect200(await rs.get('/r', `Bearer ${as.token()}`));
    const [request, ...others] = as.introspectionRequests();
    expect(others).toEqual([]);
    expect(request?.method).toBe('POST');
    expect(request?.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded(;\s*charset=utf-8)?$/i);
    expect(request?.rawHeaders.filter((name) => name.toLowerCase() === 'content-type')).toHaveLength(1);
  }),

  row('INTRO-02 T19 the token is sent once, the very characters, form-encoded', async ({ as, rs }) => {
    as.answer('a+b/c==', { active: true, ...as.claims() });
    expect200(await rs.get('/r', 'Bearer a+b/c=='));
    const [request] = as.introspectionRequests();
    expect(`&${request?.body}&`).toContain('&token=a%2Bb%2Fc%3D%3D&');
    expect(request?.form.getAll('token')).toEqual(['a+b/c==']);
  }),

  row('INTRO-03 the hint is access_token, once', async ({ as, rs }) => {
    expect200(await rs.get('/r', `Bearer ${as.token()}`));
    expect(as.introspectionRequests()[0]?.form.getAll('token_type_hint')).toEqual(['access_token']);
  }),

  row('INTRO-04 the token is never in a URL, and GET is never used', async ({ as, rs }) => {
    const tokens = [as.token(), 'unknown-token', as.token({ scope: 'x' })];
    for (const token of tokens) await rs.get('/r', `Bearer ${token}`);
    expect(as.introspectionRequests().map(({ method, url }) => `${method} ${url}`)).toEqual(Array(3).fill('POST /introspect'));
    for (const { url } of as.requests) for (const token of tokens) expect(url).not.toContain(token);
  }),

  row('INTRO-05 every call carries the credentials of the resource server, by exactly one mechanism', async ({ as, rs }) => {
    for (const token of [as.token(), as.token(), 'unknown-token']) await rs.get('/r', `Bearer ${token}`);
    const requests = as.introspectionRequests();
    expect(requests).toHaveLength(3);
    for (const { rawHeaders, form } of requests) {
      expect(rawHeaders.filter((name) => name.toLowerCase() === 'authorization')).toHaveLength(1);
      expect([...form.keys()].sort()).toEqual(['token', 'token_type_hint']);
    }
  }),

  row('INTRO-09 JSON is asked for', async ({ as, rs }) => {
    expect200(await rs.get('/r', `Bearer ${as.token()}`));
    expect(as.introspectionRequests()[0]?.headers.accept).toBe('application/json');
  }),

  row('INTRO-13 nothing of the client’s request is passed on', async ({ as, rs }) => {
    const token = as.token();
    const headers: HeaderLine[] = [
      ['Authorization', `Bearer ${token}`],
      ['Cookie', 'session=client-cookie'],
      ['DPoP', 'client-proof'],
      ['X-Forwarded-For', '203.0.113.9'],
      ['User-Agent', 'client-agent'],
      ['X-Custom', 'client-custom'],
    ];
    expect200(await rs.send({ path: '/r?client=query', headers }));
    const [request] = as.introspectionRequests();
    const own = `Basic ${Buffer.from('rs1:rs1-secret-value').toString('base64')}`;
    expect(request?.headers.authorization).toBe(own);
    expect(`${request?.url}\n${request?.rawHeaders.join('\n')}`).not.toMatch(/client-|client=|203\.0\.113\.9/);
    expect(request?.rawHeaders.join('\n')).not.toContain(token);
  }),

  row('INTRO-14 a JWT may be introspected, and nothing of it is used', async ({ as, rs, clock }) => {
    const hostile = {
      sub: 'jwt-sub',
      scope: 'read write admin',
      aud: 'https://other',
      iss: 'https://other',
      exp: clock.seconds() - 999,
    };
    for (const jwt of [await as.sign(hostile), `${(await as.sign(hostile)).slice(0, -20)}AAAAAAAAAAAAAAAAAAAA`]) {
      as.answer(jwt, { active: true, token_type: 'Bearer', ...as.claims() });
      const answer = await rs.get('/r', `Bearer ${jwt}`);
      const body = expect200(answer);
      expect(body.principal).toMatchObject({ subject: 'u1', scopes: ['read'], issuer: as.issuer, verifiedBy: 'introspection' });
      expect(JSON.stringify(body)).not.toMatch(/jwt-sub|admin|https:\/\/other/);
      expect([answer.introspections, answer.keySetFetches]).toEqual([1, 0]);
    }
    const inactive = await rs.get('/r', `Bearer ${await as.sign()}`);
    expect401Token(inactive);
    expect(inactive.introspections).toBe(1);
  }),
]);

/** Starts to answer and is still at it when the caller has given up. */
function trickle(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{"active":');
}

const unresponsive: [string, (response: ServerResponse) => void][] = [
  ['never answers', () => undefined],
  [
    'sends headers and never a body',
    (response) => response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders(),
  ],
  ['sends half a body and stops', trickle],
];

describeRows(
  'RFC 7662 request, bounded in time',
  unresponsive.map(([what, respond]) =>
    row(`INTRO-10 T4 an endpoint that ${what} costs the deadline and one call, then 503`, async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      const token = as.token();
      const abandoned = new Promise<void>((resolve) => {
        as.answer(token, (_request, response) => {
          response.on('close', () => resolve());
          respond(response);
        });
      });
      const started = performance.now();
      const answer = await rs.get('/r', `Bearer ${token}`);
      const elapsed = performance.now() - started;
      expect503(answer);
      expect(answer.introspections).toBe(1);
      expect(elapsed).toBeGreaterThan(150);
      expect(elapsed).toBeLessThan(1500);
      await abandoned;
    }),
  ),
  { options: () => ({ http: { timeoutMs: 200 } }) },
);

/** Streams spaces until told to stop or until the peer is gone; resolves to how many bytes were taken. */
async function flood(response: ServerResponse, total: number): Promise<number> {
  response.writeHead(200, { 'content-type': 'application/json' });
  const chunk = ' '.repeat(65_536);
  let sent = 0;
  const gone = once(response, 'close');
  while (sent < total && !response.destroyed) {
    sent += chunk.length;
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), gone]);
  }
  if (!response.destroyed) response.end('{"active":true}');
  return sent;
}

describeRows('RFC 7662 request, bounded in size', [
  row('INTRO-10 T8 an answer of 1 GiB is cut off at the limit: 503', async ({ as, rs }) => {
    const token = as.token();
    const total = 1024 ** 3;
    const sent = new Promise<number>((resolve, reject) => {
      as.answer(token, (_request, response) => void flood(response, total).then(resolve, reject));
    });
    const answer = await rs.get('/r', `Bearer ${token}`);
    expect503(answer);
    expect(answer.introspections).toBe(1);
    // Socket buffers on the way take some megabytes more than the limit of 1 MiB.
    expect(await sent).toBeLessThan(64 * 1024 ** 2);
  }),

  row('INTRO-10 T8 a compressed answer is never unpacked beyond the limit: 503', async ({ as, rs }) => {
    const packed = gzipSync(`{"active":true${' '.repeat(32 * 1024 ** 2)}}`);
    for (const encoding of ['gzip', 'GZIP', 'deflate']) {
      const token = as.token();
      as.answer(token, (_request, response) =>
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding }).end(packed),
      );
      expect503(await rs.get('/r', `Bearer ${token}`));
    }
  }),

  row('INTRO-10 an answer just under the limit is read', async ({ as, rs }) => {
    const token = as.token();
    const filler = randomBytes(384 * 1024).toString('hex');
    as.answer(token, { active: true, ...as.claims({ filler }) });
    expect(expect200(await rs.get('/r', `Bearer ${token}`)).principal?.claims).toMatchObject({ filler });
  }),
]);

describeRows(
  'RFC 7662 request, bounded in size by option',
  [
    row('INTRO-10 T8 http.maxResponseBytes is the limit', async ({ as, rs }) => {
      expect503(await rs.get('/r', `Bearer ${as.token({ filler: 'x'.repeat(2000) })}`));
      expect200(await rs.get('/r', `Bearer ${as.token({ filler: 'x'.repeat(1000) })}`));
    }),
  ],
  { options: () => ({ http: { maxResponseBytes: 2000 } }) },
);

describe('RFC 7662 request, redirected', () => {
  let other: LoopbackServer;
  beforeAll(async () => {
    other = await startLoopbackServer();
  });
  afterAll(() => other.close());

  describeRows(
    'elsewhere',
    [301, 302, 303, 307, 308].map((status) =>
      row(`INTRO-07 a ${status} is an error, nothing goes to the new place, there or here`, async ({ as, rs }) => {
        for (const location of [
          `${other.origin}/introspect`,
          `${as.origin}/elsewhere`,
          '/elsewhere',
          `//127.0.0.1:${other.port}/introspect`,
        ]) {
          as.replace('/elsewhere', (_request, response) => json(response, { active: true, ...as.claims() }));
          const token = as.token();
          as.answer(token, (_request, response) => response.writeHead(status, { location }).end());
          const answer = await rs.get('/r', `Bearer ${token}`);
          expect503(answer);
          expect(answer.introspections).toBe(1);
          expect(as.requests.filter(({ path }) => path === '/elsewhere')).toEqual([]);
          expect(other.requests).toBe(0);
        }
      }),
    ),
  );
});

describe.each(ADAPTERS)('RFC 7662 request over TLS (%s)', (adapter) => {
  it('INTRO-06 T4 an endpoint with an untrusted certificate is not asked: 503', async () => {
    const as = await startAuthorizationServer();
    const untrusted = await startLoopbackServer({ tls: true });
    const options = { discovery: false, introspectionEndpoint: `${untrusted.origin}/introspect` };
    const rs = await startResourceServer({ adapter, authorizationServer: as, options });
    try {
      expect503(await rs.get('/r', 'Bearer some-token-of-ours'));
      expect(untrusted.requests).toBe(0);
      expect(as.requests).toEqual([]);
      // The control: a caller that trusts anyone does get through.
      const [response] = (await once(
        get({ port: untrusted.port, host: '127.0.0.1', rejectUnauthorized: false }),
        'response',
      )) as [IncomingMessage];
      response.resume();
      expect(response.statusCode).toBe(200);
    } finally {
      await Promise.all([rs.close(), untrusted.close(), as.close()]);
    }
  });
});

describe('RFC 7662 request, refused at start-up', () => {
  let as: AuthorizationServer;
  beforeAll(async () => {
    as = await startAuthorizationServer();
  });
  afterAll(() => as.close());

  it('INTRO-05 without credentials, saying which option is missing', async () => {
    expect(await expectBootFailure(as, {}, ['clientAuthentication'])).toContain('clientAuthentication');
    for (const verification of ['hybrid', 'both']) {
      expect(await expectBootFailure(as, { verification }, ['clientAuthentication'])).toContain('clientAuthentication');
    }
  });

  it.each(['issuer', 'introspectionEndpoint', 'jwksUri'])(
    'INTRO-06 http: is refused without allowInsecureHttp, loopback too: %s',
    async (option) => {
      const options = {
        issuer: 'https://as.example.com',
        discovery: false,
        introspectionEndpoint: 'https://as.example.com/introspect',
      };
      const insecure = option === 'issuer' ? as.issuer : `${as.origin}/somewhere`;
      const message = await expectBootFailure(as, { ...options, [option]: insecure }, ['allowInsecureHttp']);
      expect(message).toContain(option);
      expect(message).toContain('allowInsecureHttp');
    },
  );

  it('INTRO-08 with extra parameters that would replace the token', async () => {
    expect(await expectBootFailure(as, { introspectionParameters: { token: 'x' } })).toContain('introspectionParameters');
  });
});

describe.each(ADAPTERS)('RFC 7662 request, nothing at the other end (%s)', (adapter) => {
  it('INTRO-10 T4 a closed port is a 503, and nobody else is asked', async () => {
    const as = await startAuthorizationServer();
    const options = { discovery: false, introspectionEndpoint: `http://127.0.0.1:${await closedPort()}/introspect` };
    const rs = await startResourceServer({ adapter, authorizationServer: as, options });
    try {
      expect503(await rs.get('/r', 'Bearer some-token-of-ours'));
      expect(as.requests).toEqual([]);
    } finally {
      await Promise.all([rs.close(), as.close()]);
    }
  });
});
