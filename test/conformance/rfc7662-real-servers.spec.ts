import type { IntrospectionEvent, IntrospectionModuleOptions } from 'nestjs-introspection';
import type { ServerResponse } from 'node:http';
import { expect } from 'vitest';
import { json } from '../support/authorization-server.js';
import { expect200, expect401Token, expect503 } from '../support/expectations.js';
import { describeScenarios, scenario, type Scenario, type Surroundings } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';

type Claims = Record<string, unknown>;
type Options = Partial<IntrospectionModuleOptions>;
type Refusal = 'expired' | 'not_yet_valid' | 'type' | 'issuer' | 'audience' | 'binding' | 'inactive';

const TOKEN = 'opaque-client-token';

/** T's claims changed; a member that is `undefined` is left out. */
type Shape = Claims | ((fixture: Surroundings) => Claims);

const answerOf = (fixture: Surroundings, shape: Shape): Claims => ({
  active: true,
  token_type: 'Bearer',
  ...fixture.as.claims(),
  ...(typeof shape === 'function' ? shape(fixture) : shape),
});

const accepts = (what: string, shape: Shape, principal: Claims = {}, options: Options = {}): Scenario =>
  scenario(what, { options }, async (fixture) => {
    fixture.as.answer(TOKEN, answerOf(fixture, shape));
    const answer = await fixture.rs.get('/any', `Bearer ${TOKEN}`);
    expect(expect200(answer).principal).toMatchObject({ verifiedBy: 'introspection', ...principal });
  });

/** The client learns nothing; the operator reads why. */
function refuses(what: string, shape: Shape, reason: Refusal | 'response', options: Options = {}): Scenario {
  const events: IntrospectionEvent[] = [];
  const listening = { ...options, onEvent: (event: IntrospectionEvent) => void events.push(event) };
  return scenario(what, { options: listening, prepare: () => void events.splice(0) }, async (fixture) => {
    fixture.as.answer(TOKEN, answerOf(fixture, shape));
    const answer = await fixture.rs.get('/any', `Bearer ${TOKEN}`);
    if (reason === 'response') {
      expect503(answer);
      expect(events).toContainEqual(expect.objectContaining({ type: 'verification.introspected', outcome: 'failed' }));
    } else {
      expect401Token(answer);
      expect(events).toContainEqual(expect.objectContaining({ type: 'verification.refused', reason }));
      if (reason !== 'type') expect(answer.body).not.toContain(reason);
    }
    expect(fixture.rs.logs.join('\n')).not.toBe('');
    expect(fixture.rs.logs.join('\n')).not.toContain(TOKEN);
  });
}

const users: Scenario[] = [
  accepts('IRESP-15 sub and username are absent for a machine', { sub: undefined, client_id: 'u1' }, { clientId: 'u1' }),
  scenario('IRESP-14 IRESP-15 T15 a username is no identity', {}, async (fixture) => {
    const shape = { sub: undefined, client_id: undefined, username: 'alice' };
    fixture.as.answer(TOKEN, answerOf(fixture, shape));
    const { principal } = expect200(await fixture.rs.get('/any', `Bearer ${TOKEN}`));
    expect(principal).not.toHaveProperty('subject');
    expect(principal).not.toHaveProperty('clientId');
  }),
  accepts('IRESP-12 null members are absent', { username: null, nbf: null, iat: null, jti: null }, { subject: 'u1' }),
  scenario('IRESP-10 an empty scope, or none, is no scope', {}, async (fixture) => {
    for (const scope of ['', undefined, null]) {
      fixture.as.answer(TOKEN, answerOf(fixture, { scope }));
      expect(expect200(await fixture.rs.get('/any', `Bearer ${TOKEN}`)).principal?.['scopes'], String(scope)).toEqual([]);
    }
  }),
];

describeScenarios('Active answers of real servers', [
  ...['Bearer', 'bearer', 'access_token', 'ACCESS_TOKEN', undefined].map((token_type) =>
    accepts(`IRESP-18 token_type ${token_type}`, { token_type }),
  ),
  refuses('IRESP-18 token_type DPoP under the scheme Bearer', { token_type: 'DPoP' }, 'binding'),
  refuses('IRESP-17 a refresh token that says so', { token_type: 'refresh_token' }, 'type'),
  refuses('IRESP-17 IRESP-08 a refresh token without token_type and aud', { token_type: undefined, aud: undefined }, 'audience'),
  refuses('IRESP-17 the same where aud may be missing and the type may not', { token_type: undefined, aud: undefined }, 'type', {
    requireTokenType: true,
    allowMissingAudience: true,
  }),
  refuses('IRESP-04 exp 0', { exp: 0 }, 'expired'),
  refuses('IRESP-05 not yet valid', ({ clock }) => ({ nbf: clock.seconds() + 600 }), 'not_yet_valid'),
  refuses('IRESP-06 times as texts', { exp: '4102444800' }, 'response'),
  refuses('IRESP-14 sub as a number', { sub: 42 }, 'response'),
  refuses('IRESP-03 inactive', { active: false }, 'inactive'),
  refuses('IRESP-19 bound to a key', { cnf: { jkt: 'x' } }, 'binding'),

  refuses('IRESP-08 aud absent', { aud: undefined }, 'audience'),
  ...[undefined, null, []].map((aud) =>
    accepts(
      `IRESP-08 aud ${JSON.stringify(aud)} where it may be missing`,
      { aud },
      { audience: [] },
      { allowMissingAudience: true },
    ),
  ),
  refuses('IRESP-07 the wrong aud where it may be missing', { aud: 'https://other' }, 'audience', { allowMissingAudience: true }),
  refuses('IRESP-07 aud is the client', { aud: 'rs1' }, 'audience'),
  accepts('IRESP-07 aud is the client, and so is our audience', { aud: 'rs1' }, {}, { audience: 'rs1' }),
  refuses('IRESP-07 aud is the scope', { aud: 'read write' }, 'audience'),
  accepts(
    'IRESP-07 aud is the scope, and our audience names exactly that',
    { aud: 'read write' },
    {},
    { audience: 'read write' },
  ),
  ...['read', 'write', 'write read', 'read write ', 'read%20write'].map((audience) =>
    refuses(`IRESP-07 T13 aud is the scope, and our audience is "${audience}"`, { aud: 'read write' }, 'audience', { audience }),
  ),
  accepts('IRESP-07 aud is a list of two', { aud: ['https://other', 'https://rs.example.com'] }),

  accepts('IRESP-09 iss absent: the endpoint that we asked is the issuer', ({ as }) => ({ iss: undefined, sub: as.issuer })),
  refuses('IRESP-09 T14 iss with a slash that the configured one has not', ({ as }) => ({ iss: `${as.issuer}/` }), 'issuer'),
  ...users,
]);

describeScenarios(
  'Issuers as real servers have them',
  ['/', '/realms/one', '/application/o/api/'].map((path) =>
    scenario(
      `IRESP-09 the issuer ends in ${path}`,
      {
        options: ({ as }) => ({
          issuer: `${as.origin}${path}`,
          discovery: false,
          introspectionEndpoint: as.introspectionEndpoint,
        }),
      },
      async (fixture: Fixture) => {
        const { as, rs } = fixture;
        as.answer(TOKEN, answerOf(fixture, { iss: `${as.origin}${path}` }));
        expect(expect200(await rs.get('/any', `Bearer ${TOKEN}`)).principal).toMatchObject({ issuer: `${as.origin}${path}` });
        for (const iss of [
          as.origin,
          `${as.origin}${path}x`,
          path.length > 1 ? `${as.origin}${path.slice(0, -1)}` : `${as.origin}//`,
        ]) {
          as.answer(TOKEN, answerOf(fixture, { iss }));
          expect401Token(await rs.get('/any', `Bearer ${TOKEN}`));
        }
      },
    ),
  ),
);

const wire: [what: string, write: (response: ServerResponse, body: string) => void][] = [
  [
    'in chunks, without Content-Length',
    (response, body) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      for (const character of body) response.write(character);
      response.end();
    },
  ],
  [
    'with blanks around everything',
    (response, body) => json(response, ` ${JSON.stringify(JSON.parse(body), null, '\t ').replaceAll('":', '" :\r\n')}\n`),
  ],
  ['with charset=UTF-8', (response, body) => json(response, body, 200, { 'content-type': 'application/json;charset=UTF-8' })],
  ['with charset=utf-8', (response, body) => json(response, body, 200, { 'content-type': 'application/json; charset="utf-8"' })],
  ['as APPLICATION/JSON', (response, body) => json(response, body, 200, { 'content-type': 'APPLICATION/JSON' })],
  ['with max-age=0', (response, body) => json(response, body, 200, { 'cache-control': 'max-age=0' })],
  ['with a malformed Cache-Control', (response, body) => json(response, body, 200, { 'cache-control': '=,;max-age=abc, "' })],
  [
    'with an hour of max-age, which lengthens nothing',
    (response, body) => json(response, body, 200, { 'cache-control': 'public, max-age=3600' }),
  ],
];

describeScenarios(
  'Answers on the wire',
  wire.map(([what, write]) =>
    scenario(`IRESP-01 ${what}`, {}, async ({ as, rs }) => {
      const claims = { active: true, sub: 'u1', aud: 'https://rs.example.com', exp: as.claims()['exp'], scope: 'read' };
      for (let round = 0; round < 2; round += 1) {
        as.answer(TOKEN, (_request, response) => write(response, JSON.stringify(claims)));
        const answer = await rs.get('/r', `Bearer ${TOKEN}`);
        expect(expect200(answer).principal).toMatchObject({ subject: 'u1' });
        expect(answer.introspections).toBe(1);
      }
      as.answer(TOKEN, (_request, response) => write(response, '{"active":false}'));
      expect401Token(await rs.get('/r', `Bearer ${TOKEN}`));
    }),
  ),
);
