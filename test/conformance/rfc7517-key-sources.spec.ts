import { describe, expect, it } from 'vitest';
import { startAuthorizationServer } from '../support/authorization-server.js';
import { expectBootFailure } from '../support/boot-failure.js';
import { expect200, expect401Token } from '../support/expectations.js';
import { ecKey, macSigner, octKey, signer } from '../support/keys.js';
import { startLoopbackServer, type LoopbackServer } from '../support/loopback-server.js';
import { describeScenarios, expectCalls, LOCAL, scenario, warm, warmAndRested, type Scenario } from '../support/scenario.js';
import { compact, ownClaims, ownHeader, ownSigner, publicKeyTexts, signedBy } from '../support/tokens.js';

/** Runs with a listener that must never be called. */
async function withCanary(run: (canary: LoopbackServer) => Promise<void>): Promise<void> {
  const canary = await startLoopbackServer();
  try {
    await run(canary);
    expect(canary.requests).toBe(0);
  } finally {
    await canary.close();
  }
}

const headers: Scenario[] = [
  scenario('JWK-14 T74 T75 keys and addresses in a header are neither trusted nor fetched', LOCAL, async (fixture) => {
    const { as, rs } = fixture;
    await warmAndRested(fixture);
    const evil = ecKey('P-256', 'evil');
    const { privateKey } = evil;
    const x5c = [evil.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')];
    await withCanary(async ({ origin }) => {
      const urls = { jku: `${origin}/k`, x5u: `${origin}/c` };
      const tries: Record<string, unknown>[] = [
        { jku: urls.jku },
        { x5u: urls.x5u },
        { jwk: evil.jwk },
        { x5c },
        { ...urls, jwk: evil.jwk, x5c, x5t: 'x', 'x5t#S256': 'x' },
        { kid: `${origin}/k` },
        { kid: urls.jku, jku: urls.jku },
      ];
      for (const extra of tries)
        for (const kid of [evil.kid, as.keys.ES256.kid, undefined]) {
          const header = ownHeader(as, { kid, ...extra });
          const answer = await rs.get('/r', `Bearer ${compact(header, ownClaims(as), signer('ES256', privateKey))}`);
          expect401Token(answer);
          expectCalls(answer, { I: 0 });
        }
      const ours = ownHeader(as, { ...urls, jwk: evil.jwk, x5c });
      expect200(await rs.get('/r', `Bearer ${compact(ours, ownClaims(as), ownSigner(as))}`));
    });
  }),

  scenario('JWK-15 T75 kid is opaque, whatever its shape', LOCAL, async (fixture) => {
    const { as, rs } = fixture;
    await warmAndRested(fixture);
    const before = new Set(as.requests.map(({ path }) => path));
    const kids: unknown[] = [
      '../../etc/passwd',
      '../../admin',
      "' or 1=1--",
      'x?y#z',
      '%2e%2e/jwks',
      '',
      '__proto__',
      'constructor',
    ];
    kids.push('length', '0', 'a\u0000b', '\ud800', 'k'.repeat(5000), 5, null, true, ['a'], { a: 1 }, [as.keys.ES256.kid]);
    const fetches = as.keySetFetches;
    for (const kid of kids) {
      const answer = await rs.get('/r', `Bearer ${signedBy(as, ecKey(), 'ES256', {}, { kid })}`);
      expect401Token(answer);
      expectCalls(answer, { I: 0 });
    }
    expect(as.keySetFetches - fetches).toBeLessThanOrEqual(1);
    expect(new Set(as.requests.map(({ path }) => path))).toEqual(before);
  }),

  scenario('JWK-15 T75 a kid of 100 kB ends before anything looks at it', LOCAL, async (fixture) => {
    const { as, rs } = fixture;
    await warmAndRested(fixture);
    const token = signedBy(as, ecKey(), 'ES256', {}, { kid: 'k'.repeat(6200) });
    expect(token.length).toBeGreaterThan(8192);
    const answer = await rs.get('/r', `Bearer ${token}`);
    expect401Token(answer);
    expectCalls(answer, { I: 0, J: 0 });
    // The platform itself refuses header fields of this size: with 431, or by a reset where we are still sending.
    const before = [as.introspections, as.keySetFetches, rs.handled];
    const huge = await rs.get('/r', `Bearer ${signedBy(as, ecKey(), 'ES256', {}, { kid: 'k'.repeat(100_000) })}`).then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect([431, 'ECONNRESET', 'EPIPE']).toContain(huge);
    expect([as.introspections, as.keySetFetches, rs.handled]).toEqual(before);
  }),

  scenario('JWK-15 T78 1,000 values of iss cause no call of any kind', LOCAL, async (fixture) => {
    const { as, rs } = fixture;
    await warm(fixture);
    await withCanary(async ({ origin }) => {
      const before = as.requests.length;
      const key = ecKey();
      for (let index = 0; index < 1000; index += 1) {
        const claims = ownClaims(as, { iss: `${origin}/${index}` });
        const token = compact(ownHeader(as), claims, signer('ES256', key.privateKey));
        expect((await rs.get('/r', `Bearer ${token}`)).status).toBe(401);
      }
      expect(as.requests.length).toBe(before);
    });
  }),
];

const secret = Buffer.alloc(32, 9);
const staticKeys: Scenario[] = [
  scenario(
    'JWK-08 T71 HS256 with a static oct key, by name',
    {
      options: ({ as }) => ({
        ...LOCAL.options,
        jwks: { keys: [octKey(secret, 'mac'), as.keys.RS256.publicJwk as Record<string, unknown>] },
        algorithms: ['HS256', 'RS256'],
      }),
      omit: LOCAL.omit,
    },
    async ({ as, rs }) => {
      const mac = (key: string | Buffer, kid?: string) =>
        compact(ownHeader(as, { alg: 'HS256', kid }), ownClaims(as), macSigner('HS256', key));
      expect200(await rs.get('/r', `Bearer ${mac(secret, 'mac')}`));
      expect200(await rs.get('/r', `Bearer ${await as.sign({}, { alg: 'RS256' })}`));
      for (const text of Object.values(publicKeyTexts(as)))
        for (const kid of ['mac', as.keys.RS256.kid, undefined]) expect401Token(await rs.get('/r', `Bearer ${mac(text, kid)}`));
      expect(as.keySetFetches).toBe(0);
    },
  ),

  scenario(
    'JWK-03 a static key set is never fetched again',
    {
      options: ({ as }) => ({ ...LOCAL.options, jwks: as.keys.publicKeySet() as { keys: Record<string, unknown>[] } }),
      omit: LOCAL.omit,
    },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
      expect401Token(await rs.get('/r', `Bearer ${signedBy(as, ecKey(), 'ES256')}`));
      expect(as.keySetFetches).toBe(0);
    },
  ),
];

describeScenarios('what a header says about keys', headers, LOCAL);
describeScenarios('static keys', staticKeys);

describe('start-up', () => {
  const short = (bytes: number) => ({ keys: [octKey(Buffer.alloc(bytes, 1))] });
  it.each([
    ['JWK-10 an oct key of 16 bytes for HS256', { jwks: short(16), algorithms: ['HS256'] }, /jwks/],
    ['JWK-10 an oct key of 31 bytes for HS256', { jwks: short(31), algorithms: ['HS256'] }, /jwks/],
    ['JWK-10 an oct key of 32 bytes for HS512', { jwks: short(32), algorithms: ['HS512'] }, /jwks/],
    ['JWK-10 T73 an empty oct key', { jwks: short(0), algorithms: ['HS256'] }, /jwks/],
    ['JWK-08 T71 HS256 without a static oct key', { algorithms: ['HS256', 'ES256'] }, /HS256/],
    ['JWK-01 a static key set that is none', { jwks: { keys: 'x' } }, /jwks/],
  ])('%s is refused', async (_title, options, named) => {
    const as = await startAuthorizationServer();
    try {
      expect(await expectBootFailure(as, { verification: 'local', ...options }, LOCAL.omit)).toMatch(named);
    } finally {
      await as.close();
    }
  });
});
