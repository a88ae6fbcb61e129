import { describe, expect, it } from 'vitest';
import { startAuthorizationServer } from '../support/authorization-server.js';
import { expectBootFailure } from '../support/boot-failure.js';
import { expect200, expect401Token } from '../support/expectations.js';
import { describeScenarios, LOCAL, scenario, type Scenario } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';
import { compact, ownClaims, ownHeader, ownSigner } from '../support/tokens.js';
import type { IntrospectionModuleOptions } from 'nestjs-introspection';

type Overrides = Record<string, unknown>;
type Options = Partial<IntrospectionModuleOptions>;

const local = (options: Options) => ({ options: { ...LOCAL.options, ...options }, omit: LOCAL.omit });

async function verdict({ as, rs }: Fixture, claims: Overrides, header: Overrides = {}): Promise<200 | 401> {
  const token = compact(ownHeader(as, header), ownClaims(as, claims), ownSigner(as));
  const answer = await rs.get('/any', `Bearer ${token}`);
  if (answer.status === 200) expect200(answer);
  else expect401Token(answer);
  return answer.status as 200 | 401;
}

async function principal({ as, rs }: Fixture, claims: Overrides): Promise<Overrides> {
  const token = compact(ownHeader(as), ownClaims(as, claims), ownSigner(as));
  return expect200(await rs.get('/any', `Bearer ${token}`)).principal ?? {};
}

const JWT = { typ: 'JWT' };
const UNTYPED = { typ: undefined };
/** Other tokens of the same server: same keys, our audience, nothing else to tell them apart but their purpose. */
const otherTokens: Record<string, Overrides> = {
  'at_hash of an ID token': { at_hash: 'x' },
  'c_hash of an ID token': { c_hash: 'x' },
  's_hash of an ID token': { s_hash: 'x' },
  'events of a logout or security event token': { events: {} },
  'token_introspection of a signed answer': { token_introspection: { active: true } },
  'payload typ ID': { typ: 'ID' },
  'payload typ Refresh': { typ: 'Refresh' },
  'payload typ Logout': { typ: 'Logout' },
  'token_use id': { token_use: 'id' },
  'token_use refresh': { token_use: 'refresh' },
  'no scopes, client is the audience': { scope: undefined, client_id: 'https://rs.example.com' },
};
const accessTokens: Record<string, Overrides> = {
  'T itself': {},
  'payload typ Bearer': { typ: 'Bearer' },
  'token_use access': { token_use: 'access' },
  'no scopes, client differs from the audience': { scope: undefined },
  'scopes, client is the audience': { client_id: 'https://rs.example.com' },
  'nonce and auth_time': { nonce: 'n', auth_time: 1 },
};

const tokenTypes: Scenario[] = [
  scenario('AT-01 tokenTypes: JWT is the written downgrade', local({ tokenTypes: ['at+jwt', 'JWT'] }), async (fixture) => {
    expect(await verdict(fixture, {}, JWT)).toBe(200);
    expect(await verdict(fixture, {}, { typ: 'application/jwt' })).toBe(200);
    expect(await verdict(fixture, {}, {})).toBe(200);
    for (const typ of [undefined, 'logout+jwt', 'secevent+jwt', 'dpop+jwt', 'token-introspection+jwt', ''])
      expect(await verdict(fixture, {}, { typ }), String(typ)).toBe(401);
  }),

  scenario(
    'AT-01 tokenTypes: null is a JWT without typ, and nothing else',
    local({ tokenTypes: ['at+jwt', null] }),
    async (fixture) => {
      expect(await verdict(fixture, {}, UNTYPED)).toBe(200);
      expect(await verdict(fixture, {}, {})).toBe(200);
      for (const typ of ['JWT', '', 'null', null, 5]) expect(await verdict(fixture, {}, { typ }), String(typ)).toBe(401);
    },
  ),

  scenario('AT-01 tokenTypes: JWT alone refuses at+jwt', local({ tokenTypes: ['JWT'] }), async (fixture) => {
    expect(await verdict(fixture, {}, JWT)).toBe(200);
    expect(await verdict(fixture, {}, {})).toBe(401);
  }),

  ...Object.entries({ JWT, 'no typ': UNTYPED }).map(([what, header]) =>
    scenario(
      `JWT-23 T87 with ${what} accepted, other tokens stay out`,
      local({ tokenTypes: ['at+jwt', 'JWT', null] }),
      async (fixture) => {
        for (const [name, claims] of Object.entries(otherTokens)) expect(await verdict(fixture, claims, header), name).toBe(401);
        for (const [name, claims] of Object.entries(accessTokens)) expect(await verdict(fixture, claims, header), name).toBe(200);
      },
    ),
  ),

  scenario('JWT-23 the discriminators are silent while only at+jwt is accepted', local({}), async (fixture) => {
    for (const [name, claims] of Object.entries({ ...otherTokens, ...accessTokens }))
      expect(await verdict(fixture, claims), name).toBe(200);
  }),

  scenario(
    'JWT-23 T87 a server whose ID tokens share iss, aud, kid and typ with its access tokens',
    local({ tokenTypes: ['at+jwt', 'JWT'], requiredClaims: ['sub'], audience: ['https://rs.example.com', 'c1'] }),
    async (fixture) => {
      const idToken = { aud: 'c1', scope: undefined, client_id: undefined, jti: undefined, nonce: 'n', auth_time: 1 };
      expect(await verdict(fixture, idToken, JWT)).toBe(401);
      expect(await verdict(fixture, { ...idToken, client_id: 'c1' }, JWT)).toBe(401);
      expect(await verdict(fixture, { scope: 'read' }, JWT)).toBe(200);
    },
  ),
];

const requiredClaims: Scenario[] = [
  scenario('AT-08 requiredClaims replaces the list', local({ requiredClaims: ['sub', 'tenant'] }), async (fixture) => {
    const bare = { client_id: undefined, jti: undefined, iat: undefined };
    expect(await verdict(fixture, { ...bare, tenant: 't1' })).toBe(200);
    expect(await verdict(fixture, bare)).toBe(401);
    expect(await verdict(fixture, { tenant: 't1', sub: undefined })).toBe(401);
  }),

  scenario('AT-08 iss, exp and aud are required even by an empty list', local({ requiredClaims: [] }), async (fixture) => {
    const bare = { sub: undefined, client_id: undefined, jti: undefined, iat: undefined };
    expect(await verdict(fixture, bare)).toBe(200);
    for (const claim of ['iss', 'exp', 'aud']) expect(await verdict(fixture, { ...bare, [claim]: undefined }), claim).toBe(401);
    for (const claim of ['sub', 'client_id', 'jti', 'iat'])
      expect(await verdict(fixture, { ...bare, [claim]: false }), claim).toBe(401);
  }),

  scenario('AT-08 audience: null is the opt-out for aud alone', local({ audience: null }), async (fixture) => {
    expect(await verdict(fixture, { aud: undefined })).toBe(200);
    expect(await verdict(fixture, { aud: 'https://other.example' })).toBe(200);
    expect(await verdict(fixture, { aud: 5 })).toBe(401);
    expect(await verdict(fixture, { iss: undefined })).toBe(401);
  }),

  scenario(
    'AT-08 client_id and jti are satisfied by what claims maps to them',
    local({ claims: { clientId: ['azp', 'client_id'], tokenId: ['uti'] } }),
    async (fixture) => {
      expect(await verdict(fixture, { client_id: undefined, azp: 'c2', jti: undefined, uti: 'j2' })).toBe(200);
      expect(await verdict(fixture, { client_id: undefined, uti: 'j2' })).toBe(401);
      expect(await verdict(fixture, { azp: 'c2', uti: undefined, jti: undefined })).toBe(401);
      const mapped = await principal(fixture, { client_id: undefined, azp: 'c2', jti: undefined, uti: 'j2' });
      expect(mapped).toMatchObject({ clientId: 'c2', tokenId: 'j2' });
    },
  ),

  scenario(
    'AT-08 the list is for JWTs: an answer of the server needs none of them',
    { options: { verification: 'remote' } },
    async ({ as, rs }) => {
      const bare = { sub: undefined, client_id: undefined };
      expect200(await rs.get('/any', `Bearer ${as.token(bare)}`));
    },
  ),
];

const failing = (): string[] => {
  throw new Error('of the application');
};

const claimMapping: Scenario[] = [
  scenario('AT-09 claims: scope, else scp, by default', local({}), async (fixture) => {
    const scopes = async (claims: Overrides) => (await principal(fixture, claims))['scopes'];
    expect(await scopes({ scope: undefined, scp: ['read', 'write'] })).toEqual(['read', 'write']);
    expect(await scopes({ scope: undefined, scp: 'read write' })).toEqual(['read', 'write']);
    expect(await scopes({ scope: 'a', scp: ['b'] })).toEqual(['a']);
    expect(await scopes({ scope: '  read   write ' })).toEqual(['read', 'write']);
    expect(await scopes({ scope: '' })).toEqual([]);
  }),

  scenario(
    'AT-10 claims: roles are the union of names, paths and functions',
    local({ claims: { roles: ['roles', ['realm_access', 'roles'], (claims) => claims['extra'] as string[]] } }),
    async (fixture) => {
      const claims = { roles: ['a'], realm_access: { roles: ['b', 'a'] }, extra: ['c'] };
      expect(new Set((await principal(fixture, claims))['roles'] as string[])).toEqual(new Set(['a', 'b', 'c']));
      expect((await principal(fixture, { realm_access: { roles: ['b'] } }))['roles']).toEqual(['b']);
      expect((await principal(fixture, { realm_access: 'roles', roles: 5 }))['roles']).toEqual([]);
    },
  ),

  scenario(
    'AT-09 claims: the first present wins, a function that throws or errs in type is absent',
    local({
      claims: {
        scopes: [failing, () => 5 as unknown as string[], ['permissions', 'list'], 'scope'],
        clientId: [failing, 'azp', 'client_id'],
        sessionId: [() => ({}) as unknown as string, 'session'],
      },
    }),
    async (fixture) => {
      const mapped = await principal(fixture, { permissions: { list: ['x', 'y'] }, azp: 'c9', session: 's9' });
      expect(mapped).toMatchObject({ scopes: ['x', 'y'], clientId: 'c9', sessionId: 's9' });
      expect(mapped['claims']).toMatchObject({ client_id: 'c1', scope: 'read', azp: 'c9' });
      expect(await principal(fixture, {})).toMatchObject({ scopes: ['read'], clientId: 'c1' });
    },
  ),

  scenario(
    'AT-12 claims: subjectType says who the subject is',
    local({ claims: { subjectType: (claims) => (claims['gty'] === 'password' ? 'user' : undefined) } }),
    async (fixture) => {
      expect(await principal(fixture, { gty: 'password' })).toMatchObject({ subjectType: 'user' });
      expect(await principal(fixture, { sub: 'c1' })).toMatchObject({ subjectType: 'client' });
    },
  ),

  scenario(
    'AT-09 claims: answers of the server are read the same way',
    { options: { verification: 'remote', claims: { scopes: ['permissions'], clientId: ['azp'] } } },
    async ({ as, rs }) => {
      const answer = await rs.get('/any', `Bearer ${as.token({ permissions: ['p1', 'p2'], azp: 'c7' })}`);
      expect(expect200(answer).principal).toMatchObject({ scopes: ['p1', 'p2'], clientId: 'c7' });
    },
  ),
];

describeScenarios('tokenTypes', tokenTypes);
describeScenarios('requiredClaims', requiredClaims);
describeScenarios('claims', claimMapping);

describe('start-up', () => {
  it.each([
    ['AT-02 iss cannot be mapped', { claims: { issuer: ['x'] } }, /claims/],
    ['AT-08 sub cannot be mapped', { claims: { subject: ['x'] } }, /claims/],
    ['AT-01 an empty list of types', { tokenTypes: [] }, /tokenTypes/],
    ['AT-01 a type that is no text', { tokenTypes: [5] }, /tokenTypes/],
    ['AT-08 a required claim that is no text', { requiredClaims: [5] }, /requiredClaims/],
    ['AT-03 no audience', { audience: undefined }, /audience/],
    ['AT-03 an empty list of audiences', { audience: [] }, /audience/],
    ['AT-03 an empty audience', { audience: '' }, /audience/],
  ])('%s: refused', async (_title, options, named) => {
    const as = await startAuthorizationServer();
    try {
      expect(await expectBootFailure(as, { verification: 'local', ...options }, LOCAL.omit)).toMatch(named);
    } finally {
      await as.close();
    }
  });
});
