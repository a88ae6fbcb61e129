import { expect } from 'vitest';
import { json } from '../support/authorization-server.js';
import { expect200, expect201, expect401Token, expect403Scope, expect503 } from '../support/expectations.js';
import { ecKey } from '../support/keys.js';
import type { HeaderLine } from '../support/raw-http.js';
import type { Exchange } from '../support/resource-server.js';
import { expectCalls, warmAndRested } from '../support/scenario.js';
import { describeRows, row, type Fixture } from '../support/table.js';
import { signedBy } from '../support/tokens.js';

type Claims = Record<string, unknown>;

/** A good JWT with the first claims, about which the server answers with the second. */
async function both({ as }: Fixture, jwt: Claims, answer: Claims): Promise<string> {
  const token = await as.sign(jwt);
  as.answer(token, { active: true, token_type: 'Bearer', ...as.claims(answer) });
  return token;
}

async function get(fixture: Fixture, jwt: Claims, answer: Claims, path = '/any'): Promise<Exchange> {
  return fixture.rs.get(path, `Bearer ${await both(fixture, jwt, answer)}`);
}

const bearer = (token: string): HeaderLine[] => [['Authorization', `Bearer ${token}`]];

const differing: Record<string, [jwt: Claims, answer: Claims]> = {
  sub: [{ sub: 'u1' }, { sub: 'u2' }],
  'sub in case': [{ sub: 'u1' }, { sub: 'U1' }],
  client_id: [{ client_id: 'c1' }, { client_id: 'c2' }],
  'iss in the answer': [{}, { iss: 'https://other.example' }],
  'aud in the answer': [{}, { aud: 'https://other.example' }],
  'aud in the JWT': [{ aud: 'https://other.example' }, {}],
  cnf: [{ cnf: { jkt: 'a' } }, { cnf: { jkt: 'b' } }],
};

describeRows(
  'verification: both, merged',
  [
    ...Object.entries(differing).map(([what, [jwt, answer]]) =>
      row(`HYB-04 T88 both sources must agree: ${what}`, async (fixture) => {
        expect401Token(await get(fixture, jwt, answer));
      }),
    ),

    row('HYB-04 what both say alike is accepted, once asked', async (fixture) => {
      const answer = await get(fixture, {}, {}, '/r');
      expect(expect200(answer).principal).toMatchObject({
        verifiedBy: 'both',
        issuer: fixture.as.issuer,
        subject: 'u1',
        clientId: 'c1',
        scopes: ['read'],
        scheme: 'Bearer',
      });
      expectCalls(answer, { I: 1 });
    }),

    row('HYB-04 a claim that only one source has is taken from it', async (fixture) => {
      const sparse = { sub: undefined, client_id: undefined, iss: undefined, scope: undefined, exp: undefined };
      const fromJwt = expect200(await get(fixture, { tenant: 't1' }, sparse, '/r')).principal;
      expect(fromJwt).toMatchObject({ subject: 'u1', clientId: 'c1', scopes: ['read'], claims: { tenant: 't1' } });
      const fromAnswer = expect200(await get(fixture, { scope: undefined }, { scope: 'read', username: 'ada' }, '/r')).principal;
      expect(fromAnswer).toMatchObject({ scopes: ['read'], claims: { username: 'ada' } });
    }),

    ...(
      [
        ['jkt in the JWT alone', { cnf: { jkt: 'a' } }, {}],
        ['jkt in the answer alone', {}, { cnf: { jkt: 'a' } }],
        ['the same jkt in both', { cnf: { jkt: 'a' } }, { cnf: { jkt: 'a' } }],
        ['x5t#S256 in the JWT alone', { cnf: { 'x5t#S256': 'a' } }, {}],
        ['an unknown member in the answer alone', {}, { cnf: { foo: 'a' } }],
        ['null in the answer', {}, { cnf: null }],
      ] as [string, Claims, Claims][]
    ).map(([what, jwt, answer]) =>
      row(`HYB-04 a binding is enforced whichever source names it: ${what}`, async (fixture) => {
        expect401Token(await get(fixture, jwt, answer));
      }),
    ),

    row('HYB-04 each aud must hold one of ours, not the same ones', async (fixture) => {
      const [jwt, answer] = [{ aud: ['https://rs.example.com', 'x'] }, { aud: ['y', 'https://rs.example.com'] }];
      expect200(await get(fixture, jwt, answer));
      expect401Token(await get(fixture, jwt, { aud: ['x', 'y'] }));
    }),

    row('HYB-04 scopes intersect when both have them', async (fixture) => {
      const token = await both(fixture, { scope: 'read write' }, { scope: 'extra read' });
      expect(expect200(await fixture.rs.get('/r', `Bearer ${token}`)).principal).toMatchObject({ scopes: ['read'] });
      expect403Scope(await fixture.rs.send({ method: 'POST', path: '/w', headers: bearer(token) }), 'write');
      expect403Scope(await get(fixture, { scope: 'read' }, { scope: 'write' }, '/r'), 'read');
      const common = await both(fixture, { scope: 'read write' }, { scope: 'write' });
      expect201(await fixture.rs.send({ method: 'POST', path: '/w', headers: bearer(common) }));
    }),

    row('HYB-04 the earlier exp counts', async (fixture) => {
      const now = fixture.clock.seconds();
      const later = await both(fixture, { exp: now + 100 }, { exp: now + 300 });
      const earlier = await both(fixture, { exp: now + 300 }, { exp: now + 100 });
      for (const token of [later, earlier]) {
        const { principal } = expect200(await fixture.rs.get('/any', `Bearer ${token}`));
        expect(principal).toMatchObject({ expiresAtSeconds: now + 100 });
      }
      fixture.clock.advanceSeconds(106);
      for (const token of [later, earlier]) expect401Token(await fixture.rs.get('/any', `Bearer ${token}`));
    }),

    row('HYB-04 both must accept: an inactive answer refuses a good JWT', async (fixture) => {
      const { as, rs } = fixture;
      const token = await as.sign();
      for (const verdict of [{ active: false }, { active: false, ...as.claims() }]) {
        as.answer(token, verdict);
        const answer = await rs.get('/any', `Bearer ${token}`);
        expect401Token(answer);
        expectCalls(answer, { I: 1 });
      }
      as.answer(token, (_request, response) => json(response, { error: 'unsupported_token_type' }, 400));
      expect401Token(await rs.get('/any', `Bearer ${token}`));
    }),

    row('HYB-04 both must accept: a failing server is 503, not the JWT’s own verdict', async ({ as, rs }) => {
      const token = await as.sign();
      as.answer(token, (_request, response) => json(response, {}, 500));
      expect503(await rs.get('/any', `Bearer ${token}`));
      as.answer(token, { active: 'true' });
      expect503(await rs.get('/any', `Bearer ${token}`));
    }),

    row('HYB-04 both must accept: an unknown key is refused whatever the server says', async (fixture) => {
      await warmAndRested(fixture);
      const token = signedBy(fixture.as, ecKey(), 'ES256');
      fixture.as.answer(token, { active: true, ...fixture.as.claims() });
      expect401Token(await fixture.rs.get('/any', `Bearer ${token}`));
    }),
  ],
  { options: () => ({ verification: 'both' }) },
);

const FORGED = {
  sub: 'mallory',
  client_id: 'mallory-client',
  scope: 'read write admin',
  roles: ['mallory-role'],
  sid: 'mallory-session',
  act: { sub: 'mallory-actor' },
  authorization_details: [{ type: 'mallory-type' }],
  exp: 4_102_444_800,
  email: 'mallory@example.com',
};

describeRows(
  'verification: both, answers without an audience',
  [
    row('HYB-04 allowMissingAudience lets the JWT’s audience stand alone, never a foreign one', async (fixture) => {
      expect200(await get(fixture, {}, { aud: undefined }));
      expect401Token(await get(fixture, { aud: 'https://other.example' }, { aud: undefined }));
      expect401Token(await get(fixture, {}, { aud: 'https://other.example' }));
    }),
  ],
  { options: () => ({ verification: 'both', allowMissingAudience: true }) },
);

describeRows(
  'nothing of an unverified JWT',
  [
    row('HYB-02 T91 reaches the principal when the server answers for an unknown key', async (fixture) => {
      const { as, rs } = fixture;
      await warmAndRested(fixture);
      const token = signedBy(as, ecKey('P-256', 'mallory-key'), 'ES256', FORGED);
      as.answer(token, { active: true, aud: 'https://rs.example.com', scope: 'read' });
      const answer = await rs.get('/r', `Bearer ${token}`);
      const { principal } = expect200(answer);
      expectCalls(answer, { I: 1 });
      expect(answer.body).not.toContain('mallory');
      expect(principal).toMatchObject({ issuer: as.issuer, scopes: ['read'], roles: [], verifiedBy: 'introspection' });
      expect(principal?.['claims']).toEqual({ aud: 'https://rs.example.com', scope: 'read' });
      for (const member of ['subject', 'clientId', 'sessionId', 'tokenId', 'expiresAtSeconds', 'issuedAtSeconds', 'actor'])
        expect(principal, member).not.toHaveProperty(member);
    }),

    row('HYB-02 T91 gives it a scope, a subject or an audience that the answer lacks', async (fixture) => {
      const { as, rs } = fixture;
      await warmAndRested(fixture);
      const token = signedBy(as, ecKey(), 'ES256', FORGED);
      as.answer(token, { active: true, aud: 'https://rs.example.com' });
      expect403Scope(await rs.get('/r', `Bearer ${token}`), 'read');
      as.answer(token, { active: true, scope: 'read' });
      expect401Token(await rs.get('/r', `Bearer ${token}`));
      as.answer(token, { active: true, aud: 'https://rs.example.com', scope: 'read', exp: fixture.clock.seconds() - 60 });
      expect401Token(await rs.get('/r', `Bearer ${token}`));
    }),

    row('HYB-02 T91 reaches the principal of a JWT without iss', async ({ as, rs }) => {
      const token = signedBy(as, ecKey(), 'ES256', { ...FORGED, iss: undefined });
      as.answer(token, { active: true, aud: 'https://rs.example.com', scope: 'read' });
      const answer = await rs.get('/r', `Bearer ${token}`);
      expect200(answer);
      expect(answer.body).not.toContain('mallory');
    }),
  ],
  { options: () => ({ verification: 'hybrid' }) },
);
