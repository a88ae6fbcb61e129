import { expect } from 'vitest';
import { json } from '../support/authorization-server.js';
import { expect200, expect401Token, expect503 } from '../support/expectations.js';
import { ecKey, edKey, macSigner } from '../support/keys.js';
import { describeScenarios, expectCalls, scenario, warmAndRested } from '../support/scenario.js';
import { describeRows, row, type Fixture } from '../support/table.js';
import { compact, flipBit, ownClaims, ownHeader, ownSigner, signedBy } from '../support/tokens.js';

const MODES = ['local', 'remote', 'hybrid', 'both'] as const;
type Mode = (typeof MODES)[number];
type Outcome = readonly [status: 200 | 401 | 503, introspections: 0 | 1];

interface Kind {
  /** Row ids and what the tokens have in common. */
  title: string;
  expected: Record<Mode, Outcome>;
  tokens: Record<string, (fixture: Fixture) => string | Promise<string>>;
  /** What happens to the key set before the request. */
  before?(fixture: Fixture): void | Promise<void>;
}

const stranger = ecKey('P-256', 'unpublished');
const strangerEd = edKey('ed25519', 'unpublished-ed');
const opaquePart = 'ZXhhbXBsZQ';

const own = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) => {
  return ({ as }: Fixture): string => compact(ownHeader(as, header), ownClaims(as, claims), ownSigner(as));
};
const payload = (bytes: string) => {
  return ({ as }: Fixture): string => compact(ownHeader(as), bytes, ownSigner(as));
};
const unsigned = (alg: string) => {
  return ({ as }: Fixture): string => compact({ alg, typ: 'at+jwt' }, ownClaims(as), '');
};
const header = (part: string) => {
  return ({ as }: Fixture): string => compact(part, ownClaims(as), ownSigner(as));
};

const KINDS: Kind[] = [
  {
    title: 'HYB-02 not JWT-shaped',
    expected: { local: [401, 0], remote: [200, 1], hybrid: [200, 1], both: [401, 0] },
    tokens: {
      opaque: ({ as }) => as.token(),
      'two parts': () => `${opaquePart}.${opaquePart}`,
      'four parts': async ({ as }) => `${await as.sign()}.${opaquePart}`,
      'five parts (JWE)': () => compact({ alg: 'RSA-OAEP', enc: 'A256GCM' }, 'x', Buffer.from('y')) + '.eA.eQ',
      'six parts': () => Array.from({ length: 6 }, () => opaquePart).join('.'),
      'three parts, no JSON': () => `${opaquePart}.${opaquePart}.${opaquePart}`,
      'a header that is an array': header('["ES256"]'),
      'a header without alg': header('{"typ":"at+jwt"}'),
      'a header whose alg is no string': header('{"alg":256}'),
      'an empty payload part': ({ as }) => compact(ownHeader(as), '', ownSigner(as)),
    },
  },
  {
    title: 'HYB-02 a JWT without iss',
    expected: { local: [401, 0], remote: [200, 1], hybrid: [200, 1], both: [401, 0] },
    tokens: {
      'signed by the server': own({ iss: undefined }),
      'signed by a stranger': ({ as }) => signedBy(as, stranger, 'ES256', { iss: undefined }),
    },
  },
  {
    title: 'HYB-01 T78 a JWT of an issuer that is not configured',
    expected: { local: [401, 0], remote: [200, 1], hybrid: [401, 0], both: [401, 0] },
    tokens: {
      'another host': own({ iss: 'https://evil.test' }),
      'a slash more': (fixture) => own({ iss: `${fixture.as.issuer}/` })(fixture),
      'another case': (fixture) => own({ iss: fixture.as.issuer.toUpperCase() })(fixture),
      'an empty text': own({ iss: '' }),
      'signed by a stranger': ({ as }) => signedBy(as, stranger, 'ES256', { iss: 'https://evil.test' }),
    },
  },
  {
    title: 'HYB-01 HYB-05 an own JWT that fails a check',
    expected: { local: [401, 0], remote: [200, 1], hybrid: [401, 0], both: [401, 0] },
    tokens: {
      'alg: none': unsigned('none'),
      'alg: None': unsigned('None'),
      'alg: nOnE': unsigned('nOnE'),
      'alg: none with a signature': own({}, { alg: 'none' }),
      'an alg that is not allowed': ({ as }) => compact(ownHeader(as, { alg: 'HS256' }), ownClaims(as), macSigner('HS256', 'x')),
      'an alg that nobody knows': own({}, { alg: 'XS256' }),
      'typ JWT': own({}, { typ: 'JWT' }),
      'no typ': own({}, { typ: undefined }),
      'a bad signature': async ({ as }) => flipBit(await as.sign(), 2, 100),
      'an empty signature': ({ as }) => compact(ownHeader(as), ownClaims(as), ''),
      'a stranger’s signature under a known kid': ({ as }) => signedBy(as, stranger, 'ES256', {}, { kid: as.keys.ES256.kid }),
      'exp past': (fixture) => own({ exp: fixture.clock.seconds() - 60 })(fixture),
      'no exp': own({ exp: undefined }),
      'nbf ahead': (fixture) => own({ nbf: fixture.clock.seconds() + 60 })(fixture),
      'iat ahead': (fixture) => own({ iat: fixture.clock.seconds() + 61 })(fixture),
      'another audience': own({ aud: 'https://other.example' }),
      'no audience': own({ aud: undefined }),
      'no sub': own({ sub: undefined }),
      'no client_id': own({ client_id: undefined }),
      'no iat': own({ iat: undefined }),
      'no jti': own({ jti: undefined }),
      'sub of another type': own({ sub: 5 }),
      'iss of another type': own({ iss: 5 }),
      'iss null': own({ iss: null }),
      'iss as a list': (fixture) => own({ iss: [fixture.as.issuer] })(fixture),
      'a payload that is an array': payload('[]'),
      'a payload that is a text': payload('"x"'),
      'a payload that is no JSON': payload('opaque'),
      'a kid that is no text': own({}, { kid: 5 }),
      'a kid that is a list': (fixture) => own({}, { kid: [fixture.as.keys.ES256.kid] })(fixture),
      'an unknown crit': own({}, { crit: ['exp2'], exp2: 1 }),
    },
  },
  {
    title: 'HYB-02 T91 an own JWT by a key that is not published',
    expected: { local: [401, 0], remote: [200, 1], hybrid: [200, 1], both: [401, 0] },
    tokens: {
      'unknown kid': ({ as }) => signedBy(as, stranger, 'ES256'),
      'no kid and no key that fits': ({ as }) => signedBy(as, strangerEd, 'EdDSA', {}, { kid: undefined }),
    },
  },
  {
    title: 'HYB-02 T91 an own JWT by an unknown key, in the cool-down',
    expected: { local: [401, 0], remote: [200, 1], hybrid: [200, 1], both: [401, 0] },
    tokens: { 'unknown kid': ({ as }) => signedBy(as, stranger, 'ES256') },
    before: async ({ as, rs }) => {
      await rs.get('/any', `Bearer ${signedBy(as, ecKey(), 'ES256')}`);
    },
  },
  {
    title: 'HYB-02 T80 an own JWT by an unknown key while the key set is down',
    expected: { local: [503, 0], remote: [200, 1], hybrid: [200, 1], both: [503, 0] },
    tokens: { 'unknown kid': ({ as }) => signedBy(as, stranger, 'ES256') },
    before: ({ as }) => as.replace('jwks', (_request, response) => json(response, {}, 500)),
  },
  {
    title: 'HYB-02 an own JWT that passes all checks',
    expected: { local: [200, 0], remote: [200, 1], hybrid: [200, 0], both: [200, 1] },
    tokens: { ES256: ({ as }) => as.sign(), RS256: ({ as }) => as.sign({}, { alg: 'RS256' }) },
  },
];

for (const mode of MODES) {
  const rows = KINDS.flatMap(({ title, expected, tokens, before }) =>
    Object.entries(tokens).map(([name, make]) => {
      const [status, introspections] = expected[mode];
      return row(`${title} (${name}) → ${status}, I:${introspections}`, async (fixture) => {
        const { as, rs } = fixture;
        await warmAndRested(fixture);
        await before?.(fixture);
        const token = await make(fixture);
        // The server says yes to everything: a refusal is the resource server's own.
        as.answer(token, { active: true, token_type: 'Bearer', ...as.claims() });
        const answer = await rs.get('/r', `Bearer ${token}`);
        if (status === 200) expect200(answer);
        else if (status === 401) expect401Token(answer);
        else expect503(answer);
        expectCalls(answer, { I: introspections });
      });
    }),
  );
  describeRows(`verification: ${mode}`, rows, {
    options: () => ({ verification: mode }),
    ...(mode === 'local' && { omit: ['clientAuthentication'] }),
  });
}

describeRows(
  'hybrid',
  [
    row('HYB-02 an unknown kid costs one key set fetch, then the question', async (fixture) => {
      const { as, rs } = fixture;
      await warmAndRested(fixture);
      const token = signedBy(as, stranger, 'ES256');
      as.answer(token, { active: true, ...as.claims() });
      const before = as.requests.length;
      const first = await rs.get('/r', `Bearer ${token}`);
      expect200(first);
      expect(as.requests.slice(before).map(({ path }) => path)).toEqual(['/jwks', '/introspect']);
      const second = await rs.get('/r', `Bearer ${token}`);
      expect200(second);
      expectCalls(second, { I: 1, J: 0 });
    }),

    row('HYB-02 an opaque token costs no key set fetch', async (fixture) => {
      await warmAndRested(fixture);
      const answer = await fixture.rs.get('/r', `Bearer ${fixture.as.token()}`);
      expect200(answer);
      expectCalls(answer, { I: 1, J: 0 });
    }),

    row('HYB-02 an unknown kid or opaque token that the server calls inactive is refused', async (fixture) => {
      await warmAndRested(fixture);
      for (const token of [signedBy(fixture.as, stranger, 'ES256'), 'opaque-unknown']) {
        const answer = await fixture.rs.get('/r', `Bearer ${token}`);
        expect401Token(answer);
        expectCalls(answer, { I: 1 });
      }
    }),

    row('HYB-02 an unknown kid is 503 while the server cannot be asked either', async (fixture) => {
      const { as, rs } = fixture;
      await warmAndRested(fixture);
      as.replace('introspection', (_request, response) => json(response, {}, 500));
      expect503(await rs.get('/r', `Bearer ${signedBy(as, stranger, 'ES256')}`));
    }),

    row('HYB-03 a JWT that is good here is not asked about, even where the server would refuse it', async (fixture) => {
      await warmAndRested(fixture);
      const token = await fixture.as.sign();
      fixture.as.answer(token, { active: false });
      const answer = await fixture.rs.get('/any', `Bearer ${token}`);
      expect(expect200(answer).principal).toMatchObject({ verifiedBy: 'local', subject: 'u1' });
      expectCalls(answer, { I: 0, J: 0 });
    }),

    row('HYB-05 T70 alg none stays refused where the server calls it active', async ({ as, rs }) => {
      const token = compact({ alg: 'none', typ: 'at+jwt' }, ownClaims(as), '');
      as.answer(token, { active: true, ...as.claims() });
      const answer = await rs.get('/r', `Bearer ${token}`);
      expect401Token(answer);
      expectCalls(answer, { I: 0, J: 0 });
    }),
  ],
  { options: () => ({ verification: 'hybrid' }) },
);

const modesWithoutKeys = { local: [503, 0], hybrid: [200, 1], both: [503, 0] } as const;
const introspectable = async ({ as }: Fixture): Promise<string> => {
  const token = await as.sign();
  as.answer(token, { active: true, ...as.claims() });
  return token;
};

describeScenarios('no key set is held', [
  ...Object.entries(modesWithoutKeys).flatMap(([verification, [status, introspections]]) =>
    (
      [
        ['the key set is down', 'jwks'],
        ['the metadata is down', 'metadata'],
      ] as const
    ).map(([what, endpoint]) =>
      scenario(
        `HYB-02 T80 a good JWT while ${what} (${verification}) → ${status}, I:${introspections}`,
        {
          options: ({ as }) => ({
            verification: verification as Mode,
            ...(verification !== 'local' && { introspectionEndpoint: as.introspectionEndpoint }),
          }),
          ...(verification === 'local' && { omit: ['clientAuthentication'] }),
          prepare: ({ as }) => {
            as.replace(endpoint, (_request, response) => json(response, {}, 500));
            if (endpoint === 'metadata') as.replace('openidConfiguration', (_request, response) => json(response, {}, 500));
          },
        },
        async (fixture) => {
          const answer = await fixture.rs.get('/r', `Bearer ${await introspectable(fixture)}`);
          if (status === 200) expect(expect200(answer).principal).toMatchObject({ verifiedBy: 'introspection' });
          else expect503(answer);
          expectCalls(answer, { I: introspections });
        },
      ),
    ),
  ),

  scenario(
    'HYB-02 with a static key set an unknown kid is asked about without any fetch',
    { options: ({ as }) => ({ verification: 'hybrid', jwks: as.keys.publicKeySet() as { keys: Record<string, unknown>[] } }) },
    async ({ as, rs }) => {
      const token = signedBy(as, stranger, 'ES256');
      as.answer(token, { active: true, ...as.claims() });
      const answer = await rs.get('/r', `Bearer ${token}`);
      expect200(answer);
      expectCalls(answer, { I: 1, J: 0 });
    },
  ),

  scenario('HYB-02 with remote verification no key is ever fetched', { options: { verification: 'remote' } }, async (fixture) => {
    const { as, rs } = fixture;
    const answer = await rs.get('/r', `Bearer ${await introspectable(fixture)}`);
    expect(expect200(answer).principal).toMatchObject({ verifiedBy: 'introspection' });
    expectCalls(answer, { I: 1 });
    expect(as.keySetFetches).toBe(0);
  }),

  scenario('HYB-01 hybrid is what happens when nothing is said', { omit: ['verification'] }, async ({ as, rs }) => {
    expectCalls(await rs.get('/r', `Bearer ${await as.sign()}`), { I: 0 });
    const expired = await as.sign({ exp: 1 });
    as.answer(expired, { active: true, ...as.claims() });
    const refused = await rs.get('/r', `Bearer ${expired}`);
    expect401Token(refused);
    expectCalls(refused, { I: 0 });
    const opaque = await rs.get('/r', `Bearer ${as.token()}`);
    expect200(opaque);
    expectCalls(opaque, { I: 1 });
  }),
]);
