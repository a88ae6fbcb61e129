import type { IntrospectionModuleOptions } from 'nestjs-introspection';
import { describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { expectBootFailure } from '../support/boot-failure.js';
import { eventLog } from '../support/client-assertions.js';
import { changed, problemsOf } from '../support/configuration.js';
import { expect200, expect401Token, expect503 } from '../support/expectations.js';
import { rsaKey, signer } from '../support/keys.js';
import { describeScenarios, LOCAL, scenario, type Scenario } from '../support/scenario.js';
import { INTROSPECTION_JWT, signedAnswer } from '../support/signed-answers.js';
import { accepted, ask, faulty, type Make } from '../support/signed-rows.js';
import { describeRows, row } from '../support/table.js';

type Options = Partial<IntrospectionModuleOptions>;

const foreignRsa = await rsaKey(2048, 'foreign-rsa');

describeRows(
  'RFC 9701 preferred',
  [
    accepted('JINTRO-03 a signed answer'),
    row('JINTRO-01 JINTRO-03 it is asked for, and JSON is accepted where the server falls back', async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      expect(as.introspectionRequests()[0]?.headers.accept).toContain(INTROSPECTION_JWT);
      expect401Token(await rs.get('/r', 'Bearer unknown-client-token'));
    }),
    faulty('JINTRO-03 JINTRO-06 a signed answer is held to its signature', { signature: signer('RS256', foreignRsa.privateKey) }),
    faulty('JINTRO-03 JINTRO-08 a signed answer for somebody else', { outer: { aud: 'https://rs.example.com' } }),
    faulty('JINTRO-03 JINTRO-05 a signed answer of another type', { header: { typ: 'JWT' } }),
    faulty('JINTRO-04 a signed answer that says it were JSON', {}, 'application/json'),
  ],
  { options: () => ({ introspectionResponse: 'jwt-preferred' }) },
);

const adjusted = (options: Options, make: Make, status: 200 | 503, title: string): Scenario => {
  const { events, onEvent } = eventLog();
  return scenario(title, { options: { ...options, onEvent } }, async (fixture) => {
    const answer = await ask(fixture, make);
    if (status === 200) expect200(answer);
    else expect503(answer);
    const outcomes = events.filter(({ type }) => type === 'verification.introspected');
    expect(outcomes.at(-1)).toMatchObject({ outcome: status === 200 ? 'active' : 'failed' });
  });
};
const response = (type: 'jwt' | 'jwt-preferred', more: Record<string, unknown> = {}): Options => ({
  introspectionResponse: { type, ...more } as NonNullable<Options['introspectionResponse']>,
});
const bearer = { clientAuthentication: { method: 'bearer', token: 'rs-token' } } as const;

describeScenarios('RFC 9701 by option', [
  adjusted(response('jwt', { algorithms: ['ES256'] }), { alg: 'ES256' }, 200, 'JINTRO-06 the registered algorithm'),
  adjusted(response('jwt', { algorithms: ['ES256'] }), { alg: 'RS256' }, 503, 'JINTRO-06 RS256 where another is registered'),
  adjusted(
    response('jwt', { audience: ['https://rs.example.com'] }),
    { outer: { aud: 'https://rs.example.com' } },
    200,
    'JINTRO-08 the audience that is configured',
  ),
  adjusted(
    response('jwt', { audience: 'https://rs.example.com' }),
    {},
    503,
    'JINTRO-08 the client id where another audience is configured',
  ),
  adjusted(
    { ...bearer, ...response('jwt', { audience: 'rs1' }) },
    {},
    200,
    'JINTRO-08 CAUTH-04 a bearer credential with an audience',
  ),

  scenario(
    'JINTRO-06 a new key is fetched, once, and an unknown one is not fetched again and again',
    { options: response('jwt') },
    async (fixture) => {
      const { as, clock } = fixture;
      expect200(await ask(fixture, {}));
      clock.advanceSeconds(31);
      const renewed = { header: { kid: 'foreign-rsa' }, signature: signer('RS256', foreignRsa.privateKey) };
      as.keySet = { keys: [...as.keySet.keys, { ...foreignRsa.jwk, alg: 'RS256', use: 'sig' }] };
      const before = as.keySetFetches;
      expect200(await ask(fixture, renewed));
      expect(as.keySetFetches - before).toBe(1);
      for (let round = 0; round < 5; round += 1)
        expect503(await ask(fixture, { ...renewed, header: { kid: `unknown-${round}` } }));
      expect(as.keySetFetches - before).toBe(1);
    },
  ),

  scenario(
    'JINTRO-06 without keys there is no verdict',
    { options: response('jwt'), prepare: ({ as }) => as.replace('jwks', (_request, reply) => reply.writeHead(500).end()) },
    async (fixture) => {
      expect503(await ask(fixture, {}));
    },
  ),

  ...([undefined, ['RS256', 'ES256'], ['ES256'], ['none']] as const).map((listed) => {
    const warns = listed !== undefined && !listed.some((alg) => alg === 'RS256');
    return scenario(
      `JINTRO-15 the server lists ${JSON.stringify(listed)}: ${warns ? 'a warning' : 'no warning'}`,
      {
        options: response('jwt'),
        prepare: ({ as }) => {
          as.metadata = { ...as.metadata, introspection_signing_alg_values_supported: listed };
        },
      },
      async (fixture) => {
        expect200(await ask(fixture, {}));
        expect(fixture.rs.logs.some((line) => /introspection_signing_alg|RS256/.test(line))).toBe(warns);
      },
    );
  }),
]);

const asAccessToken = (as: AuthorizationServer, header: Record<string, unknown>): string =>
  signedAnswer(as, { header, outer: { ...as.claims(), jti: 'x' } });

describeScenarios(
  'A signed answer as an access token',
  [
    scenario('JINTRO-16 is refused by its typ', {}, async ({ as, rs }) => {
      expect401Token(await rs.get('/any', `Bearer ${asAccessToken(as, {})}`));
      // The control: nothing but the typ stood in its way.
      expect200(await rs.get('/any', `Bearer ${asAccessToken(as, { typ: 'at+jwt' })}`));
    }),
    scenario(
      'JINTRO-16 is refused by its token_introspection where other types are accepted',
      { options: { ...LOCAL.options, tokenTypes: ['at+jwt', 'JWT', 'token-introspection+jwt', null] } },
      async ({ as, rs }) => {
        for (const typ of [undefined, 'JWT', 'token-introspection+jwt', 'at+jwt'])
          expect401Token(await rs.get('/any', `Bearer ${asAccessToken(as, { typ })}`));
        expect200(await rs.get('/any', `Bearer ${await as.sign({}, { header: { typ: 'JWT' } })}`));
      },
    ),
  ],
  LOCAL,
);

describe('RFC 9701, refused at start-up', () => {
  it.each([
    ['another word', { introspectionResponse: 'signed' }],
    ['no algorithm', { introspectionResponse: { type: 'jwt', algorithms: [] } }],
    ['algorithm none', { introspectionResponse: { type: 'jwt', algorithms: ['none'] } }],
    ['an unknown algorithm', { introspectionResponse: { type: 'jwt', algorithms: ['XY256'] } }],
    ['an empty audience', { introspectionResponse: { type: 'jwt', audience: [] } }],
    ['an unknown member', { introspectionResponse: { type: 'jwt', algorithm: 'RS256' } }],
    ['bearer without an audience', { ...bearer, introspectionResponse: 'jwt' }],
    ['none without an audience', { clientAuthentication: { method: 'none' }, introspectionResponse: { type: 'jwt' } }],
  ])('JINTRO-06 JINTRO-08 %s', (_what, options) => {
    expect(
      problemsOf(changed(options))
        .map(({ option }) => option)
        .join(),
    ).toMatch(/^introspectionResponse/);
  });

  it('JINTRO-06 without any source of keys', async () => {
    const as = await startAuthorizationServer();
    try {
      const explicit = { discovery: false, introspectionEndpoint: as.introspectionEndpoint, introspectionResponse: 'jwt' };
      expect(await expectBootFailure(as, explicit)).toMatch(/jwks/);
    } finally {
      await as.close();
    }
  });
});
