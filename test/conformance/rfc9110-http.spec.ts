import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { expectBootFailure } from '../support/boot-failure.js';
import { parseChallenges } from '../support/challenges.js';
import {
  bearerChallenge,
  expect200,
  expect400Request,
  expect401None,
  expect401Token,
  expect403Scope,
  expect503,
} from '../support/expectations.js';
import { sendRaw, type HeaderLine } from '../support/raw-http.js';
import type { Exchange } from '../support/resource-server.js';
import { describeRows, row, type Fixture } from '../support/table.js';

/** Every way to be refused with a challenge that the fixture routes have. */
async function everyRefusal({ as, rs }: Fixture): Promise<Exchange[]> {
  const token = as.token();
  return [
    await rs.get('/r'),
    await rs.get('/any'),
    await rs.get('/r', 'Basic dTpw'),
    await rs.get('/r', 'Bearer'),
    await rs.get('/r', `Bearer ${token}`, `Bearer ${token}`),
    await rs.get('/r', 'Bearer unknown-token'),
    await rs.get('/opt', 'Bearer unknown-token'),
    await rs.get('/r', `Bearer ${'a'.repeat(8193)}`),
    await rs.get('/r', `Bearer ${as.token({ scope: 'other' })}`),
    await rs.send({ method: 'POST', path: '/w', headers: [['Authorization', `Bearer ${token}`]] }),
  ];
}

const emptyAnswers = [
  'Basic dTpw',
  'Digest username="a", realm="b"',
  'Negotiate abc==',
  'Basic dXNlcjpwYXNz',
  'Negotiate YII=',
  'abc',
];

describeRows('RFC 9110 authentication', [
  ...['bearer', 'BEARER', 'bEaReR'].map((scheme) =>
    row(`HTTP-01 T50 the scheme is matched without regard to case: ${scheme}`, async ({ as, rs }) => {
      const token = as.token();
      const answer = await rs.get('/r', `${scheme} ${token}`);
      expect200(answer);
      expect(answer.introspections).toBe(1);
      expect(as.introspectionRequests()[0]?.form.getAll('token')).toEqual([token]);
    }),
  ),

  row('HTTP-02 every 401 carries a challenge that applies to the resource', async (fixture) => {
    const refused = (await everyRefusal(fixture)).filter(({ status }) => status === 401);
    expect(refused.length).toBe(6);
    for (const answer of refused) expect(bearerChallenge(answer).params.get('realm')).toBe('example');
  }),

  row('HTTP-03 valid credentials that are not enough are 403, not 401', async ({ as, rs }) => {
    const answer = await rs.send({ method: 'POST', path: '/w', headers: [['Authorization', `Bearer ${as.token()}`]] });
    expect403Scope(answer, 'write');
    expect(answer.introspections).toBe(1);
  }),

  ...[2, 3, 40].map((spaces) =>
    row(`HTTP-04 T50 ${spaces} spaces may separate scheme and token`, async ({ as, rs }) => {
      const token = as.token();
      const answer = await rs.get('/r', `Bearer${' '.repeat(spaces)}${token}`);
      expect200(answer);
      expect(answer.introspections).toBe(1);
      expect(as.introspectionRequests()[0]?.form.getAll('token')).toEqual([token]);
    }),
  ),

  ...['\t', ' \t', '\t ', '\t\t'].map((separator) =>
    row(`HTTP-05 T50 a tab does not separate scheme and token: ${JSON.stringify(separator)}`, async ({ as, rs }) => {
      const answer = await rs.get('/r', `Bearer${separator}${as.token()}`);
      expect400Request(answer);
      expect(answer.introspections).toBe(0);
    }),
  ),

  ...['', '   ', '\t'].map((value) =>
    row(`HTTP-06 an empty field value is no credentials: ${JSON.stringify(value)}`, async ({ rs }) => {
      const answer = await rs.get('/r', value);
      expect401None(answer, 'read');
      expect(answer.introspections).toBe(0);
    }),
  ),

  ...emptyAnswers.map((value) =>
    row(
      `HTTP-07 T20 another scheme is no credentials, and nothing of it reaches the authorization server: ${value}`,
      async ({ as, rs }) => {
        const before = as.requests.length;
        const answer = await rs.get('/r', value);
        expect401None(answer, 'read');
        expect(as.requests.slice(before).filter(({ path }) => path === '/introspect')).toEqual([]);
      },
    ),
  ),

  ...['Basic', 'Token', 'DPoP', 'JWT', 'Bearer:', '"Bearer"'].map((scheme) =>
    row(`HTTP-07 T51 a valid token under another scheme is no credentials: ${scheme}`, async ({ as, rs }) => {
      const answer = await rs.get('/r', `${scheme} ${as.token()}`);
      // A field value that does not even begin with a scheme may be called malformed; a well-formed one may not.
      if (/^\w+$/.test(scheme)) expect401None(answer, 'read');
      else expect([400, 401]).toContain(answer.status);
      expect(answer.handled).toBe(0);
      expect(answer.introspections).toBe(0);
    }),
  ),

  ...['Bearerx', 'Bear', 'MyBearer', 'Bearer-x', 'xBearer'].map((scheme) =>
    row(`HTTP-08 the whole scheme is compared: ${scheme}`, async ({ as, rs }) => {
      const answer = await rs.get('/r', `${scheme} ${as.token()}`);
      expect401None(answer, 'read');
      expect(answer.introspections).toBe(0);
    }),
  ),

  row('HTTP-09 T52 two equal Authorization lines are malformed', async ({ as, rs }) => {
    const credentials = `Bearer ${as.token()}`;
    const answer = await rs.get('/r', credentials, credentials);
    expect400Request(answer);
    expect(answer.introspections).toBe(0);
  }),

  row('HTTP-09 T52 two different Authorization lines are malformed, in any order, case and company', async ({ as, rs }) => {
    const [first, second] = [`Bearer ${as.token()}`, `Bearer ${as.token()}`];
    for (const values of [
      [first, second],
      [first, 'Basic dTpw'],
      ['Basic dTpw', first],
      [first, ''],
      ['', first],
      [first, second, first],
    ]) {
      const answer = await rs.get('/r', ...values);
      expect400Request(answer);
      expect(answer.introspections).toBe(0);
    }
    const headers: HeaderLine[] = [
      ['authorization', first],
      ['X-Between', '1'],
      ['AUTHORIZATION', second],
    ];
    expect400Request(await rs.send({ path: '/r', headers }));
    expect400Request(await rs.send({ path: '/opt', headers }));
    expect(as.introspections).toBe(0);
  }),

  ...[', ', ',', ' , '].map((comma) =>
    row(`HTTP-10 a list-joined value is not one credential: ${JSON.stringify(comma)}`, async ({ as, rs }) => {
      const answer = await rs.get('/r', `Bearer ${as.token()}${comma}Bearer ${as.token()}`);
      expect400Request(answer);
      expect(answer.introspections).toBe(0);
    }),
  ),

  row('HTTP-10 a Bearer credential behind another scheme is not looked at', async ({ as, rs }) => {
    const answer = await rs.get('/r', `Basic dTpw, Bearer ${as.token()}`);
    expect([400, 401]).toContain(answer.status);
    expect(answer.handled).toBe(0);
    expect(answer.introspections).toBe(0);
  }),

  row('HTTP-11 BEARER-16 an auth-param appears once in a challenge', async (fixture) => {
    for (const answer of await everyRefusal(fixture)) {
      // The parser throws on a duplicate; that there is something to parse is asserted here.
      expect(parseChallenges(answer.all('WWW-Authenticate'))).toHaveLength(1);
      expect(answer.all('WWW-Authenticate')).toHaveLength(1);
    }
  }),

  row('HTTP-14 no empty list element and no whitespace around = is sent', async (fixture) => {
    for (const answer of await everyRefusal(fixture)) {
      const line = answer.all('WWW-Authenticate').join('\n');
      expect(line).not.toBe('');
      expect(line).not.toMatch(/,\s*,|,\s*$|\s=|=\s/);
    }
  }),

  row('HTTP-16 HEAD gets the fields of GET without content', async ({ as, rs }) => {
    const [get, head] = [await rs.get('/r'), await rs.send({ method: 'HEAD', path: '/r' })];
    expect401None(head, 'read');
    expect(head.body).toBe('');
    expect(head.all('WWW-Authenticate')).toEqual(get.all('WWW-Authenticate'));
    expect(head.header('Cache-Control')).toBe('no-store');
    const good = await rs.send({ method: 'HEAD', path: '/r', headers: [['Authorization', `Bearer ${as.token()}`]] });
    expect([good.status, good.body, good.handled, good.introspections]).toEqual([200, '', 1, 1]);
  }),

  row('HTTP-17 without CORS a preflight is a request like any other', async ({ rs }) => {
    const answer = await rs.send({ method: 'OPTIONS', path: '/r', headers: [['Origin', 'https://app.example'] as const] });
    expect(answer.handled).toBe(0);
    expect(answer.introspections).toBe(0);
    expect(answer.all('Access-Control-Expose-Headers')).toEqual([]);
  }),

  ...['  Bearer %s  ', '\tBearer %s\t', 'Bearer %s \t '].map((value) =>
    row(`HTTP-20 whitespace around the field value is not part of it: ${JSON.stringify(value)}`, async ({ as, rs }) => {
      const token = as.token();
      const answer = await rs.get('/r', value.replace('%s', token));
      expect200(answer);
      expect(answer.introspections).toBe(1);
      expect(as.introspectionRequests()[0]?.form.get('token')).toBe(token);
    }),
  ),

  row('HTTP-21 proxy credentials are not credentials of the origin', async ({ as, rs }) => {
    const answer = await rs.send({ path: '/r', headers: [['Proxy-Authorization', `Bearer ${as.token()}`]] });
    expect401None(answer, 'read');
    expect(answer.introspections).toBe(0);
  }),

  row('HTTP-22 T61 the absolute form and its Host change neither verdict nor challenge', async ({ as, rs }) => {
    const plain = await rs.get('/r');
    const target = 'GET https://rs.example.com/r HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n';
    const refused = await sendRaw(rs.port, `${target}\r\n`);
    expect401None(refused, 'read');
    expect(refused.all('WWW-Authenticate')).toEqual(plain.all('WWW-Authenticate'));
    const accepted = await sendRaw(rs.port, `${target}Authorization: Bearer ${as.token()}\r\n\r\n`);
    expect200(accepted);
    expect(as.introspections).toBe(1);
  }),

  row('HTTP-22 T61 Host and forwarded fields leave no trace in a challenge', async ({ as, rs }) => {
    const plain = await rs.get('/r');
    for (const lines of [
      [['Host', 'evil.test']],
      [['X-Forwarded-Host', 'evil.test"']],
      [
        ['Forwarded', 'host=evil.test;proto=https'],
        ['X-Forwarded-Proto', 'https'],
      ],
      [['X-Original-URL', 'https://evil.test/pub']],
    ] as HeaderLine[][]) {
      const answer = await rs.send({ path: '/r', headers: lines });
      expect401None(answer, 'read');
      expect(answer.all('WWW-Authenticate')).toEqual(plain.all('WWW-Authenticate'));
      expect(`${answer.headers.join('\n')}${answer.body}`).not.toContain('evil.test');
      const accepted = await rs.send({ path: '/r', headers: [...lines, ['Authorization', `Bearer ${as.token()}`]] });
      expect200(accepted);
    }
  }),

  row('HTTP-22 T61 naming Authorization in Connection does not take it away', async ({ as, rs }) => {
    const headers: HeaderLine[] = [
      ['Connection', 'close, Authorization'],
      ['Authorization', `Bearer ${as.token()}`],
    ];
    const answer = await rs.send({ path: '/r', headers });
    expect200(answer);
    expect(answer.introspections).toBe(1);
  }),

  row(
    'HTTP-23 T4 T6 a failing authorization server is not the failure of the client, and its text goes nowhere',
    async ({ as, rs }) => {
      const token = as.token();
      as.answer(token, (_request, response) => response.writeHead(500).end('secret-internal"\r\nX-Evil: 1'));
      const answer = await rs.get('/r', `Bearer ${token}`);
      expect503(answer);
      expect(answer.all('X-Evil')).toEqual([]);
      expect(`${answer.headers.join('\n')}${answer.body}`).not.toMatch(/secret-internal|X-Evil|introspect/i);
    },
  ),

  row('HTTP-13 T6 T63 text of the authorization server neither splits the header nor becomes a 500', async ({ as, rs }) => {
    const token = as.token();
    const text = 'bad "x\\y"\r\nSet-Cookie: a=1 é€';
    for (const error of ['invalid_request', 'invalid_client', 'unsupported_token_type']) {
      as.answer(token, (_request, response) =>
        json(response, { error, error_description: text, error_uri: text, scope: text }, 400),
      );
      const answer = await rs.get('/r', `Bearer ${token}`);
      if (error === 'unsupported_token_type') expect401Token(answer);
      else expect503(answer);
      expect(answer.all('Set-Cookie')).toEqual([]);
      expect(`${answer.headers.join('\n')}${answer.body}`).not.toMatch(/Set-Cookie|bad|é|€/);
    }
    as.answer(token, { active: true, ...as.claims({ scope: text, iss: text }) });
    const answer = await rs.get('/r', `Bearer ${token}`);
    expect401Token(answer);
    expect(`${answer.headers.join('\n')}${answer.body}`).not.toMatch(/Set-Cookie|bad|é|€/);
    as.answer(token, { active: true, ...as.claims({ scope: text }) });
    expect403Scope(await rs.get('/r', `Bearer ${token}`), 'read');
  }),
]);

describeRows(
  'RFC 9110 with a quoted realm',
  [
    row('HTTP-12 T63 quote and backslash in the realm are escaped', async ({ as, rs }) => {
      for (const answer of [
        await rs.get('/r'),
        await rs.get('/r', 'Bearer'),
        await rs.get('/r', `Bearer ${as.token({ scope: '' })}`),
      ]) {
        expect(answer.header('WWW-Authenticate')).toContain(String.raw`realm="a\"b\\c, d=e"`);
        expect(bearerChallenge(answer).params.get('realm')).toBe(String.raw`a"b\c, d=e`);
      }
    }),
  ],
  { options: () => ({ realm: String.raw`a"b\c, d=e` }) },
);

describeRows(
  'RFC 9110 beside CORS',
  [
    row('HTTP-17 a preflight is answered by the CORS layer, unchallenged', async ({ rs }) => {
      const headers: HeaderLine[] = [
        ['Origin', 'https://app.example'],
        ['Access-Control-Request-Method', 'GET'],
        ['Access-Control-Request-Headers', 'authorization'],
      ];
      const answer = await rs.send({ method: 'OPTIONS', path: '/r', headers });
      expect(answer.status).toBeGreaterThanOrEqual(200);
      expect(answer.status).toBeLessThan(300);
      expect(answer.all('WWW-Authenticate')).toEqual([]);
      expect(answer.header('Access-Control-Allow-Origin')).toBe('https://app.example');
      expect(answer.introspections).toBe(0);
    }),

    row('HTTP-18 a cross-origin refusal exposes the challenge, and keeps what the application exposes', async ({ as, rs }) => {
      const origin: HeaderLine = ['Origin', 'https://app.example'];
      const token = as.token();
      as.answer(token, (_request, response) => response.writeHead(500).end());
      const refusals = [
        await rs.send({ path: '/r', headers: [origin] }),
        await rs.send({ path: '/r', headers: [origin, ['Authorization', 'Bearer unknown-token']] }),
        await rs.send({ path: '/r', headers: [origin, ['Authorization', `Bearer ${token}`]] }),
      ];
      expect(refusals.map(({ status }) => status)).toEqual([401, 401, 503]);
      for (const answer of refusals) {
        expect(answer.header('Access-Control-Allow-Origin')).toBe('https://app.example');
        const exposed = answer
          .all('Access-Control-Expose-Headers')
          .join(',')
          .split(',')
          .map((name) => name.trim().toLowerCase());
        expect(exposed).toEqual(expect.arrayContaining(['x-total', 'www-authenticate', 'dpop-nonce', 'retry-after']));
        expect(new Set(exposed).size).toBe(exposed.length);
      }
    }),
  ],
  { configure: (app) => app.enableCors({ origin: 'https://app.example', exposedHeaders: ['X-Total'] }) },
);

/** Requests for the guarded `/r` and `/w` that try to look like the public `/pub`. */
const disguises: [path: string, method: string, headers: HeaderLine[]][] = [
  ['/pub/../r', 'GET', []],
  ['/pub/%2e%2e/r', 'GET', []],
  ['/r%2f', 'GET', []],
  ['/R', 'GET', []],
  ['/r/', 'GET', []],
  ['/r;x', 'GET', []],
  ['//r', 'GET', []],
  ['/./r', 'GET', []],
  ['/r#/pub', 'GET', []],
  ['/%72', 'GET', []],
  ['/r?/pub', 'GET', []],
  ['/r', 'GET', [['X-Original-URL', '/pub']]],
  ['/r', 'GET', [['X-Rewrite-URL', '/pub']]],
  ['/r', 'GET', [['X-Forwarded-Uri', '/pub']]],
  ['/r', 'GET', [['User-Agent', 'kube-probe/1.30']]],
  ['/r', 'GET', [['User-Agent', 'ELB-HealthChecker/2.0']]],
  ['/w', 'POST', [['X-HTTP-Method-Override', 'GET']]],
  ['/w', 'POST', [['X-HTTP-Method-Override', 'OPTIONS']]],
];

describeRows(
  'The guard is bound to the handler',
  disguises.map(([path, method, headers]) =>
    row(`HTTP-02 T56 ${method} ${path} ${headers.join(' ')} is judged like the plain request`, async ({ rs }) => {
      const answer = await rs.send({ method, path, headers });
      // The router of one adapter may not know the spelling; no spelling may reach a handler.
      if (answer.status === 401) expect401None(answer, path === '/w' ? 'write' : 'read');
      else expect([400, 404]).toContain(answer.status);
      expect(answer.handled).toBe(0);
      expect(answer.introspections).toBe(0);
      if (headers.length > 0 || path.includes('?')) expect(answer.status).toBe(401);
    }),
  ),
);

describe('A realm that no field value can carry', () => {
  let as: AuthorizationServer;
  beforeAll(async () => {
    as = await startAuthorizationServer();
  });
  afterAll(() => as.close());

  it.each(['a\r\nX-Evil: 1', 'a\nb', 'a\0b', 'a\u007Fb', 'Übung €'])('HTTP-13 T63 is refused at start-up: %j', async (realm) => {
    expect(await expectBootFailure(as, { realm })).toContain('realm');
  });
});
