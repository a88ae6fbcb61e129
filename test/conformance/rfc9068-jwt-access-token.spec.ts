import { expect } from 'vitest';
import { expect200, expect201, expect401Token, expect403Scope } from '../support/expectations.js';
import { ecKey, signer } from '../support/keys.js';
import { describeScenarios, expectCalls, LOCAL, scenario } from '../support/scenario.js';
import { describeRows, row, type Fixture, type Row } from '../support/table.js';
import { compact, flipBit, ownClaims, ownHeader, ownPrivateKey, ownSigner, signedBy } from '../support/tokens.js';

type Overrides = Record<string, unknown>;

const make = ({ as }: Fixture, claims: Overrides = {}, header: Overrides = {}): string =>
  compact(ownHeader(as, header), ownClaims(as, claims), ownSigner(as));

function refused(title: string, claims: Overrides | ((fixture: Fixture) => Overrides), header: Overrides = {}): Row {
  return row(title, async (fixture) => {
    const given = typeof claims === 'function' ? claims(fixture) : claims;
    const answer = await fixture.rs.get('/any', `Bearer ${make(fixture, given, header)}`);
    expect401Token(answer);
    expectCalls(answer, { I: 0 });
  });
}

function accepted(title: string, claims: Overrides, header: Overrides = {}): Row {
  return row(title, async (fixture) => {
    const answer = await fixture.rs.get('/any', `Bearer ${make(fixture, claims, header)}`);
    expect200(answer);
    expectCalls(answer, { I: 0 });
  });
}

const foreignTypes = [
  'JWT',
  'jwt',
  'id+jwt',
  'logout+jwt',
  'secevent+jwt',
  'application/jwt',
  'dpop+jwt',
  'at+jwt2',
  'xat+jwt',
  'at-jwt',
  'text/at+jwt',
  'application/x/at+jwt',
  '',
  ' at+jwt',
];
const audiences: Record<string, unknown> = {
  missing: undefined,
  other: 'https://other.example',
  'a prefix of ours': 'https://rs.example',
  'ours and more': 'https://rs.example.com/r',
  'another case': 'https://RS.example.com',
  'ours among words': 'x https://rs.example.com',
};

const rows: Row[] = [
  ...foreignTypes.map((typ) => refused(`AT-01 typ ${JSON.stringify(typ)} is no access token`, {}, { typ })),
  refused('AT-01 T92 no typ is no access token', {}, { typ: undefined }),
  ...[null, 5, ['at+jwt'], {}, true].map((typ) => refused(`AT-01 typ ${JSON.stringify(typ)} is no text`, {}, { typ })),
  ...['at+jwt', 'application/at+jwt'].map((typ) => accepted(`AT-01 typ ${typ} is an access token`, {}, { typ })),
  ...['AT+JWT', 'At+Jwt', 'APPLICATION/AT+JWT', 'Application/at+jwt'].map((typ) =>
    accepted(`JWT-20 AT-01 the case of typ means nothing: ${typ}`, {}, { typ }),
  ),

  refused('AT-02 JWT-18 iss with a slash more', ({ as }) => ({ iss: `${as.issuer}/` })),
  refused('AT-02 JWT-18 T88 iss in another case', ({ as }) => ({ iss: as.issuer.replace('http', 'HTTP') })),
  refused('AT-02 JWT-18 iss with blanks', ({ as }) => ({ iss: ` ${as.issuer}` })),
  refused('AT-02 JWT-18 iss cut short', ({ as }) => ({ iss: as.issuer.slice(0, -1) })),
  refused('AT-02 JWT-18 iss with a path more', ({ as }) => ({ iss: `${as.issuer}/t1` })),
  refused('AT-02 JWT-18 iss missing', { iss: undefined }),
  refused('AT-02 T88 iss of another, aud ours', { iss: 'https://evil.test' }),

  ...Object.entries(audiences).map(([what, aud]) => refused(`AT-03 T88 aud ${what}, iss ours`, { aud })),
  accepted('AT-03 an array with ours', { aud: ['https://other.example', 'https://rs.example.com'] }),

  row('AT-04 AT-07 a forged signature is invalid_token like everything else', async (fixture) => {
    const { as, rs } = fixture;
    const forged = [
      flipBit(make(fixture), 2, 5),
      signedBy(as, ecKey(), 'ES256', {}, { kid: as.keys.ES256.kid }),
      compact(ownHeader(as, { alg: 'RS256' }), ownClaims(as), ownSigner(as, 'RS256')),
    ];
    const bodies = new Set<string>();
    const failures = [
      make(fixture, { exp: 1 }),
      make(fixture, { aud: 'x' }),
      make(fixture, {}, { typ: 'JWT' }),
      'opaque',
      'a.b.c',
    ];
    for (const token of [...forged, ...failures]) {
      const answer = await rs.get('/any', `Bearer ${token}`);
      bodies.add(`${answer.body} ${expect401Token(answer).params.get('error_description')}`);
    }
    expect([...bodies]).toHaveLength(1);
  }),

  row('AT-05 RS256 is supported without a word in the options', async ({ as, rs }) => {
    expect200(await rs.get('/r', `Bearer ${await as.sign({}, { alg: 'RS256' })}`));
  }),

  ...['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'].map((claim) =>
    refused(`AT-08 ${claim} is required`, { [claim]: undefined }),
  ),

  row('AT-09 the scopes of the token decide', async (fixture) => {
    const { rs } = fixture;
    const post = (token: string) => rs.send({ method: 'POST', path: '/w', headers: [['Authorization', `Bearer ${token}`]] });
    expect403Scope(await post(make(fixture)), 'write');
    expect201(await post(make(fixture, { scope: 'read write' })));
    expect403Scope(await rs.get('/r', `Bearer ${make(fixture, { scope: 'Read' })}`), 'read');
    expect403Scope(await rs.get('/r', `Bearer ${make(fixture, { scope: undefined })}`), 'read');
    expect403Scope(await rs.get('/r', `Bearer ${make(fixture, { scope: ['read'] })}`), 'read');
    expect403Scope(await rs.get('/r', `Bearer ${make(fixture, { scope: 5 })}`), 'read');
  }),

  row('AT-10 groups, roles and entitlements reach the application', async (fixture) => {
    const claims = { groups: ['g1'], roles: ['admin', 'editor'], entitlements: [{ value: 'e1' }] };
    const { principal } = expect200(await fixture.rs.get('/r', `Bearer ${make(fixture, claims)}`));
    expect(principal).toMatchObject({ roles: ['admin', 'editor'], claims });
  }),

  row('AT-11 acr, amr and auth_time reach the application as they were at the login', async (fixture) => {
    const claims = { acr: 'urn:loa:2', amr: ['pwd', 'otp'], auth_time: fixture.clock.seconds() - 600 };
    const { principal } = expect200(await fixture.rs.get('/r', `Bearer ${make(fixture, claims)}`));
    expect(principal?.['claims']).toMatchObject(claims);
  }),

  row('AT-12 a client’s own token is recognisable, a user’s is never guessed', async (fixture) => {
    const principalOf = async (claims: Overrides) =>
      expect200(await fixture.rs.get('/r', `Bearer ${make(fixture, claims)}`)).principal;
    expect(await principalOf({ sub: 'c1', client_id: 'c1' })).toMatchObject({
      subjectType: 'client',
      subject: 'c1',
      clientId: 'c1',
    });
    expect(await principalOf({})).not.toHaveProperty('subjectType');
    expect(await principalOf({ sub: 'C1', client_id: 'c1' })).not.toHaveProperty('subjectType');
  }),

  row('AT-15 any published key may sign', async (fixture) => {
    const { as, rs, clock } = fixture;
    const second = ecKey('P-256', 'second');
    as.keySet = { keys: [...as.keys.publicKeySet().keys, second.jwk] };
    clock.advanceSeconds(601);
    expect200(await rs.get('/r', `Bearer ${signedBy(as, second, 'ES256')}`));
    expect200(await rs.get('/r', `Bearer ${make(fixture)}`));
  }),

  row('AT-16 T70 alg none is refused, whatever the rest says', async ({ as, rs }) => {
    for (const alg of ['none', 'None', 'nOnE'])
      for (const signature of ['', ownSigner(as)] as const)
        expect401Token(await rs.get('/any', `Bearer ${compact(ownHeader(as, { alg }), ownClaims(as), signature)}`));
  }),

  row('AT-12 what the principal says is what the token says', async (fixture) => {
    const now = fixture.clock.seconds();
    const token = make(fixture, { jti: 'j1', sid: 's1', act: { sub: 'a1' }, tenant: 't1' });
    const { principal } = expect200(await fixture.rs.get('/r', `Bearer ${token}`));
    expect(principal).toMatchObject({
      issuer: fixture.as.issuer,
      subject: 'u1',
      clientId: 'c1',
      scopes: ['read'],
      roles: [],
      audience: ['https://rs.example.com'],
      tokenId: 'j1',
      sessionId: 's1',
      scheme: 'Bearer',
      verifiedBy: 'local',
      expiresAtSeconds: now + 300,
      issuedAtSeconds: now,
      claims: { tenant: 't1', iss: fixture.as.issuer },
    });
  }),
];

describeRows('RFC 9068 access tokens', rows, { options: () => LOCAL.options, omit: LOCAL.omit });

describeScenarios('every algorithm of the default list', [
  ...['ES256', 'ES384', 'ES512'].map((alg) =>
    scenario(`AT-05 ${alg} is accepted by default`, LOCAL, async ({ as, rs }) => {
      const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;
      const key = ecKey(curves[alg as keyof typeof curves]);
      as.keySet = { keys: [key.jwk] };
      expect200(await rs.get('/r', `Bearer ${signedBy(as, key, alg)}`));
    }),
  ),
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) =>
    scenario(`AT-05 ${alg} is accepted by default`, LOCAL, async ({ as, rs }) => {
      const { alg: _alg, ...published } = as.keys.RS256.publicJwk;
      as.keySet = { keys: [published] };
      const sign = signer(alg, ownPrivateKey(as, 'RS256'));
      const header = ownHeader(as, { alg, kid: as.keys.RS256.kid });
      expect200(await rs.get('/r', `Bearer ${compact(header, ownClaims(as), sign)}`));
    }),
  ),
]);
