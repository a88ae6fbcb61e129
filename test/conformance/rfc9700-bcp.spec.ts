import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { json } from '../support/authorization-server.js';
import { expect200, expect201, expect401Token, expect403Scope, expect503 } from '../support/expectations.js';
import { ecKey } from '../support/keys.js';
import type { HeaderLine } from '../support/raw-http.js';
import { describeScenarios, expectCalls, LOCAL, scenario, warmAndRested, type Scenario } from '../support/scenario.js';
import { describeRows, row, type Fixture, type Row } from '../support/table.js';
import { compact, flipBit, ownClaims, ownHeader, ownSigner, signedBy } from '../support/tokens.js';

const bearer = (token: string, ...more: HeaderLine[]): HeaderLine[] => [['Authorization', `Bearer ${token}`], ...more];
const post = ({ rs }: Fixture, token: string) => rs.send({ method: 'POST', path: '/w', headers: bearer(token) });

/** Other things that the same server signs with the same keys, naming us as their audience. */
const otherKinds: Record<string, [header: Record<string, unknown>, claims: Record<string, unknown>]> = {
  'an ID token': [{ typ: 'JWT' }, { at_hash: 'x', nonce: 'n', azp: 'c1' }],
  'an ID token without typ': [{ typ: undefined }, { nonce: 'n' }],
  'a logout token': [{ typ: 'logout+jwt' }, { events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, sid: 's1' }],
  'a security event token': [{ typ: 'secevent+jwt' }, { events: {} }],
  'a signed introspection answer': [{ typ: 'token-introspection+jwt' }, { token_introspection: { active: true, scope: 'read' } }],
  'a DPoP proof': [
    { typ: 'dpop+jwt', jwk: {} },
    { htm: 'GET', htu: 'https://rs.example.com/r' },
  ],
  'a client assertion': [{ typ: 'client-authentication+jwt' }, { sub: 'c1' }],
  'a request object': [{ typ: 'oauth-authz-req+jwt' }, { response_type: 'code' }],
  'an authorization response (JARM)': [{ typ: 'JWT' }, { code: 'x', state: 'y' }],
  'a status list': [{ typ: 'statuslist+jwt' }, { status_list: { bits: 1, lst: 'x' } }],
  'a refresh token': [{ typ: 'rt+jwt' }, { typ: 'Refresh' }],
  'a user info answer': [{ typ: 'JWT' }, { email: 'u1@example.com' }],
};

const kinds: Row[] = Object.entries(otherKinds).map(([what, [header, claims]]) =>
  row(`JWT-23 T87 ${what} is no access token, even where the server calls it active`, async ({ as, rs }) => {
    const token = compact(ownHeader(as, header), ownClaims(as, claims), ownSigner(as));
    as.answer(token, { active: true, ...as.claims() });
    const answer = await rs.get('/any', `Bearer ${token}`);
    expect401Token(answer);
    expectCalls(answer, { I: 0 });
  }),
);

const smoke: Row[] = [
  row('AT-04 T92 a random text, an unsigned JWT, a JWT by a random key, with options left as they are', async (fixture) => {
    const { as, rs } = fixture;
    await warmAndRested(fixture);
    const forged = [
      randomBytes(24).toString('base64url'),
      compact({ alg: 'none' }, ownClaims(as), ''),
      compact({ typ: 'JWT' }, ownClaims(as), ''),
      signedBy(as, ecKey(), 'ES256'),
      signedBy(as, ecKey(), 'ES256', {}, { kid: as.keys.ES256.kid }),
      signedBy(as, ecKey(), 'ES256', {}, { kid: undefined }),
    ];
    for (const token of forged) expect401Token(await rs.get('/any', `Bearer ${token}`));
    expect200(await rs.get('/any', `Bearer ${await as.sign()}`));
  }),

  ...(['JWT', 'opaque'] as const).flatMap((kind) => {
    const make = async ({ as }: Fixture, claims: Record<string, unknown>) =>
      kind === 'JWT' ? as.sign(claims) : as.token(claims);
    return [
      row(`BCP-01 T88 the audience is judged on every request (${kind})`, async (fixture) => {
        const [ours, theirs] = [await make(fixture, {}), await make(fixture, { aud: 'https://other.example' })];
        for (let run = 0; run < 2; run += 1) {
          expect200(await fixture.rs.get('/any', `Bearer ${ours}`));
          expect401Token(await fixture.rs.get('/any', `Bearer ${theirs}`));
        }
      }),
      row(`BCP-02 T30 what the token is for is judged on every request (${kind})`, async (fixture) => {
        const [reader, writer] = [await make(fixture, {}), await make(fixture, { scope: 'write' })];
        for (let run = 0; run < 2; run += 1) {
          expect200(await fixture.rs.get('/r', `Bearer ${reader}`));
          expect403Scope(await post(fixture, reader), 'write');
          expect201(await post(fixture, writer));
          expect403Scope(await fixture.rs.get('/r', `Bearer ${writer}`), 'read');
        }
      }),
      row(`BCP-07 a client is not mistaken for a user (${kind})`, async (fixture) => {
        const client = await make(fixture, { sub: 'c1', client_id: 'c1' });
        const user = await make(fixture, { sub: 'u1', client_id: 'c1' });
        const look = async (token: string) => expect200(await fixture.rs.get('/any', `Bearer ${token}`)).principal;
        expect(await look(client)).toMatchObject({ subjectType: 'client' });
        expect(await look(user)).not.toHaveProperty('subjectType');
      }),
      row(`BCP-06 T61 fields that only a proxy may send change nothing (${kind})`, async (fixture) => {
        const { rs } = fixture;
        const forwarded: HeaderLine[] = [
          ['X-Forwarded-Proto', 'https'],
          ['X-Forwarded-Host', 'evil.test'],
          ['X-Forwarded-For', '127.0.0.1'],
          ['Forwarded', 'for=127.0.0.1;host="evil.test";proto=https'],
          ['Client-Cert', ':AAAA:'],
          ['X-Forwarded-Client-Cert', 'Hash=aa'],
          ['X-SSL-Cert', 'aa'],
          ['X-Original-URL', '/pub'],
          ['X-User', 'admin'],
        ];
        const good = expect200(await rs.send({ path: '/r', headers: bearer(await make(fixture, {}), ...forwarded) }));
        expect(good.principal).toMatchObject({ subject: 'u1' });
        const bound = await make(fixture, { cnf: { 'x5t#S256': 'aa' } });
        expect401Token(await rs.send({ path: '/r', headers: bearer(bound, ...forwarded) }));
        const none = await rs.send({ path: '/r', headers: forwarded });
        expect(none.status).toBe(401);
        expect(`${JSON.stringify(none.headers)}${none.body}`).not.toContain('evil.test');
      }),
    ];
  }),

  row('BCP-10 no call of ours carries the token of the request except as the question itself', async (fixture) => {
    const { as, rs } = fixture;
    await warmAndRested(fixture);
    as.requests.length = 0;
    const tokens = [as.token(), signedBy(as, ecKey(), 'ES256'), await as.sign()];
    for (const token of tokens) {
      const headers = bearer(token, ['Cookie', `session=${token}`], ['DPoP', token], ['X-Custom', token]);
      await rs.send({ path: `/any?token=${token}`, headers });
    }
    expect(as.requests.map(({ path }) => path)).toEqual(['/introspect', '/jwks', '/introspect']);
    for (const { rawHeaders, url, form, path } of as.requests) {
      for (const token of tokens) expect([...rawHeaders, url].join('\n')).not.toContain(token);
      expect(form.has('token')).toBe(path === '/introspect');
    }
  }),
];

/** Everything that the application says while its requests end in every way there is. */
const secrecy: Scenario[] = (['hybrid', 'both', 'remote'] as const).map((verification) => {
  const events: string[] = [];
  const onEvent = (event: unknown): void => {
    events.push(JSON.stringify(event));
  };
  return scenario(
    `BCP-04 T120 no token, signature or secret in a log, an event or an answer (${verification})`,
    { options: { verification, onEvent } },
    async (fixture) => {
      const { as, rs } = fixture;
      events.length = 0;
      const jwt = await as.sign();
      as.answer(jwt, { active: true, ...as.claims() });
      const tokens = [
        as.token(),
        as.token({ scope: 'other' }),
        as.token({ aud: 'x' }),
        'SECRETTOKEN-unknown',
        jwt,
        flipBit(jwt, 2, 3),
        signedBy(as, ecKey(), 'ES256'),
        compact(ownHeader(as), ownClaims(as, { exp: 1 }), ownSigner(as)),
        compact(ownHeader(as), 'no json', ownSigner(as)),
      ];
      const answers = [];
      for (const token of tokens) answers.push(await rs.get('/r', `Bearer ${token}`), await rs.get('/r', `Bearer ${token} x`));
      as.replace('introspection', (_request, response) => json(response, { error: 'server_error', token: tokens[0] }, 500));
      as.replace('jwks', (_request, response) => json(response, {}, 500));
      fixture.clock.advanceSeconds(5000);
      tokens.push(await as.sign());
      for (const token of tokens) answers.push(await rs.get('/r', `Bearer ${token}`));
      for (const status of [200, 400, 401, 503]) expect(answers.map((answer) => answer.status)).toContain(status);
      expect(events.length).toBeGreaterThan(0);

      const said = [...rs.logs, ...events, ...answers.map(({ headers, body }) => `${JSON.stringify(headers)} ${body}`)].join(
        '\n',
      );
      const secrets = ['rs1-secret-value', Buffer.from('rs1:rs1-secret-value').toString('base64')];
      for (const token of tokens) secrets.push(token, token.split('.').at(-1) ?? token);
      for (const secret of secrets) expect(said).not.toContain(secret);
    },
  );
});

const audiences: Scenario[] = (['local', 'remote', 'hybrid'] as const).flatMap((verification) => {
  const make = async ({ as }: Fixture, aud: unknown) => (verification === 'remote' ? as.token({ aud }) : as.sign({ aud }));
  return [
    scenario(
      `RES-02 every audience of the list is one of ours (${verification})`,
      { options: { verification, audience: ['https://rs.example.com', 'api://rs', 'plain words'] } },
      async (fixture) => {
        for (const aud of ['https://rs.example.com', 'api://rs', ['x', 'api://rs'], 'plain words'])
          expect200(await fixture.rs.get('/any', `Bearer ${await make(fixture, aud)}`));
        for (const aud of ['api://RS', 'api://r', 'plain', 'https://rs.example.com api://rs', ['x']])
          expect401Token(await fixture.rs.get('/any', `Bearer ${await make(fixture, aud)}`));
      },
    ),
    scenario(
      `RES-03 no prefix, origin or slash is forgiven (${verification})`,
      { options: { verification } },
      async (fixture) => {
        const near = ['/', '/r', '?x', '#x', ':443', '.', ' '].map((suffix) => `https://rs.example.com${suffix}`);
        for (const aud of [
          ...near,
          'https://rs.example',
          'rs.example.com',
          '//rs.example.com',
          'HTTPS://rs.example.com',
          'https://*',
        ])
          expect401Token(await fixture.rs.get('/any', `Bearer ${await make(fixture, aud)}`));
        expect200(await fixture.rs.get('/any', `Bearer ${await make(fixture, 'https://rs.example.com')}`));
      },
    ),
  ];
});

const configuration: Scenario[] = [
  scenario(
    'BCP-09 an issuer is enough: every address comes from its metadata',
    {
      options: { verification: 'hybrid' },
      prepare: ({ as }) => {
        const addresses = { introspection_endpoint: `${as.origin}/x/introspect`, jwks_uri: `${as.origin}/x/jwks` };
        as.metadata = { ...as.metadata, ...addresses };
        as.replace('/x/introspect', (_request, response) => json(response, { active: true, ...as.claims() }));
        as.replace('/x/jwks', (_request, response) => json(response, as.keySet));
      },
    },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', 'Bearer some-token'));
      expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
      expect(as.introspections + as.keySetFetches).toBe(0);
    },
  ),

  scenario('BCP-01 T88 a missing issuer or audience is never both made up', { ...LOCAL }, async ({ as, rs }) => {
    for (const claims of [{ iss: undefined }, { aud: undefined }, { iss: undefined, aud: undefined }, { iss: '', aud: '' }]) {
      const answer = await rs.get('/any', `Bearer ${compact(ownHeader(as), ownClaims(as, claims), ownSigner(as))}`);
      expect401Token(answer);
    }
  }),

  scenario(
    'BCP-01 a server that fails is never a reason to let a token in',
    { options: { verification: 'hybrid' } },
    async ({ as, rs }) => {
      as.replace('introspection', (_request, response) => json(response, {}, 500));
      expect503(await rs.get('/any', `Bearer ${as.token()}`));
      expect503(await rs.get('/opt', `Bearer ${as.token()}`));
    },
  ),
];

describeRows('kinds of JWT (hybrid)', kinds, { options: () => ({ verification: 'hybrid' }) });
describeRows('kinds of JWT (both)', kinds, { options: () => ({ verification: 'both' }) });
describeRows('security of every request', smoke, { omit: ['verification'] });
describeScenarios('secrecy', secrecy);
describeScenarios('audiences', audiences);
describeScenarios('configuration', configuration);
