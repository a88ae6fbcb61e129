import { Controller, Get } from '@nestjs/common';
import { AccessTokenPrincipal, Principal, Scopes } from 'nestjs-introspection';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { json, startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { expect200, expect401Token, expect403Scope, expect503 } from '../support/expectations.js';
import { closedPort, startLoopbackServer } from '../support/loopback-server.js';
import { ADAPTERS, describePrincipal, startResourceServer, type ResourceServer } from '../support/resource-server.js';
import { describeRows, row, type Fixture, type Row } from '../support/table.js';

type Respond = (response: ServerResponse, active: string) => void;

const write =
  (body: string | ((active: string) => string), contentType: string | undefined = 'application/json', status = 200): Respond =>
  (response, active) =>
    response
      .writeHead(status, contentType === undefined ? {} : { 'content-type': contentType })
      .end(typeof body === 'string' ? body : body(active));

/** Answers for a token whose good answer would be `active`. */
const notAnAnswer: [what: string, respond: Respond][] = [
  ['{}', write('{}')],
  ['[]', write('[]')],
  ['an array that holds the answer', write((active) => `[${active}]`)],
  ['null', write('null')],
  ['"x"', write('"x"')],
  ['true', write('true')],
  ['1', write('1')],
  ['an empty body', write('')],
  ['spaces', write('  ')],
  ['204 without a body', (response) => response.writeHead(204).end()],
  ['201 with a good answer', write((active) => active, 'application/json', 201)],
  ['206 with a good answer', write((active) => active, 'application/json', 206)],
  ['HTML', write('<html><body>{"active":true}</body></html>', 'text/html')],
  ['HTML that says it is JSON', write('<html></html>')],
  ['a good answer as text/html', write((active) => active, 'text/html')],
  ['a good answer as text/plain', write((active) => active, 'text/plain')],
  ['a good answer as application/jsonp', write((active) => active, 'application/jsonp')],
  ['a good answer as text/json; x=application/json', write((active) => active, 'text/html; x=application/json')],
  ['a good answer without a type', (response, active) => response.writeHead(200).end(active)],
  ['a good answer as application/jwt', write((active) => active, 'application/jwt')],
  ['truncated JSON', write((active) => active.slice(0, -1))],
  ['JSON and something after it', write((active) => `${active} x`)],
  ['two answers', write((active) => `${active}${active}`)],
  ['active twice, false then true', write((active) => `{"active":false,${active.slice(1)}`)],
  ['active twice, true then false', write((active) => `${active.slice(0, -1)},"active":false}`)],
  [
    'a JSON that is no UTF-8',
    (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.from('7b22ff', 'hex')),
  ],
  ['active in another case', write('{"ACTIVE":true}')],
  ['active one level down', write((active) => `{"data":${active}}`)],
];

const wellFormed: [what: string, respond: Respond][] = [
  ['charset in upper case', write((active) => active, 'application/json; charset=UTF-8')],
  ['charset in lower case', write((active) => active, 'application/json;charset=utf-8')],
  ['the type in another case', write((active) => active, 'Application/JSON')],
  [
    'spaces and line ends between the members',
    write((active) => `\r\n ${active.replaceAll('":', '" :\n ').replaceAll(',"', ' ,\t"')}\n`),
  ],
  [
    'chunks without a length',
    (response, active) => {
      response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
      for (const character of active) response.write(character);
      response.end();
    },
  ],
  [
    'cache fields that make no sense',
    (response, active) =>
      void response
        .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=, =public', pragma: 'x' })
        .end(active),
  ],
];

function answerWith({ as }: Fixture, respond: Respond, overrides?: Record<string, unknown>): string {
  const token = as.token();
  const active = JSON.stringify({ active: true, token_type: 'Bearer', ...as.claims(overrides) });
  as.answer(token, (_request, response) => respond(response, active));
  return token;
}

/** One row per answer; what the answer says is merged over T's. */
function answers(
  title: string,
  table: readonly [string, Record<string, unknown>][],
  judge: (answer: Awaited<ReturnType<ResourceServer['get']>>) => void,
): Row[] {
  return table.map(([what, overrides]) =>
    row(`${title}: ${what}`, async ({ as, rs }) => {
      const token = as.token();
      as.answer(token, { active: true, token_type: 'Bearer', ...as.claims(), ...overrides });
      const answer = await rs.get('/r', `Bearer ${token}`);
      judge(answer);
      expect(answer.introspections).toBe(1);
    }),
  );
}

const named = (name: string, ...values: unknown[]): [string, Record<string, unknown>][] =>
  values.map((value) => [`${name}: ${value === undefined ? 'absent' : JSON.stringify(value)}`, { [name]: value }]);

describeRows('RFC 7662 response, its form', [
  ...notAnAnswer.map(([what, respond]) =>
    row(`IRESP-01 T7 is not an answer: ${what}`, async (fixture) => {
      const answer = await fixture.rs.get('/r', `Bearer ${answerWith(fixture, respond)}`);
      expect503(answer);
      expect(answer.introspections).toBe(1);
    }),
  ),

  ...wellFormed.map(([what, respond]) =>
    row(`IRESP-01 is an answer: ${what}`, async (fixture) => {
      const answer = await fixture.rs.get('/r', `Bearer ${answerWith(fixture, respond)}`);
      expect(expect200(answer).principal).toMatchObject({ subject: 'u1', scopes: ['read'] });
      expect(answer.introspections).toBe(1);
    }),
  ),

  ...answers(
    'IRESP-02 T2 active counts only as JSON true',
    named('active', 'true', 'false', 'yes', '', 1, 0, [], {}, null, [true], { active: true }, undefined),
    expect503,
  ),

  ...answers(
    'IRESP-03 T1 active: false ends it, whatever else is there',
    [
      ['alone', { active: false }],
      ['with rights', { active: false, scope: 'read write admin', sub: 'u1' }],
      ['with wrong types', { active: false, exp: 'soon', sub: 7, token_type: [] }],
    ],
    expect401Token,
  ),

  row('IRESP-03 T1 the handler is not called, no field of the answer is passed on', async ({ as, rs }) => {
    const token = as.token();
    as.answer(token, { active: false, scope: 'read', sub: 'u1-hidden', username: 'bob' });
    const before = rs.handled;
    const answer = await rs.get('/r', `Bearer ${token}`);
    expect401Token(answer);
    expect(rs.handled).toBe(before);
    expect(`${answer.headers.join('\n')}${answer.body}`).not.toMatch(/u1-hidden|bob|x-user/i);
  }),

  ...answers(
    'IRESP-06 times must be JSON numbers',
    [...named('exp', '1999999999', true, [1999999999], {}), ...named('nbf', '1', false, []), ...named('iat', '1', {})],
    expect503,
  ),

  ...answers(
    'IRESP-06 a wrong type is no answer',
    [...named('sub', 7, {}, true), ...named('client_id', 7, []), ...named('token_type', 1, ['Bearer'], {})],
    expect503,
  ),

  ...answers(
    'IRESP-06 null is absent',
    [
      ...named('exp', null),
      ...named('nbf', null),
      ...named('iat', null),
      ...named('sub', null),
      ...named('client_id', null),
      ...named('token_type', null),
      ...named('iss', null),
      ...named('username', null),
    ],
    expect200,
  ),

  ...answers(
    'IRESP-06 absent members are fine',
    [
      ...named('exp', undefined),
      ...named('sub', undefined),
      ...named('client_id', undefined),
      ...named('token_type', undefined),
      ...named('iss', undefined),
    ],
    expect200,
  ),
]);

/** Relative to the clock of both servers. */
function times(
  title: string,
  table: readonly [string, (now: number) => Record<string, unknown>][],
  judge: (answer: Awaited<ReturnType<ResourceServer['get']>>) => void,
): Row[] {
  return table.map(([what, overrides]) =>
    row(`${title}: ${what}`, async ({ as, rs, clock }) => {
      judge(await rs.get('/r', `Bearer ${as.token(overrides(clock.seconds()))}`));
    }),
  );
}

describeRows('RFC 7662 response, its times', [
  ...times(
    'IRESP-04 T9 exp is checked here too',
    [
      ['two minutes ago', (now) => ({ exp: now - 120 })],
      ['just outside the tolerance', (now) => ({ exp: now - 5 })],
      ['zero', () => ({ exp: 0 })],
      ['negative', () => ({ exp: -1 })],
    ],
    expect401Token,
  ),
  ...times('IRESP-04 exp within the tolerance', [['4 s ago', (now) => ({ exp: now - 4 })]], expect200),
  ...times(
    'IRESP-05 T9 nbf is checked here too',
    [
      ['in ten minutes', (now) => ({ nbf: now + 600 })],
      ['in an hour', (now) => ({ nbf: now + 3600 })],
      ['just outside the tolerance', (now) => ({ nbf: now + 6 })],
    ],
    expect401Token,
  ),
  ...times(
    'IRESP-05 nbf within the tolerance',
    [
      ['in 5 s', (now) => ({ nbf: now + 5 })],
      ['now', (now) => ({ nbf: now })],
    ],
    expect200,
  ),
  ...times(
    'IRESP-05 T9 iat far ahead is refused',
    [
      ['61 s', (now) => ({ iat: now + 61 })],
      ['a year', (now) => ({ iat: now + 31_536_000 })],
    ],
    expect401Token,
  ),
  ...times(
    'IRESP-05 iat a little ahead is not',
    [
      ['60 s', (now) => ({ iat: now + 60 })],
      ['a year ago', (now) => ({ iat: now - 31_536_000 })],
    ],
    expect200,
  ),
  row('IRESP-04 T9 an exp that no number holds never makes a token that never expires', async ({ as, rs }) => {
    const token = as.token();
    as.answer(token, (_request, response) =>
      json(response, JSON.stringify({ active: true, ...as.claims({ exp: 0 }) }).replace('"exp":0', '"exp":1e400')),
    );
    const answer = await rs.get('/r', `Bearer ${token}`);
    expect([401, 503]).toContain(answer.status);
    expect(answer.handled).toBe(0);
  }),
]);

describeRows(
  'RFC 7662 response, with the widest tolerance',
  [
    ...times('IRESP-05 T9 the tolerance does not apply to iat', [['61 s', (now) => ({ iat: now + 61 })]], expect401Token),
    ...times('IRESP-04 the tolerance applies to exp', [['299 s ago', (now) => ({ exp: now - 299 })]], expect200),
    ...times('IRESP-04 the tolerance ends', [['300 s ago', (now) => ({ exp: now - 300 })]], expect401Token),
  ],
  { options: () => ({ clockToleranceSeconds: 300 }) },
);

const RS = 'https://rs.example.com';
const foreignAudiences = named(
  'aud',
  'https://other',
  'https://RS.example.com',
  `${RS}/`,
  `${RS}-suffix`,
  `x${RS}`,
  'rs.example.com',
  `${RS} https://other`,
  ['https://other'],
  ['https://other', 'https://another'],
  [`${RS}/`],
  '',
  [''],
  [[RS]],
);
const malformedAudiences = named('aud', 5, true, {}, { [RS]: true }, [5], [{}], [null]);
const missingAudiences = named('aud', undefined, null, []);
const ownAudiences = named('aud', RS, [RS], ['https://other', RS]);

describeRows('RFC 7662 response, its audience', [
  ...answers('IRESP-07 T13 an audience that is not ours is refused', foreignAudiences, expect401Token),
  ...answers('IRESP-07 T13 an audience of a wrong type is refused', malformedAudiences, expect401Token),
  ...answers('IRESP-08 T13 a missing audience is refused', missingAudiences, expect401Token),
  ...answers('IRESP-07 T13 our audience is accepted', ownAudiences, expect200),
]);

describeRows(
  'RFC 7662 response, its audience being optional',
  [
    ...answers('IRESP-08 allowMissingAudience accepts a missing one', missingAudiences, (answer) =>
      expect(expect200(answer).principal).toMatchObject({ audience: [] }),
    ),
    ...answers(
      'IRESP-08 T13 allowMissingAudience still refuses another one',
      [...foreignAudiences, ...malformedAudiences],
      expect401Token,
    ),
    ...answers('IRESP-08 allowMissingAudience still accepts ours', ownAudiences, expect200),
    row('IRESP-08 T21 {"active":true} alone has no scopes', async ({ as, rs }) => {
      const token = as.token();
      as.answer(token, { active: true });
      expect403Scope(await rs.get('/r', `Bearer ${token}`), 'read');
      const body = expect200(await rs.get('/any', `Bearer ${token}`));
      expect(body.principal).toMatchObject({ issuer: as.issuer, scopes: [], roles: [], audience: [] });
      for (const member of ['subject', 'clientId', 'subjectType', 'expiresAtSeconds'])
        expect(body.principal).not.toHaveProperty(member);
    }),
  ],
  { options: () => ({ allowMissingAudience: true }) },
);

describeRows(
  'RFC 7662 response, several audiences',
  [
    ...answers('IRESP-07 one of several identifiers is enough', named('aud', 'https://two', ['x', 'one']), expect200),
    ...answers(
      'IRESP-07 T13 none of several identifiers',
      named('aud', RS, 'on', 'one,https://two', 'one https://two'),
      expect401Token,
    ),
  ],
  { options: () => ({ audience: ['one', 'https://two'] }) },
);

describeRows(
  'RFC 7662 response, no audience by a written opt-out',
  [
    ...answers(
      'IRESP-07 audience: null accepts any audience',
      [...named('aud', 'https://other'), ...missingAudiences],
      expect200,
    ),
  ],
  { options: () => ({ audience: null }) },
);

describeRows('RFC 7662 response, its issuer', [
  ...['', '/', '/x', '.evil.test', ' ']
    .map((suffix) => (suffix === '' ? ['is accepted: the very string', suffix] : ['is refused: suffix', suffix]))
    .map(([what, suffix]) =>
      row(`IRESP-09 T14 ${what} ${JSON.stringify(suffix)}`, async ({ as, rs }) => {
        const answer = await rs.get('/r', `Bearer ${as.token({ iss: `${as.issuer}${suffix}` })}`);
        if (suffix === '') expect200(answer);
        else expect401Token(answer);
      }),
    ),
  row('IRESP-09 T14 is refused: a part, another case, an array, another type', async ({ as, rs }) => {
    const { issuer } = as;
    for (const iss of [
      issuer.slice(0, -1),
      issuer.slice(1),
      issuer.toUpperCase(),
      'https://other',
      '',
      [issuer],
      [],
      {},
      5,
      true,
    ]) {
      expect401Token(await rs.get('/r', `Bearer ${as.token({ iss })}`));
    }
  }),
]);

/** The scopes of the principal on a route that needs none. */
const scopesOf = (title: string, table: [string, Record<string, unknown>, string[]][]): Row[] =>
  table.map(([what, overrides, scopes]) =>
    row(`${title}: ${what}`, async ({ as, rs }) => {
      const token = `Bearer ${as.token(overrides)}`;
      expect(expect200(await rs.get('/any', token)).principal).toMatchObject({ scopes });
      if (!scopes.includes('read')) expect403Scope(await rs.get('/r', token), 'read');
    }),
  );

describeRows('RFC 7662 response, its scopes and its subject', [
  ...scopesOf('IRESP-10 scope is one string, split at spaces', [
    ['two spaces', { scope: 'read  write' }, ['read', 'write']],
    ['spaces around', { scope: ' read ' }, ['read']],
    ['a comma is no separator', { scope: 'read,write' }, ['read,write']],
  ]),
  ...scopesOf('IRESP-11 T15 T21 without a scope there are no scopes', [
    ['absent', { scope: undefined }, []],
    ['empty', { scope: '' }, []],
    ['null', { scope: null }, []],
    ['a space', { scope: ' ' }, []],
    ['absent, and no client_id', { scope: undefined, client_id: undefined }, []],
  ]),
  ...scopesOf('IRESP-10 a scope of another type holds no scopes', [
    ['an array', { scope: ['read'] }, []],
    ['an array of one string', { scope: ['read write'] }, []],
    ['a number', { scope: 5 }, []],
    ['an object', { scope: { read: true } }, []],
    ['true', { scope: true }, []],
  ]),

  row('IRESP-11 T21 {"active":true} alone is refused where an audience is configured', async ({ as, rs }) => {
    const token = as.token();
    as.answer(token, { active: true });
    expect401Token(await rs.get('/r', `Bearer ${token}`));
    expect401Token(await rs.get('/any', `Bearer ${token}`));
  }),

  row('IRESP-12 members that we do not know reach the handler unchanged', async ({ as, rs }) => {
    const extensions = {
      extension_field: 'twenty-seven',
      nested: { list: [1, 'two', null, { three: 3 }] },
      'https://example.com/claim': false,
    };
    const { principal } = expect200(await rs.get('/r', `Bearer ${as.token(extensions)}`));
    expect(principal?.claims).toMatchObject(extensions);
    expect(principal?.claims).not.toHaveProperty('active');
  }),

  row('IRESP-13 hostile member names are data only', async ({ as, rs }) => {
    const token = as.token();
    const hostile = '"__proto__":{"scope":"admin","isAdmin":true},"constructor":1,"toString":"x","hasOwnProperty":1,"then":"y"';
    const { scope: _left, ...claims } = as.claims();
    as.answer(token, (_request, response) => json(response, `{"active":true,${hostile},${JSON.stringify(claims).slice(1)}`));
    expect403Scope(await rs.get('/r', `Bearer ${token}`), 'read');
    expect(expect200(await rs.get('/any', `Bearer ${token}`)).principal).toMatchObject({ scopes: [], subject: 'u1' });
    expect(({} as { scope?: unknown }).scope).toBeUndefined();
    expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined();
  }),

  row('IRESP-13 T21 an answer that brings active only through __proto__ is no answer', async ({ as, rs }) => {
    const token = as.token();
    as.answer(token, (_request, response) =>
      json(response, `{"__proto__":{"active":true,${JSON.stringify(as.claims()).slice(1)}}`),
    );
    expect503(await rs.get('/r', `Bearer ${token}`));
  }),

  row('IRESP-14 the identity is iss and sub, never the username', async ({ as, rs }) => {
    const seen = [];
    for (const sub of ['u1', 'u2'])
      seen.push(expect200(await rs.get('/r', `Bearer ${as.token({ sub, username: 'bob' })}`)).principal);
    expect(seen.map((principal) => [principal?.issuer, principal?.subject])).toEqual([
      [as.issuer, 'u1'],
      [as.issuer, 'u2'],
    ]);
  }),

  row('IRESP-15 T15 a missing sub becomes neither client id, username nor a subject at all', async ({ as, rs }) => {
    for (const sub of [undefined, null]) {
      const { principal } = expect200(await rs.get('/r', `Bearer ${as.token({ sub, client_id: 'u1', username: 'bob' })}`));
      expect(principal).toMatchObject({ clientId: 'u1', issuer: as.issuer });
      expect(principal).not.toHaveProperty('subject');
      expect(principal).not.toHaveProperty('subjectType');
    }
  }),

  row('IRESP-15 T15 an empty sub is never an identity', async ({ as, rs }) => {
    const answer = await rs.get('/r', `Bearer ${as.token({ sub: '' })}`);
    if (answer.status === 200) expect(expect200(answer).principal).not.toHaveProperty('subject');
    else expect401Token(answer);
  }),

  row('IRESP-15 a client’s own token is recognisable where sub is the client', async ({ as, rs }) => {
    const machine = expect200(await rs.get('/r', `Bearer ${as.token({ sub: 'c1', client_id: 'c1' })}`)).principal;
    expect(machine).toMatchObject({ subject: 'c1', clientId: 'c1', subjectType: 'client' });
    const other = expect200(await rs.get('/r', `Bearer ${as.token({ sub: 'u1', client_id: 'c1' })}`)).principal;
    expect(other).not.toHaveProperty('subjectType');
  }),

  row('IRESP-15 T15 without client_id the scopes are still needed', async ({ as, rs }) => {
    expect403Scope(await rs.get('/r', `Bearer ${as.token({ client_id: undefined, scope: 'x' })}`), 'read');
    expect(expect200(await rs.get('/r', `Bearer ${as.token({ client_id: undefined })}`)).principal).not.toHaveProperty(
      'clientId',
    );
  }),
]);

describeRows('RFC 7662 response, its token type', [
  ...answers(
    'IRESP-17 T12 a token that is no access token is refused',
    [
      ...named('token_type', 'refresh_token', 'REFRESH_TOKEN', 'id_token'),
      ...named('token_use', 'id_token', 'refresh_token', 'id'),
    ],
    expect401Token,
  ),
  ...answers(
    'IRESP-18 token_type is compared without regard to case',
    named('token_type', 'bearer', 'BEARER', 'Bearer', 'access_token', 'Access_Token'),
    expect200,
  ),
  ...answers('IRESP-18 token_type must fit the scheme', named('token_type', 'DPoP', 'dpop', 'mac'), expect401Token),
  ...answers(
    'IRESP-19 cnf forces the check of the binding, which a bearer token cannot pass',
    [
      ...named(
        'cnf',
        { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' },
        { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' },
      ),
      ...named(
        'cnf',
        null,
        'x',
        5,
        [],
        true,
        { jkt: 1 },
        { kid: 'a' },
        { jku: 'https://x' },
        { foo: 1 },
        { jwk: {} },
        { foo: null },
      ),
    ],
    expect401Token,
  ),
  ...answers('IRESP-19 MTLS-16 an empty cnf binds nothing', named('cnf', {}), expect200),
]);

describeRows(
  'RFC 7662 response, its token type being required',
  [
    ...answers('IRESP-17 T12 requireTokenType refuses its absence', named('token_type', undefined, null), expect401Token),
    ...answers(
      'IRESP-17 requireTokenType accepts an access token',
      named('token_type', 'Bearer', 'bearer', 'access_token'),
      expect200,
    ),
    ...answers(
      'IRESP-17 T12 requireTokenType accepts nothing more',
      named('token_type', 'refresh_token', 'DPoP'),
      expect401Token,
    ),
  ],
  { options: () => ({ requireTokenType: true }) },
);

const events: Record<string, unknown>[] = [];
const record = (event: object): void => {
  events.push(event as Record<string, unknown>);
};

describeRows(
  'RFC 7662 response, what is told',
  [
    row('IRESP-20 inactive, unknown, expired, foreign and oversized look alike, to the byte', async ({ as, rs, clock }) => {
      const inactive = as.token({ active: false });
      const presented = [
        inactive,
        'never-issued-token',
        as.token({ aud: 'https://other' }),
        as.token({ aud: undefined }),
        as.token({ iss: 'https://other' }),
        as.token({ exp: clock.seconds() - 60 }),
        as.token({ nbf: clock.seconds() + 60 }),
        as.token({ token_type: 'refresh_token' }),
        as.token({ cnf: { jkt: 'x' } }),
        'a'.repeat(8193),
      ];
      const seen = new Set<string>();
      for (const token of presented) {
        const answer = await rs.get('/r', `Bearer ${token}`);
        expect401Token(answer);
        seen.add(
          `${answer.status} ${answer.reason}\n${answer.headers.filter(([name]) => name.toLowerCase() !== 'date').join('\n')}\n\n${answer.body}`,
        );
      }
      expect([...seen]).toHaveLength(1);
    }),

    row('IRESP-21 no claim of an answer is in a log or an event', async ({ as, rs, clock }) => {
      events.length = 0;
      const personal = { username: 'canary-username', email: 'canary@example.com', name: 'canary-name', sub: 'canary-sub' };
      const tokens = [
        as.token(personal),
        as.token({ ...personal, aud: 'https://canary-aud' }),
        as.token({ ...personal, exp: clock.seconds() - 60 }),
        as.token({ ...personal, scope: 'canary-scope' }),
        as.token({ ...personal, active: false }),
        as.token({ ...personal, iss: 'https://canary-iss' }),
        as.token({ ...personal, exp: 'canary-exp' }),
        as.token({ ...personal, token_type: 'canary-type' }),
      ];
      const statuses = [];
      for (const token of tokens) statuses.push((await rs.get('/r', `Bearer ${token}`)).status);
      expect(statuses).toEqual([200, 401, 401, 403, 401, 401, 503, 401]);
      const told = `${rs.logs.join('\n')}\n${JSON.stringify(events)}`;
      expect(events.length).toBeGreaterThan(0);
      expect(told).not.toContain('canary');
      for (const token of tokens) expect(told).not.toContain(token);
    }),

    ...([401, 403, 404, 400] as const).map((status) =>
      row(
        `CAUTH-10 T3 the endpoint answers ${status}: 503 for the client, a line for the operator, no secret`,
        async ({ as, rs, clock }) => {
          // A reason is logged once a minute.
          clock.advanceSeconds(61);
          events.length = 0;
          const logged = rs.logs.length;
          const token = as.token();
          as.answer(token, (_request, response) =>
            json(response, { error: status === 404 ? 'not_found' : 'invalid_client', error_description: 'canary-text' }, status),
          );
          const answer = await rs.get('/r', `Bearer ${token}`);
          expect503(answer);
          expect(answer.introspections).toBe(1);
          expect(answer.body).not.toContain('canary-text');
          const rejected = events.filter(({ type }) => type === 'verification.client_rejected');
          if (status === 404) expect(rejected).toEqual([]);
          else expect(rejected).toMatchObject([{ status }]);
          expect(rs.logs.length).toBeGreaterThan(logged);
          expect(`${rs.logs.join('\n')}${JSON.stringify(events)}`).not.toMatch(
            /rs1-secret-value|canary-text|cnMxOnJzMS1zZWNyZXQtdmFsdWU/,
          );
          as.answer(token, { active: true, ...as.claims() });
          expect200(await rs.get('/r', `Bearer ${token}`));
        },
      ),
    ),

    row('IRESP-03 T3 400 unsupported_token_type means inactive', async ({ as, rs }) => {
      const token = as.token();
      as.answer(token, (_request, response) => json(response, { error: 'unsupported_token_type' }, 400));
      const answer = await rs.get('/r', `Bearer ${token}`);
      expect401Token(answer);
      expect(answer.introspections).toBe(1);
    }),

    row('IRESP-03 T3 only 400 and only that word mean inactive', async ({ as, rs }) => {
      const token = as.token();
      for (const [status, body] of [
        [401, '{"error":"unsupported_token_type"}'],
        [403, '{"error":"unsupported_token_type"}'],
        [500, '{"error":"unsupported_token_type"}'],
        [400, '{"error":"invalid_request"}'],
        [400, '{"error":"UNSUPPORTED_TOKEN_TYPE"}'],
        [400, '{"error":["unsupported_token_type"]}'],
        [400, '{"active":false}'],
        [400, 'unsupported_token_type'],
        [400, ''],
        [401, ''],
        [403, '<html></html>'],
        [404, '<html></html>'],
        [418, '{"active":true}'],
      ] as const) {
        as.answer(token, (_request, response) => json(response, body, status));
        const answer = await rs.get('/r', `Bearer ${token}`);
        expect503(answer);
        expect(answer.introspections).toBe(1);
      }
    }),
  ],
  { options: () => ({ onEvent: record }) },
);

describe.each(ADAPTERS)('Two registrations in one process (%s)', (adapter) => {
  let as: AuthorizationServer;
  const servers: ResourceServer[] = [];

  beforeAll(async () => {
    as = await startAuthorizationServer();
    for (const clientId of ['rs1', 'rs2']) {
      const clientAuthentication = { method: 'client_secret_basic', clientId, clientSecret: 'secret' } as const;
      servers.push(await startResourceServer({ adapter, authorizationServer: as, options: { clientAuthentication } }));
    }
  });
  afterAll(() => Promise.all([...servers.map((server) => server.close()), as.close()]));

  it('IRESP-16 each gets the answer that is meant for it, one after the other and at once', async () => {
    const token = as.token();
    as.answer(token, (request, response) => {
      const [asking] = Buffer.from(request.headers.authorization?.slice('Basic '.length) ?? '', 'base64')
        .toString()
        .split(':');
      json(response, { active: true, ...as.claims({ scope: asking === 'rs1' ? 'read' : 'other', told: asking }) });
    });
    const [first, second] = servers as [ResourceServer, ResourceServer];
    const judge = async (): Promise<void> => {
      const asked = [first, second, first, second].map((server) => server.get('/any', `Bearer ${token}`));
      const told = (await Promise.all(asked)).map(
        (answer) => (answer.json() as { principal: { claims: { told: string } } }).principal.claims.told,
      );
      expect(told).toEqual(['rs1', 'rs2', 'rs1', 'rs2']);
    };
    expect200(await first.get('/r', `Bearer ${token}`));
    expect403Scope(await second.get('/r', `Bearer ${token}`), 'read');
    expect200(await first.get('/r', `Bearer ${token}`));
    await judge();
    await judge();
  });
});

/** Only trouble before the first byte may be retried: then nobody can have said anything about the token. */
const transportTrouble: [what: string, calls: number, respond: (response: ServerResponse) => void][] = [
  ['a reset before the first byte', 2, (response) => response.socket?.resetAndDestroy()],
  ['a close before the first byte', 2, (response) => response.socket?.destroy()],
  [
    'a reset in the middle of the body',
    1,
    (response) => {
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
        .write('{"active":true', () => response.socket?.resetAndDestroy());
    },
  ],
  [
    'a close in the middle of the body',
    1,
    (response) => {
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
        .write('{"active":true}', () => response.socket?.destroy());
    },
  ],
  [
    'a close in the middle of the chunks',
    1,
    (response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"active":true}', () => response.socket?.destroy());
    },
  ],
  [
    'a reset in the middle of the head',
    1,
    (response) => {
      response.socket?.write('HTTP/1.1 200 OK\r\nContent-Ty', () => response.socket?.resetAndDestroy());
    },
  ],
  ['something that is not HTTP', 1, (response) => response.socket?.end('active: true\r\n\r\n')],
];

/** Every row ends with a good answer: no failure may outlive its request. */
async function expectRecovered({ as, rs }: Fixture): Promise<void> {
  const answer = await rs.get('/r', `Bearer ${as.token()}`);
  expect200(answer);
  expect(answer.introspections).toBe(1);
}

const retried: [what: string, respond: (response: ServerResponse) => void, calls: number][] = [
  ['500', (response) => response.writeHead(500).end(), 1],
  ['501', (response) => response.writeHead(501).end(), 1],
  ['429', (response) => response.writeHead(429).end(), 1],
  ['400', (response) => response.writeHead(400).end(), 1],
  ['502', (response) => response.writeHead(502).end(), 2],
  ['503', (response) => response.writeHead(503).end(), 2],
  ['504', (response) => response.writeHead(504).end(), 2],
  ['a reset before the first byte', (response) => response.socket?.resetAndDestroy(), 2],
  ['a malformed answer', (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{'), 1],
];

describeRows('RFC 7662, failures of the endpoint', [
  ...transportTrouble.map(([what, calls, respond]) =>
    row(`IERR-01 IERR-02 T4 ${what} is a 503, after ${calls} call(s)`, async (fixture) => {
      const { as, rs } = fixture;
      const token = as.token();
      as.answer(token, (_request, response) => respond(response));
      const answer = await rs.get('/r', `Bearer ${token}`);
      expect503(answer);
      expect(answer.introspections).toBe(calls);
      await expectRecovered(fixture);
    }),
  ),

  ...retried.map(([what, respond, calls]) =>
    row(`IERR-02 T4 ${what} costs ${calls} call(s) when it stays so: 503`, async (fixture) => {
      const { as, rs } = fixture;
      const token = as.token();
      as.answer(token, (_request, response) => respond(response));
      const answer = await rs.get('/r', `Bearer ${token}`);
      expect503(answer);
      expect(answer.introspections).toBe(calls);
      await expectRecovered(fixture);
    }),
  ),

  ...retried.map(([what, respond, calls]) =>
    row(
      `IERR-02 IERR-04 ${what} once, then health: ${calls === 2 ? 'the retry is a 200' : 'this one is a 503, the next a 200'}`,
      async ({ as, rs }) => {
        const token = as.token();
        as.answer(token, (_request, response) => {
          as.answer(token, { active: true, ...as.claims() });
          respond(response);
        });
        const first = await rs.get('/r', `Bearer ${token}`);
        if (calls === 2) expect200(first);
        else expect503(first);
        expect(first.introspections).toBe(calls);
        const second = await rs.get('/r', `Bearer ${token}`);
        expect200(second);
        expect(second.introspections).toBe(1);
      },
    ),
  ),

  row('IERR-02 the retry asks the same, once', async ({ as, rs }) => {
    const token = as.token();
    as.answer(token, (_request, response) => {
      as.answer(token, { active: true, ...as.claims() });
      response.socket?.resetAndDestroy();
    });
    expect200(await rs.get('/r', `Bearer ${token}`));
    const asked = as
      .introspectionRequests()
      .map(({ method, url, headers, body }) => ({ method, url, body, authorization: headers.authorization }));
    expect(asked).toHaveLength(2);
    expect(asked[1]).toEqual(asked[0]);
  }),
]);

const askedToWait: [what: string, status: number, retryAfter: (nowMs: number) => string, waitSeconds: number][] = [
  ['429 with 7 seconds', 429, () => '7', 7],
  ['503 with 7 seconds', 503, () => '7', 7],
  ['503 with a date', 503, (nowMs) => new Date(nowMs + 7000).toUTCString(), 7],
  ['429 with an hour, obeyed for a minute', 429, () => '3600', 60],
];

for (const [what, status, retryAfter, waitSeconds] of askedToWait) {
  describeRows(`RFC 7662, asked to wait: ${what}`, [
    row(
      'IERR-03 IERR-02 T5 nobody is asked until then, clients get 503 with the time that is left',
      async ({ as, rs, clock }) => {
        const token = as.token();
        as.answer(token, (_request, response) => {
          response.writeHead(status, { 'retry-after': retryAfter(clock.now()) }).end();
        });
        const first = await rs.get('/r', `Bearer ${token}`);
        expect(expect503(first)).toBe(waitSeconds);
        expect(first.introspections).toBe(1);
        const good = as.token();
        clock.advanceSeconds(waitSeconds - 1);
        const meanwhile = await rs.get('/r', `Bearer ${good}`);
        expect(expect503(meanwhile)).toBe(1);
        expect(meanwhile.introspections).toBe(0);
        clock.advanceSeconds(1);
        const after = await rs.get('/r', `Bearer ${good}`);
        expect200(after);
        expect(after.introspections).toBe(1);
      },
    ),
  ]);
}

describeRows(
  'RFC 7662, without retries',
  [
    row('IERR-02 http.retries: 0 means one call', async (fixture) => {
      const { as, rs } = fixture;
      const token = as.token();
      for (const respond of [
        (response: ServerResponse) => response.writeHead(502).end(),
        (response: ServerResponse) => response.socket?.resetAndDestroy(),
      ]) {
        as.answer(token, (_request, response) => void respond(response));
        const answer = await rs.get('/r', `Bearer ${token}`);
        expect503(answer);
        expect(answer.introspections).toBe(1);
      }
      await expectRecovered(fixture);
    }),
  ],
  { options: () => ({ http: { retries: 0 } }) },
);

describe.each(ADAPTERS)('RFC 7662, no endpoint to be reached (%s)', (adapter) => {
  let as: AuthorizationServer;
  beforeEach(async () => {
    as = await startAuthorizationServer();
    return () => as.close();
  });

  it.each([
    ['a closed port', async () => `http://127.0.0.1:${await closedPort()}/introspect`],
    ['a name that does not resolve', () => 'http://as.invalid/introspect'],
  ])('IERR-01 T4 %s is a 503', async (_what, endpoint) => {
    const options = { discovery: false, introspectionEndpoint: await endpoint() };
    const rs = await startResourceServer({ adapter, authorizationServer: as, options });
    try {
      expect503(await rs.get('/r', 'Bearer some-token-of-ours'));
      expect503(await rs.get('/opt', 'Bearer some-token-of-ours'));
      expect(expect200(await rs.get('/pub')).principal).toBeNull();
    } finally {
      await rs.close();
    }
  });

  it('IERR-01 T4 a certificate that nobody trusts is a 503', async () => {
    const untrusted = await startLoopbackServer({ tls: true });
    const rs = await startResourceServer({
      adapter,
      authorizationServer: as,
      options: { discovery: false, introspectionEndpoint: `${untrusted.origin}/introspect` },
    });
    try {
      expect503(await rs.get('/r', 'Bearer some-token-of-ours'));
      expect(untrusted.requests).toBe(0);
    } finally {
      await Promise.all([rs.close(), untrusted.close()]);
    }
  });

  it('IERR-01 IERR-04 T4 an outage ends without a restart, and no failure is remembered as a verdict', async () => {
    const token = as.token();
    const rs = await startResourceServer({ adapter, authorizationServer: as });
    try {
      expect200(await rs.get('/r', `Bearer ${token}`));
      await as.stop();
      expect503(await rs.get('/r', `Bearer ${token}`));
      expect503(await rs.get('/r', 'Bearer unknown-token'));
      await as.restart();
      const answer = await rs.get('/r', `Bearer ${token}`);
      expect200(answer);
      expect(answer.introspections).toBe(1);
      expect401Token(await rs.get('/r', 'Bearer unknown-token'));
    } finally {
      await rs.close();
    }
  });
});

@Controller()
class MembersController {
  @Get('members')
  @Scopes('read')
  members(
    @Principal() principal: AccessTokenPrincipal,
    @Principal('subject') subject: string,
    @Principal('scopes') scopes: string[],
  ): unknown {
    return {
      ...describePrincipal(principal),
      subject,
      scopes,
      sameClass: principal instanceof AccessTokenPrincipal,
      frozen: [principal, principal.claims, principal.scopes, principal.audience, principal.claims.nested].every((value) =>
        Object.isFrozen(value),
      ),
      tokenIsEnumerable: Object.keys(principal).includes('token'),
      tokenIsPresent: typeof principal.token === 'string' && principal.token.startsWith('opaque-'),
      hasRead: principal.hasScope('read'),
      hasRea: principal.hasScope('rea'),
      hasAdmin: principal.hasRole('admin'),
      hasRoot: principal.hasRole('root'),
    };
  }
}

describeRows(
  'The principal of an answer',
  [
    row('IRESP-12 is frozen to its depth, and keeps its token to itself', async ({ as, rs }) => {
      const token = as.token({ nested: { list: [1] }, roles: ['admin'], sid: 's1', jti: 'j1', iat: 5 });
      const answer = await rs.get('/members', `Bearer ${token}`);
      const body = expect200(answer) as unknown as Record<string, unknown>;
      expect(body).toMatchObject({
        subject: 'u1',
        scopes: ['read'],
        sameClass: true,
        frozen: true,
        tokenIsEnumerable: false,
        tokenIsPresent: true,
      });
      expect(body).toMatchObject({ hasRead: true, hasRea: false, hasAdmin: true, hasRoot: false });
      expect(body.principal).toMatchObject({
        roles: ['admin'],
        sessionId: 's1',
        tokenId: 'j1',
        issuedAtSeconds: 5,
        authorizationDetails: [],
      });
    }),
  ],
  { controllers: [MembersController] },
);
