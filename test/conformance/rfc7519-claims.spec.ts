import { CompactEncrypt, importJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { startAuthorizationServer } from '../support/authorization-server.js';
import { expectBootFailure } from '../support/boot-failure.js';
import { expect200, expect401Token } from '../support/expectations.js';
import { describeScenarios, expectCalls, LOCAL, scenario, warm } from '../support/scenario.js';
import { describeRows, row, type Fixture, type Row } from '../support/table.js';
import { compact, ownClaims, ownHeader, ownSigner } from '../support/tokens.js';

type Claims = Record<string, unknown>;
type ClaimsOf = (fixture: Fixture) => Claims;

function judged(title: string, verdict: 200 | 401, cases: Record<string, Claims | ClaimsOf>): Row[] {
  return Object.entries(cases).map(([what, claims]) =>
    row(`${title}: ${what}`, async (fixture) => {
      const { as, rs } = fixture;
      const overrides = typeof claims === 'function' ? claims(fixture) : claims;
      const answer = await rs.get('/any', `Bearer ${compact(ownHeader(as), ownClaims(as, overrides), ownSigner(as))}`);
      if (verdict === 200) expect200(answer);
      else expect401Token(answer);
      expectCalls(answer, { I: 0 });
    }),
  );
}

/** A payload as text, for what `JSON.stringify` would not write. */
function payload(title: string, verdict: 200 | 401, change: (text: string, fixture: Fixture) => string): Row {
  return row(title, async (fixture) => {
    const { as, rs } = fixture;
    const text = change(JSON.stringify(ownClaims(as)), fixture);
    const answer = await rs.get('/any', `Bearer ${compact(ownHeader(as), text, ownSigner(as))}`);
    if (verdict === 200) expect200(answer);
    else expect401Token(answer);
  });
}

const exp = (offset: number): ClaimsOf => {
  return ({ clock }) => ({ exp: clock.seconds() + offset });
};
const nbf = (offset: number): ClaimsOf => {
  return ({ clock }) => ({ nbf: clock.seconds() + offset });
};
const iat = (offset: number): ClaimsOf => {
  return ({ clock }) => ({ iat: clock.seconds() + offset });
};
const wrongTypes = (claim: string, values: unknown[]): Record<string, Claims> =>
  Object.fromEntries(values.map((value) => [`${claim}: ${JSON.stringify(value)}`, { [claim]: value }]));
const withTolerance = (clockToleranceSeconds: number) => ({
  options: () => ({ ...LOCAL.options, clockToleranceSeconds }),
  omit: LOCAL.omit,
});

describeRows(
  'time claims without tolerance',
  [
    ...judged('JWT-11 AT-06 equality is expired', 401, { now: exp(0), 'a second ago': exp(-1), 'long ago': exp(-100_000) }),
    ...judged('JWT-11 AT-06 before exp is in time', 200, { 'a second ahead': exp(1), 'five minutes ahead': exp(300) }),
    ...judged('JWT-13 at or after nbf', 200, { now: nbf(0), before: nbf(-1) }),
    ...judged('JWT-13 before nbf', 401, { 'a second ahead': nbf(1), 'a year ahead': nbf(31_536_000) }),
    ...judged('JWT-15 a time may have a fraction', 200, { exp: exp(5.5), 'exp half a second ahead': exp(0.5), nbf: nbf(-0.5) }),
    ...judged('JWT-15 a fraction counts', 401, { nbf: nbf(0.5), exp: exp(-0.5) }),
    ...judged('JWT-14 iat ahead', 200, { '9 s': iat(9), '60 s': iat(60) }),
    ...judged('JWT-14 iat too far ahead', 401, { '61 s': iat(61), 'a day': iat(86_400) }),
  ],
  withTolerance(0),
);

describeRows(
  'time claims with the default tolerance',
  [
    ...judged('JWT-12 exp within five seconds', 200, { '4 s ago': exp(-4) }),
    ...judged('JWT-12 exp beyond five seconds', 401, { '5 s ago': exp(-5) }),
    ...judged('JWT-13 nbf within five seconds', 200, { '5 s ahead': nbf(5) }),
    ...judged('JWT-13 nbf beyond five seconds', 401, { '6 s ahead': nbf(6) }),
  ],
  { options: () => LOCAL.options, omit: LOCAL.omit },
);

describeRows(
  'time claims with 30 seconds of tolerance',
  [
    ...judged('JWT-12 AT-06 exp within the tolerance', 200, { '29 s ago': exp(-29) }),
    ...judged('JWT-12 AT-06 exp beyond the tolerance', 401, { '30 s ago': exp(-30), '31 s ago': exp(-31) }),
    ...judged('JWT-13 nbf within the tolerance', 200, { '30 s ahead': nbf(30) }),
    ...judged('JWT-13 nbf beyond the tolerance', 401, { '31 s ahead': nbf(31) }),
  ],
  withTolerance(30),
);

describeRows(
  'time claims with the largest tolerance',
  [
    ...judged('JWT-14 iat is judged without it', 401, { '61 s ahead': iat(61), '300 s ahead': iat(300) }),
    ...judged('JWT-12 exp within the tolerance', 200, { '299 s ago': exp(-299) }),
  ],
  withTolerance(300),
);

describeRows(
  'claims of the wrong type',
  [
    ...judged('JWT-15 exp is a number', 401, wrongTypes('exp', ['4102444800', '', null, true, [4_102_444_800], {}])),
    ...judged('JWT-15 nbf is a number', 401, wrongTypes('nbf', ['0', null, false, [0], {}])),
    ...judged('JWT-15 iat is a number', 401, wrongTypes('iat', ['0', null, false, [0], {}])),
    payload('JWT-15 an exp that no number can hold', 401, (text) => text.replace(/"exp":\d+/, '"exp":1e400')),
    payload('JWT-15 an exp in scientific notation is a number', 200, (text) => text.replace(/"exp":\d+/, '"exp":4.1024448E9')),
    payload('JWT-15 a negative exp', 401, (text) => text.replace(/"exp":\d+/, '"exp":-1')),
    payload('JWT-15 an exp in hexadecimal is no JSON', 401, (text) => text.replace(/"exp":\d+/, '"exp":0xffffffff')),

    ...judged('JWT-16 aud is a text or a list of texts', 401, {
      ...wrongTypes('aud', [null, 5, true, {}, [], [[]], [5], ['x', 5], [['https://rs.example.com']]]),
      'ours beside a number': { aud: ['https://rs.example.com', 5] },
      'ours beside null': { aud: [null, 'https://rs.example.com'] },
      'ours as a key': { aud: { 'https://rs.example.com': true } },
    }),
    ...judged('JWT-16 we must be in aud, exactly', 401, {
      ...wrongTypes('aud', ['', 'x', ['x', 'y'], 'https://rs.example.com x', 'x https://rs.example.com']),
      ...wrongTypes('aud', [
        'https://RS.example.com',
        'https://rs.example.com/',
        'https://rs.example.co',
        'https://rs.example.com/r',
      ]),
    }),
    ...judged(
      'JWT-16 aud that holds us',
      200,
      wrongTypes('aud', [['https://rs.example.com'], ['x', 'https://rs.example.com', 'y']]),
    ),

    ...judged('JWT-18 iss is a text', 401, {
      ...wrongTypes('iss', [null, 5, true, {}]),
      'ours in a list': ({ as }) => ({ iss: [as.issuer] }),
      'ours in a list with another': ({ as }) => ({ iss: ['https://evil.test', as.issuer] }),
    }),
    ...judged('JWT-19 sub is a text', 401, wrongTypes('sub', [123, null, true, ['u1'], {}])),
    ...judged('JWT-19 client_id is a text', 401, wrongTypes('client_id', [123, null, true, ['c1'], {}])),
    ...judged('JWT-19 jti is a text', 401, wrongTypes('jti', [123, null, true, ['j1'], {}])),
    ...judged('JWT-19 T100 cnf is an object', 401, wrongTypes('cnf', [null, 'x', 1, [], true, { jkt: 1 }])),
    ...judged('JWT-19 MTLS-16 an empty cnf binds nothing', 200, wrongTypes('cnf', [{}])),
    ...judged('JWT-19 T100 a binding that cannot be checked refuses', 401, wrongTypes('cnf', [{ jkt: 'a' }, { foo: 1 }])),
  ],
  { options: () => LOCAL.options, omit: LOCAL.omit },
);

describeScenarios(
  'the clock',
  [
    scenario('JWT-29 no decision looks at another clock', {}, async (fixture) => {
      const { as, rs, clock } = fixture;
      clock.setMilliseconds(Date.UTC(2033, 4, 18));
      await warm(fixture);
      const token = await as.sign();
      clock.advanceSeconds(304);
      expect200(await rs.get('/any', `Bearer ${token}`));
      clock.advanceSeconds(1);
      expect401Token(await rs.get('/any', `Bearer ${token}`));
      clock.advanceSeconds(-200);
      expect200(await rs.get('/any', `Bearer ${token}`));
    }),

    scenario('JWT-28 T84 encrypted to our keys is not signed by anybody', {}, async (fixture) => {
      const { as, rs } = fixture;
      await warm(fixture);
      const publicKey = await importJWK({ ...as.keys.RS256.publicJwk, use: 'enc', alg: 'RSA-OAEP-256' }, 'RSA-OAEP-256');
      for (const plain of [JSON.stringify(ownClaims(as)), await as.sign()]) {
        const jwe = await new CompactEncrypt(Buffer.from(plain))
          .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', typ: 'at+jwt', cty: 'JWT', kid: as.keys.RS256.kid })
          .encrypt(publicKey);
        const answer = await rs.get('/any', `Bearer ${jwe}`);
        expect401Token(answer);
        expectCalls(answer, { I: 0, J: 0 });
      }
    }),

    scenario('JWT-28 T83 T84 a broken or costly JWE is refused like any other', {}, async (fixture) => {
      await warm(fixture);
      const part = 'AAAAAAAAAAAAAAAAAAAAAA';
      const headers = [
        { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2_147_483_647, p2s: part },
        { alg: 'dir', enc: 'A128GCM' },
        { alg: 'dir', enc: 'A128GCM', zip: 'DEF' },
        { alg: 'ECDH-ES', enc: 'A128GCM', epk: {} },
        { alg: 'none' },
        {},
      ];
      for (const header of headers) {
        const encoded = Buffer.from(JSON.stringify(header)).toString('base64url');
        for (const rest of [`${part}.${part}.${part}.${part}`, '...', `.${part}.${part}.`]) {
          const answer = await fixture.rs.get('/any', `Bearer ${encoded}.${rest}`);
          expect401Token(answer);
          expectCalls(answer, { I: 0, J: 0 });
        }
      }
    }),

    scenario('JWT-21 a payload that is said to be a JWT and is none', {}, async ({ as, rs }) => {
      for (const cty of ['JWT', 'jwt', 'application/jwt'])
        expect401Token(await rs.get('/any', `Bearer ${compact(ownHeader(as, { cty }), ownClaims(as), ownSigner(as))}`));
      expect200(await rs.get('/any', `Bearer ${compact(ownHeader(as, { cty: 'json' }), ownClaims(as), ownSigner(as))}`));
    }),

    scenario('JWT-21 a JWT in a JWT was not asked for', {}, async ({ as, rs }) => {
      const inner = await as.sign();
      for (const header of [{ cty: 'JWT' }, { cty: 'jwt' }, { cty: 'at+jwt' }, {}])
        for (const text of [inner, JSON.stringify(inner)])
          expect401Token(await rs.get('/any', `Bearer ${compact(ownHeader(as, header), text, ownSigner(as))}`));
    }),

    scenario('JWT-06 T72 only what algorithms lists', { options: { algorithms: ['ES256'] } }, async ({ as, rs }) => {
      expect200(await rs.get('/any', `Bearer ${await as.sign()}`));
      const answer = await rs.get('/any', `Bearer ${await as.sign({}, { alg: 'RS256' })}`);
      expect401Token(answer);
      expectCalls(answer, { I: 0 });
    }),

    scenario(
      'JWT-06 T72 the alg of the header is no choice of the key’s',
      {
        prepare: ({ as }) => {
          as.keySet = { keys: as.keys.publicKeySet().keys.map(({ alg: _alg, ...key }) => key) };
        },
        options: { algorithms: ['RS256', 'ES256'] },
      },
      async ({ as, rs }) => {
        const kid = as.keys.RS256.kid;
        expect200(await rs.get('/any', `Bearer ${await as.sign({}, { alg: 'RS256' })}`));
        const token = compact(ownHeader(as, { alg: 'PS256', kid }), ownClaims(as), ownSigner(as, 'PS256'));
        expect401Token(await rs.get('/any', `Bearer ${token}`));
        const crossed = compact(ownHeader(as, { alg: 'ES256', kid }), ownClaims(as), ownSigner(as, 'RS256'));
        expect401Token(await rs.get('/any', `Bearer ${crossed}`));
      },
    ),

    scenario('JWT-17 T89 another server’s key under our kid and iss', {}, async (fixture) => {
      const { as, rs } = fixture;
      await warm(fixture);
      const other = await startAuthorizationServer();
      try {
        const header = { kid: as.keys.ES256.kid };
        const token = await other.sign(ownClaims(as), { header });
        expect401Token(await rs.get('/any', `Bearer ${token}`));
        expect401Token(await rs.get('/any', `Bearer ${await other.sign({}, { header })}`));
        expect(other.requests).toEqual([]);
      } finally {
        await other.close();
      }
    }),
  ],
  LOCAL,
);

describe('start-up', () => {
  it.each([
    ['JWT-06 an empty list of algorithms', { algorithms: [] }, /algorithms/],
    ['JWT-06 T70 none among the algorithms', { algorithms: ['ES256', 'none'] }, /algorithms/],
    ['JWT-06 an algorithm that nobody knows', { algorithms: ['es256'] }, /algorithms/],
    ['JWT-12 a tolerance of more than five minutes', { clockToleranceSeconds: 301 }, /clockToleranceSeconds/],
    ['JWT-12 a negative tolerance', { clockToleranceSeconds: -1 }, /clockToleranceSeconds/],
    ['JWT-12 a tolerance that is no number', { clockToleranceSeconds: Number.NaN }, /clockToleranceSeconds/],
  ])('%s is refused', async (_title, options, named) => {
    const as = await startAuthorizationServer();
    try {
      expect(await expectBootFailure(as, { verification: 'local', ...options }, LOCAL.omit)).toMatch(named);
    } finally {
      await as.close();
    }
  });
});
