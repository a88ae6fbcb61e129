import {
  Body,
  Controller,
  ForbiddenException,
  Get,
  Post,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { AnyScope, Scopes } from 'nestjs-introspection';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { json } from '../support/authorization-server.js';
import { parseChallenges } from '../support/challenges.js';
import {
  bearerChallenge,
  expect200,
  expect201,
  expect400Request,
  expect401None,
  expect401Token,
  expect403Scope,
  expect503,
  expectNoToken,
} from '../support/expectations.js';
import { openConnection, type HeaderLine, type RawRequest } from '../support/raw-http.js';
import { describeRows, row } from '../support/table.js';

const FORM: HeaderLine = ['Content-Type', 'application/x-www-form-urlencoded'];
const JSON_TYPE: HeaderLine = ['Content-Type', 'application/json'];
const bearer = (token: string): HeaderLine => ['Authorization', `Bearer ${token}`];
const form = (path: string, body: string, ...headers: HeaderLine[]): RawRequest => ({
  method: 'POST',
  path,
  headers: [FORM, ...headers],
  body,
});

const brokenSyntax = [
  'Bearer',
  'Bearer ',
  'Bearer a b',
  'Bearer a,b',
  'Bearer ü',
  'Bearer,x',
  'Bearer =',
  'Bearer a=b',
  'Bearer "a"',
];
const injections = [
  'abc&token=VALID&client_id=x',
  'abc%26token=VALID',
  'abc%00',
  'a b+c',
  'abc token=VALID',
  'abc=&token_type_hint=refresh_token',
  'é',
  'abc;x',
  'abc\u0080',
];

describeRows('RFC 6750 bearer tokens', [
  row('BEARER-01 a token in the Authorization header is accepted, and the principal is its data', async ({ as, rs }) => {
    const token = as.token();
    const answer = await rs.get('/r', `Bearer ${token}`);
    const { principal } = expect200(answer);
    expect(answer.introspections).toBe(1);
    const claims = as.claims();
    expect(principal).toMatchObject({
      issuer: as.issuer,
      subject: 'u1',
      clientId: 'c1',
      scopes: ['read'],
      audience: [claims.aud],
    });
    expect(principal).toMatchObject({ expiresAtSeconds: claims.exp, scheme: 'Bearer', verifiedBy: 'introspection' });
    expect(principal?.claims).toEqual({ token_type: 'Bearer', ...claims });
  }),

  ...['aB0-._~+/==', 'a', '-', '0123456789', '/+/=', 'a'.repeat(4000)].map((token) =>
    row(`BEARER-02 T19 the whole alphabet arrives unchanged: ${token.slice(0, 20)}`, async ({ as, rs }) => {
      as.answer(token, { active: true, ...as.claims() });
      expect200(await rs.get('/r', `Bearer ${token}`));
      expect(as.introspectionRequests().map((request) => request.form.getAll('token'))).toEqual([[token]]);
    }),
  ),

  row('BEARER-03 T53 a token in a form body is not looked at by default', async ({ as, rs }) => {
    const answer = await rs.send(form('/w', `access_token=${as.token({ scope: 'write' })}`));
    expect401None(answer, 'write');
    expect(answer.introspections).toBe(0);
  }),

  row('BEARER-03 a form body beside a header is the application’s own', async ({ as, rs }) => {
    const [mine, other] = [as.token({ scope: 'write' }), as.token()];
    const answer = await rs.send(form('/w', `access_token=${other}`, bearer(mine)));
    expect201(answer);
    expect(as.introspectionRequests().map((request) => request.form.get('token'))).toEqual([mine]);
  }),

  row('BEARER-05 T54 a token in the query is not looked at by default, and not logged', async ({ as, rs }) => {
    const token = as.token();
    for (const path of [`/r?access_token=${token}`, `/r?access_token=${token}&access_token=${token}`, `/r?token=${token}`]) {
      const answer = await rs.send({ path });
      expect401None(answer, 'read');
      expect(answer.introspections).toBe(0);
    }
    expect(rs.logs.join('\n')).not.toContain(token);
  }),

  row('BEARER-06 a token in the query beside a valid header is ignored', async ({ as, rs }) => {
    const [mine, other] = [as.token(), as.token()];
    const answer = await rs.get(`/r?access_token=${other}`, `Bearer ${mine}`);
    expect200(answer);
    expect(answer.introspections).toBe(1);
    expect(as.requests.map(({ url, body }) => `${url} ${body}`).join('\n')).not.toContain(other);
  }),

  ...(
    [
      ['/r', 'GET', 'read'],
      ['/w', 'POST', 'write'],
      ['/any', 'GET', undefined],
    ] as const
  ).map(([path, method, scope]) =>
    row(
      `BEARER-09 BEARER-21 no credentials: a challenge without error, with the scopes of the route: ${path}`,
      async ({ rs }) => {
        const answer = await rs.send({ method, path });
        const challenge = expect401None(answer);
        expect(challenge.params.get('realm')).toBe('example');
        expect(challenge.params.get('scope')).toBe(scope);
        expect(answer.introspections).toBe(0);
      },
    ),
  ),

  row('BEARER-11 a 400 and a 403 carry the challenge too', async ({ as, rs }) => {
    expect(bearerChallenge(await rs.get('/r', 'Bearer')).params.get('error')).toBe('invalid_request');
    const short = await rs.get('/r', `Bearer ${as.token({ scope: 'other' })}`);
    expect(short.status).toBe(403);
    expect(bearerChallenge(short).params.get('error')).toBe('insufficient_scope');
  }),

  row('BEARER-12 a token that failed is said to have failed', async ({ rs }) => {
    const answer = await rs.get('/r', 'Bearer unknown-token');
    expect401Token(answer);
    expect(answer.introspections).toBe(1);
  }),

  ...(
    [
      ['inactive', () => ({ active: false })],
      ['another audience', () => ({ aud: 'https://other' })],
      ['expired', (now: number) => ({ exp: now - 120 })],
      ['another issuer', () => ({ iss: 'https://other' })],
    ] as [string, (now: number) => Record<string, unknown>][]
  ).map(([what, overrides]) =>
    row(`BEARER-13 a token that is no good is 401 invalid_token: ${what}`, async ({ as, rs, clock }) => {
      const answer = await rs.get('/r', `Bearer ${as.token(overrides(clock.seconds()))}`);
      expect401Token(answer);
      expect(answer.introspections).toBe(1);
    }),
  ),

  row('BEARER-14 a token without the privilege is 403 with the scope that the route needs', async ({ as, rs }) => {
    const answer = await rs.send({ method: 'POST', path: '/w', headers: [bearer(as.token())] });
    expect403Scope(answer, 'write');
    expect(answer.introspections).toBe(1);
  }),

  ...brokenSyntax.map((value) =>
    row(`BEARER-15 T50 broken syntax is 400 invalid_request: ${JSON.stringify(value)}`, async ({ as, rs }) => {
      for (const path of ['/r', '/any', '/opt']) {
        const answer = await rs.get(path, value);
        expect400Request(answer);
        expect(answer.introspections).toBe(0);
      }
      expect(as.introspections).toBe(0);
    }),
  ),

  ...injections.map((value) =>
    row(`BEARER-15 T19 what is no token is refused before any call: ${JSON.stringify(value)}`, async ({ as, rs }) => {
      as.answer('abc', { active: true, ...as.claims() });
      as.answer('VALID', { active: true, ...as.claims() });
      const answer = await rs.get('/r', `Bearer ${value}`);
      expect400Request(answer);
      expect(answer.introspections).toBe(0);
    }),
  ),

  row('BEARER-15 T19 control characters never reach the application', async ({ as, rs }) => {
    as.answer('abc', { active: true, ...as.claims() });
    for (const control of ['\0', '\r', '\n', '\u0001', '\u007F']) {
      const answer = await rs.get('/r', `Bearer abc${control}`).catch(() => undefined);
      if (answer) expect(answer.status).toBe(400);
    }
    expect(as.introspections).toBe(0);
  }),

  row(
    'BEARER-16 BEARER-17 T63 whatever is sent, the challenge parses and its description keeps to its characters',
    async ({ as, rs }) => {
      const connection = openConnection(rs.port);
      // Octets that Node lets through in a field value.
      const octet = fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f);
      const text = fc.array(octet, { maxLength: 40 }).map((codes) => String.fromCharCode(...codes));
      const value = fc.oneof(
        text,
        text.map((rest) => `Bearer ${rest}`),
        text.map((rest) => `bearer\t${rest}`),
      );
      const property = fc.asyncProperty(value, async (credentials) => {
        const answer = await rs.send({ path: '/r', headers: [['Authorization', credentials]] }, connection);
        expect([400, 401]).toContain(answer.status);
        expect(answer.handled).toBe(0);
        const { params } = bearerChallenge(answer);
        for (const name of ['error', 'error_description']) {
          expect(params.get(name) ?? '').toMatch(/^[\x20\x21\x23-\x5B\x5D-\x7E]*$/);
        }
        expect(params.get('scope') ?? 'read').toMatch(/^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/);
      });
      await fc.assert(property, { seed: 6750, numRuns: 150 });
      connection.close();
      expect(as.requests.every(({ path }) => path === '/introspect')).toBe(true);
    },
  ),

  ...['Read', 'read:all', 'reader', 'READ', 'rea', 'read,write', 'x-read', 'write', ''].map((scope) =>
    row(`BEARER-20 scopes are compared exactly: ${JSON.stringify(scope)} is not read`, async ({ as, rs }) => {
      const answer = await rs.get('/r', `Bearer ${as.token({ scope })}`);
      expect403Scope(answer, 'read');
      expect(answer.introspections).toBe(1);
    }),
  ),

  ...['x read y', 'read x', 'x read', 'read read'].map((scope) =>
    row(`BEARER-20 scopes have no order: ${JSON.stringify(scope)} holds read`, async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token({ scope })}`));
    }),
  ),

  row('BEARER-23 what the authorization server says about the token stays with us', async ({ as, rs }) => {
    const token = as.token();
    as.answer(token, { active: false, reason: 'revoked by admin bob', sub: 'u1-bob' });
    const answer = await rs.get('/r', `Bearer ${token}`);
    expect401Token(answer);
    expect(`${answer.headers.join('\n')}\n${answer.body}`).not.toMatch(/bob|reason|revoked by|inactive|stack|\bat /);
  }),

  row('BEARER-24 a cookie is no credential', async ({ as, rs }) => {
    const answer = await rs.send({ path: '/r', headers: [['Cookie', `access_token=${as.token()}`]] });
    expect401None(answer, 'read');
    expect(answer.introspections).toBe(0);
  }),

  row('BEARER-26 the body of a refusal agrees with its challenge', async ({ as, rs }) => {
    const none = await rs.get('/r');
    expect(none.json()).toEqual({ statusCode: 401, message: 'Unauthorized' });
    for (const [answer, statusCode, error] of [
      [await rs.get('/r', 'Bearer'), 400, 'invalid_request'],
      [await rs.get('/r', 'Bearer unknown-token'), 401, 'invalid_token'],
      [await rs.get('/r', `Bearer ${as.token({ scope: 'x' })}`), 403, 'insufficient_scope'],
    ] as const) {
      expect(answer.json()).toMatchObject({ statusCode, error });
      expect(bearerChallenge(answer).params.get('error')).toBe(error);
    }
  }),

  row('BEARER-27 @Public neither needs nor looks at credentials', async ({ as, rs }) => {
    const token = as.token();
    for (const values of [
      [],
      ['Bearer unknown-token'],
      [`Bearer ${token}`],
      ['Bearer'],
      ['Bearer a b'],
      ['Basic x'],
      ['Bearer a', 'Bearer b'],
    ]) {
      const answer = await rs.get('/pub', ...values);
      expect(expect200(answer).principal).toBeNull();
      expect(answer.introspections).toBe(0);
    }
  }),

  row('BEARER-27 T58 @OptionalAuth is anonymous without a token', async ({ rs }) => {
    for (const values of [[], [''], ['Basic dTpw']]) {
      const answer = await rs.get('/opt', ...values);
      expect(expect200(answer).principal).toBeNull();
      expect(answer.introspections).toBe(0);
    }
  }),

  row(
    'BEARER-27 T58 @OptionalAuth refuses a presented token that is no good, and serves a good one',
    async ({ as, rs, clock }) => {
      for (const token of ['unknown-token', as.token({ aud: 'https://other' }), as.token({ exp: clock.seconds() - 60 })]) {
        const bad = await rs.get('/opt', `Bearer ${token}`);
        expect401Token(bad);
        expect(bad.introspections).toBe(1);
      }
      const good = await rs.get('/opt', `Bearer ${as.token()}`);
      expect(expect200(good).principal).toMatchObject({ subject: 'u1' });
      expect(good.introspections).toBe(1);
    },
  ),

  row('BEARER-27 T58 @OptionalAuth is not anonymous while the authorization server fails', async ({ as, rs }) => {
    const token = as.token();
    as.answer(token, (_request, response) => response.writeHead(500).end());
    expect503(await rs.get('/opt', `Bearer ${token}`));
  }),

  row('BEARER-29 a token over the limit is refused without a call, one at the limit is asked about', async ({ as, rs }) => {
    const atLimit = 'a'.repeat(8192);
    as.answer(atLimit, { active: true, ...as.claims() });
    as.answer(`${atLimit}a`, { active: true, ...as.claims() });
    const over = await rs.get('/r', `Bearer ${atLimit}a`);
    expect401Token(over);
    expect(over.introspections).toBe(0);
    const within = await rs.get('/r', `Bearer ${atLimit}`);
    expect200(within);
    expect(within.introspections).toBe(1);
  }),

  row('BEARER-30 nothing of a connection carries authority', async ({ as, rs }) => {
    const connection = openConnection(rs.port);
    const token = as.token();
    expect200(await rs.send({ path: '/r', headers: [bearer(token)] }, connection));
    expect401None(await rs.send({ path: '/r' }, connection), 'read');
    expect401Token(await rs.send({ path: '/r', headers: [bearer('unknown-token')] }, connection));
    expect200(await rs.send({ path: '/r', headers: [bearer(token)] }, connection));
    expect(as.introspections).toBe(3);
    connection.close();
  }),

  row('BEARER-30 requests at the same time do not lend each other their tokens', async ({ as, rs }) => {
    const subjects = Array.from({ length: 30 }, (_unused, index) => `u${index}`);
    const asked = subjects.flatMap((sub) => [
      rs.get('/r', `Bearer ${as.token({ sub })}`),
      rs.get('/r', `Bearer ${as.token({ sub, scope: 'other' })}`),
      rs.get('/r', `Bearer unknown-${sub}`),
      rs.get('/r'),
      rs.get('/opt'),
    ]);
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status)).toEqual(subjects.flatMap(() => [200, 403, 401, 401, 200]));
    const served = answers
      .filter(({ status }) => status === 200)
      .map((answer) => (answer.json() as { principal: { subject: string } | null }).principal);
    expect(served.map((principal) => principal?.subject)).toEqual(subjects.flatMap((sub) => [sub, undefined]));
    expect(as.introspections).toBe(3 * subjects.length);
  }),

  row('BEARER-30 the token is checked on every request', async ({ as, rs }) => {
    const token = as.token();
    expect200(await rs.get('/r', `Bearer ${token}`));
    as.answer(token, { active: false });
    const revoked = await rs.get('/r', `Bearer ${token}`);
    expect401Token(revoked);
    expect(revoked.introspections).toBe(1);
  }),

  row('BEARER-31 a token that was good a moment ago expires, with the default tolerance of 5 s', async ({ as, rs, clock }) => {
    const token = as.token({ exp: clock.seconds() + 5 });
    clock.advanceSeconds(9);
    expect200(await rs.get('/r', `Bearer ${token}`));
    clock.advanceSeconds(1);
    expect401Token(await rs.get('/r', `Bearer ${token}`));
  }),

  ...['null', '[]', '"x"', '{', '1', '{"access_token":null}', ''].map((body) =>
    row(`BEARER-03 T53 a JSON body ${JSON.stringify(body)} is no token and no 500`, async ({ as, rs }) => {
      const answer = await rs.send({ method: 'POST', path: '/w', headers: [JSON_TYPE], body });
      // A body parser may refuse the body before any guard runs.
      if (answer.status === 401) expect401None(answer, 'write');
      else expect(answer.status).toBe(400);
      expect(answer.handled).toBe(0);
      expect(as.introspections).toBe(0);
    }),
  ),
]);

describeRows(
  'RFC 6750 without a clock tolerance',
  [
    row('BEARER-31 a token expires at its exp', async ({ as, rs, clock }) => {
      const token = as.token({ exp: clock.seconds() + 5 });
      clock.advanceSeconds(4);
      expect200(await rs.get('/r', `Bearer ${token}`));
      clock.advanceSeconds(1);
      expect401Token(await rs.get('/r', `Bearer ${token}`));
    }),
  ],
  { options: () => ({ clockToleranceSeconds: 0 }) },
);

describeRows(
  'RFC 6750 without a realm',
  [
    row('BEARER-10 a challenge always has a parameter: realm="api" unless another is given', async ({ as, rs }) => {
      for (const answer of [await rs.get('/any'), await rs.get('/any', 'Bearer'), await rs.get('/any', 'Bearer unknown-token')]) {
        expect(bearerChallenge(answer).params.get('realm')).toBe('api');
        expect(answer.header('WWW-Authenticate')).not.toMatch(/^Bearer\s*(,|$)/);
      }
      expect(as.introspections).toBe(1);
    }),
  ],
  { omit: ['realm'] },
);

describeRows(
  'RFC 6750 with local verification',
  [
    row(
      'BEARER-13 an expired JWT is 401 invalid_token, a fresh one is served, neither costs a call',
      async ({ as, rs, clock }) => {
        const fresh = await rs.get('/r', `Bearer ${await as.sign()}`);
        expect200(fresh);
        const expired = await rs.get('/r', `Bearer ${await as.sign({ exp: clock.seconds() - 60 })}`);
        expect401Token(expired);
        expect(as.introspections).toBe(0);
      },
    ),
  ],
  { options: () => ({ verification: 'local' }), omit: ['clientAuthentication'] },
);

describeRows(
  'RFC 6750 with a shorter limit',
  [
    row('BEARER-29 extract.maxTokenLength is the limit', async ({ as, rs }) => {
      const atLimit = 'b'.repeat(64);
      as.answer(atLimit, { active: true, ...as.claims() });
      as.answer(`${atLimit}b`, { active: true, ...as.claims() });
      const over = await rs.get('/r', `Bearer ${atLimit}b`);
      expect401Token(over);
      expect(over.introspections).toBe(0);
      expect200(await rs.get('/r', `Bearer ${atLimit}`));
    }),
  ],
  { options: () => ({ extract: { maxTokenLength: 64 } }) },
);

/** A multipart parser that would find the field, as an application's upload middleware does. */
function parseMultipart(app: INestApplication): void {
  const field = (text: string): Record<string, string> => ({
    access_token: /name="access_token"\r\n\r\n(.*)\r\n/.exec(text)?.[1] ?? '',
  });
  const instance = app.getHttpAdapter().getInstance() as {
    addContentTypeParser?(
      type: string,
      options: object,
      parse: (request: unknown, body: string, done: (error: null, body: unknown) => void) => void,
    ): void;
  };
  if (instance.addContentTypeParser) {
    instance.addContentTypeParser('multipart/form-data', { parseAs: 'string' }, (_request, body, done) =>
      done(null, field(body)),
    );
    return;
  }
  app.use(
    (
      request: NodeJS.ReadableStream & { headers: Record<string, string>; body?: unknown },
      _response: unknown,
      next: () => void,
    ) => {
      if (!request.headers['content-type']?.startsWith('multipart/form-data')) {
        next();
        return;
      }
      let text = '';
      request
        .on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
        .on('end', () => {
          request.body = field(text);
          next();
        });
    },
  );
}

const multipart = (token: string): RawRequest => ({
  method: 'POST',
  path: '/w',
  headers: [['Content-Type', 'multipart/form-data; boundary=xyz']],
  body: `--xyz\r\nContent-Disposition: form-data; name="access_token"\r\n\r\n${token}\r\n--xyz--\r\n`,
});

describeRows(
  'RFC 6750 with the form body switched on',
  [
    row('BEARER-04 a form body of a POST carries the token', async ({ as, rs }) => {
      const token = as.token({ scope: 'write' });
      const answer = await rs.send(form('/w', `a=1&access_token=${token}&b=2`));
      expect(expect201(answer).principal).toMatchObject({ subject: 'u1' });
      expect(as.introspectionRequests().map((request) => request.form.getAll('token'))).toEqual([[token]]);
    }),

    row('BEARER-04 parameters and case of the media type do not matter', async ({ as, rs }) => {
      const headers: HeaderLine[] = [['Content-Type', 'Application/X-WWW-Form-URLencoded; charset=UTF-8']];
      expect201(await rs.send({ method: 'POST', path: '/w', headers, body: `access_token=${as.token({ scope: 'write' })}` }));
    }),

    row('BEARER-04 a multipart field, a JSON member and a GET body are not the parameter', async ({ as, rs }) => {
      const token = as.token({ scope: 'read write' });
      for (const request of [
        multipart(token),
        { method: 'POST', path: '/w', headers: [JSON_TYPE], body: JSON.stringify({ access_token: token }) },
        { method: 'GET', path: '/r', headers: [FORM], body: `access_token=${token}` },
        { method: 'POST', path: `/w?access_token=${token}`, headers: [FORM], body: 'a=1' },
      ] satisfies RawRequest[]) {
        const answer = await rs.send(request);
        expect401None(answer, request.method === 'GET' ? 'read' : 'write');
        expect(answer.introspections).toBe(0);
      }
    }),

    row('BEARER-07 T52 a token in the header and one in the body are malformed, equal or not', async ({ as, rs }) => {
      const [mine, other] = [as.token({ scope: 'write' }), as.token({ scope: 'write' })];
      for (const second of [mine, other]) {
        const answer = await rs.send(form('/w', `access_token=${second}`, bearer(mine)));
        expect400Request(answer);
        expect(answer.introspections).toBe(0);
      }
    }),

    row('BEARER-07 an enabled method that is not used does not disturb the header', async ({ as, rs }) => {
      expect201(await rs.send(form('/w', 'a=1', bearer(as.token({ scope: 'write' })))));
    }),

    row('BEARER-08 T52 a repeated parameter is malformed', async ({ as, rs }) => {
      const [mine, other] = [as.token({ scope: 'write' }), as.token({ scope: 'write' })];
      for (const second of [mine, other, '']) {
        const answer = await rs.send(form('/w', `access_token=${mine}&access_token=${second}`));
        expect400Request(answer);
        expect(answer.introspections).toBe(0);
      }
    }),

    row('BEARER-08 T52 a parameter of another name is not the parameter', async ({ as, rs }) => {
      const token = as.token({ scope: 'write' });
      for (const name of ['access_token[]', 'access_token[0]', 'access_token[a]', 'ACCESS_TOKEN', 'token']) {
        const answer = await rs.send(form('/w', `${name}=${token}`));
        expect401None(answer, 'write');
        expect(answer.introspections).toBe(0);
      }
    }),

    row('BEARER-15 T19 a token of the body passes the same checks', async ({ as, rs }) => {
      for (const value of ['a+b', 'a%20b', 'a%26token%3DVALID', '%C3%A9', 'abc%00', 'abc%0D%0A']) {
        const answer = await rs.send(form('/w', `access_token=${value}`));
        expect([400, 401]).toContain(answer.status);
        expect(bearerChallenge(answer).params.get('error')).toMatch(/^invalid_(request|token)$/);
        expect(answer.handled).toBe(0);
        expect(answer.introspections).toBe(0);
      }
      const long = await rs.send(form('/w', `access_token=${'a'.repeat(8193)}`));
      expect401Token(long);
      expect(as.introspections).toBe(0);
    }),

    ...['null', '[]', '"x"', '[null]', '{"access_token":null}', '{"access_token":["a","b"]}', '{"access_token":{"a":"b"}}'].map(
      (body) =>
        row(`BEARER-04 T53 a JSON body ${body} is no token and no 500`, async ({ as, rs }) => {
          const answer = await rs.send({ method: 'POST', path: '/w', headers: [JSON_TYPE], body });
          // A body parser may refuse the body before any guard runs.
          if (answer.status === 401) expect401None(answer, 'write');
          else expect(answer.status).toBe(400);
          expect(answer.handled).toBe(0);
          expect(as.introspections).toBe(0);
        }),
    ),
  ],
  { options: () => ({ extract: { formBody: true } }), configure: parseMultipart },
);

describeRows(
  'RFC 6750 with the query switched on',
  [
    row('BEARER-05 T54 the query carries the token of GET and HEAD', async ({ as, rs }) => {
      const token = as.token();
      expect200(await rs.send({ path: `/r?a=1&access_token=${token}` }));
      const head = await rs.send({ method: 'HEAD', path: `/r?access_token=${token}` });
      expect([head.status, head.handled]).toEqual([200, 1]);
      expect(as.introspectionRequests().map((request) => request.form.getAll('token'))).toEqual([[token], [token]]);
    }),

    row('BEARER-05 T54 the query of another method is not looked at', async ({ as, rs }) => {
      const [mine, other] = [as.token({ scope: 'write' }), as.token({ scope: 'write' })];
      const alone = await rs.send({ method: 'POST', path: `/w?access_token=${mine}` });
      expect401None(alone, 'write');
      expect(alone.introspections).toBe(0);
      expect201(await rs.send({ method: 'POST', path: `/w?access_token=${other}`, headers: [bearer(mine)] }));
      expect(as.introspectionRequests().map((request) => request.form.get('token'))).toEqual([mine]);
    }),

    row('BEARER-07 T52 a token in the header and one in the query are malformed, equal or not', async ({ as, rs }) => {
      const [mine, other] = [as.token(), as.token()];
      for (const second of [mine, other]) {
        const answer = await rs.get(`/r?access_token=${second}`, `Bearer ${mine}`);
        expect400Request(answer);
        expect(answer.introspections).toBe(0);
      }
    }),

    row('BEARER-08 T52 a repeated query parameter is malformed, one of another name is none', async ({ as, rs }) => {
      const token = as.token();
      expect400Request(await rs.send({ path: `/r?access_token=${token}&access_token=${token}` }));
      expect400Request(await rs.send({ path: `/r?access_token=${token}&a=1&access_token=${as.token()}` }));
      for (const name of ['access_token[]', 'access_token[0]', 'Access_Token'])
        expect401None(await rs.send({ path: `/r?${name}=${token}` }), 'read');
      expect(as.introspections).toBe(0);
    }),

    row('BEARER-25 T54 a token of the query is in no log and no answer', async ({ as, rs }) => {
      const good = as.token();
      expect200(await rs.send({ path: `/r?access_token=${good}` }));
      expect401Token(await rs.send({ path: '/r?access_token=unknown-query-token' }));
      expect(rs.logs.join('\n')).not.toContain(good);
      expect(rs.logs.join('\n')).not.toContain('unknown-query-token');
    }),
  ],
  { options: () => ({ extract: { query: true } }) },
);

class OwnerGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    if (request.headers['x-deny'] === 'throw') throw new ForbiddenException('not yours');
    return request.headers['x-deny'] === undefined;
  }
}

@Controller()
class MoreController {
  @Get('owned')
  @Scopes('read')
  @UseGuards(OwnerGuard)
  owned(): string {
    return 'owned';
  }

  @Get('both')
  @Scopes('a', 'b')
  both(): string {
    return 'both';
  }

  @Get('either')
  @AnyScope('a', 'b')
  either(): string {
    return 'either';
  }

  @Get('odd')
  @Scopes('urn:x:read', "A!#$%&'()*+,-./:;<=>?@[]^_`{|}~z")
  odd(): string {
    return 'odd';
  }

  @Post('echo')
  echo(@Body() body: unknown): unknown {
    return { body };
  }
}

describeRows(
  'RFC 6750 on other routes',
  [
    row('BEARER-18 valid scopes are sent verbatim, with single spaces, case kept', async ({ rs }) => {
      expect401None(await rs.get('/odd'), "urn:x:read A!#$%&'()*+,-./:;<=>?@[]^_`{|}~z");
    }),

    row('BEARER-20 T17 @Scopes needs all of them, and the challenge names all', async ({ as, rs }) => {
      for (const scope of ['a', 'b', 'ab', 'a:b', '']) {
        const answer = await rs.get('/both', `Bearer ${as.token({ scope })}`);
        expect403Scope(answer, 'a b');
        expect(answer.introspections).toBe(1);
      }
      expect((await rs.get('/both', `Bearer ${as.token({ scope: 'b x a' })}`)).body).toBe('both');
    }),

    row('BEARER-20 T17 @AnyScope needs one of them, and the challenge names all', async ({ as, rs }) => {
      expect403Scope(await rs.get('/either', `Bearer ${as.token({ scope: 'A c' })}`), 'a b');
      for (const scope of ['a', 'b', 'c b'])
        expect((await rs.get('/either', `Bearer ${as.token({ scope })}`)).body).toBe('either');
      expect401None(await rs.get('/either'), 'a b');
    }),

    row('BEARER-03 T53 the body is the application’s, whatever it holds', async ({ as, rs }) => {
      const large = { access_token: 'in-the-body', filler: 'x'.repeat(50_000) };
      const json = await rs.send({
        method: 'POST',
        path: '/echo',
        headers: [JSON_TYPE, bearer(as.token())],
        body: JSON.stringify(large),
      });
      expect([json.status, json.json()]).toEqual([201, { body: large }]);
      const urlencoded = await rs.send(form('/echo', 'access_token=in-the-body&a=1', bearer(as.token())));
      expect([urlencoded.status, urlencoded.json()]).toEqual([201, { body: { access_token: 'in-the-body', a: '1' } }]);
      const unreadable = await rs.send({
        method: 'POST',
        path: '/echo',
        headers: [['Content-Type', 'application/x-unknown']],
        body: '\u0000\u00ff',
      });
      // One framework refuses an unknown type before any guard runs.
      if (unreadable.status === 401) expect401None(unreadable);
      else expect(unreadable.status).toBe(415);
    }),

    ...['throw', 'false'].map((way) =>
      row(`BEARER-22 the application’s own refusal is no insufficient_scope: ${way}`, async ({ as, rs }) => {
        const headers: HeaderLine[] = [bearer(as.token()), ['X-Deny', way]];
        const answer = await rs.send({ path: '/owned', headers });
        expect([answer.status, answer.handled, answer.introspections]).toEqual([403, 0, 1]);
        expect(answer.all('WWW-Authenticate').join()).not.toContain('insufficient_scope');
        expect(answer.body).not.toContain('insufficient_scope');
      }),
    ),
  ],
  { controllers: [MoreController] },
);

describe('Scopes that no challenge can carry', () => {
  const invalid = ['a"b', 'a b', 'a\\b', '', ' ', 'é', 'a\n', 'a\tb', '\u0000', '\u007F'];

  it.each(invalid)('BEARER-18 @Scopes(%j) and @AnyScope of it are a TypeError when the class is defined', (scope) => {
    for (const decorator of [
      () => Scopes(scope),
      () => Scopes('good', scope),
      () => AnyScope(scope),
      () => AnyScope('good', scope),
    ]) {
      expect(() => {
        class Wrong {
          method(): void {}
        }
        const descriptor = Object.getOwnPropertyDescriptor(Wrong.prototype, 'method') as PropertyDescriptor;
        decorator()(Wrong.prototype, 'method', descriptor);
      }).toThrow(TypeError);
    }
  });

  it('BEARER-18 @Scopes() and @AnyScope() without a scope are a TypeError when the class is defined', () => {
    for (const decorator of [Scopes, AnyScope] as unknown as (() => ClassDecorator)[]) {
      expect(() => {
        class Wrong {}
        decorator()(Wrong);
      }).toThrow(TypeError);
    }
  });
});

describeRows('No token in clear', [
  row('BEARER-25 T54 a canary token of every flow is in no log, header or body', async ({ as, rs }) => {
    const canary = (name: string): string => `SECRETTOKEN-${name}`;
    as.answer(canary('good'), { active: true, ...as.claims() });
    as.answer(canary('short'), { active: true, ...as.claims({ scope: 'x' }) });
    as.answer(canary('broken'), (_request, response, body) => json(response, body, 500));
    as.answer(canary('garbage'), (_request, response, body) => response.end(body));
    as.answer(canary('echo'), (_request, response, body) =>
      json(response, { error: 'invalid_client', error_description: body }, 401),
    );
    const answers = [];
    for (const name of ['good', 'short', 'broken', 'garbage', 'echo', 'unknown'])
      answers.push(await rs.get('/r', `Bearer ${canary(name)}`));
    expect(answers.map(({ status }) => status)).toEqual([200, 403, 503, 503, 503, 401]);
    answers.push(await rs.get('/r', `Bearer ${canary('a')} ${canary('b')}`));
    answers.push(await rs.get('/r', `Bearer ${canary('a')}`, `Bearer ${canary('b')}`));
    answers.push(await rs.get('/r', `${canary('scheme')} x`));
    answers.push(await rs.send({ path: `/r?access_token=${canary('query')}` }));
    for (const answer of answers) {
      expectNoToken(answer);
      expect(`${answer.headers.join('\n')}\n${answer.body}`).not.toContain('SECRETTOKEN');
      expect(() => parseChallenges(answer.all('WWW-Authenticate'))).not.toThrow();
    }
    expect(rs.logs.join('\n')).not.toContain('SECRETTOKEN');
    // Lines there must be, or their silence proves nothing.
    expect(rs.logs.length).toBeGreaterThan(0);
  }),
]);
