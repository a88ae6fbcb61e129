import { describe, expect, it } from 'vitest';
import { json, startAuthorizationServer } from '../support/authorization-server.js';
import { expectBootFailure } from '../support/boot-failure.js';
import { expect200, expect401Token, expect503 } from '../support/expectations.js';
import { ecKey, macSigner, octKey, signer } from '../support/keys.js';
import { startLoopbackServer, type LoopbackServer } from '../support/loopback-server.js';
import { describeScenarios, expectCalls, LOCAL, scenario, warm, warmAndRested, type Scenario } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';
import { compact, flipBit, ownClaims, ownHeader, ownSigner, publicKeyTexts, signedBy } from '../support/tokens.js';

const failing = (as: Fixture['as']): void => as.replace('jwks', (_request, response) => json(response, {}, 500));
const isKeySet = ({ path }: { path: string }): boolean => path === '/jwks';

const rotation: Scenario[] = [
  scenario('JWK-12 a new key is fetched once and used at once', LOCAL, async (fixture) => {
    const { as, rs } = fixture;
    await warmAndRested(fixture);
    const key = ecKey();
    as.keySet = { keys: [...as.keySet.keys, key.jwk] };
    const first = await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256')}`);
    expect200(first);
    expectCalls(first, { I: 0, J: 1 });
    const second = await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256')}`);
    expect200(second);
    expectCalls(second, { I: 0, J: 0 });
  }),

  scenario('JWK-12 after an unknown kid there is a pause of 30 s', LOCAL, async (fixture) => {
    const { as, rs, clock } = fixture;
    await warmAndRested(fixture);
    const ask = async (): Promise<number> => {
      const answer = await rs.get('/r', `Bearer ${signedBy(as, ecKey(), 'ES256')}`);
      expect401Token(answer);
      return answer.keySetFetches;
    };
    expect(await ask()).toBe(1);
    expect(await ask()).toBe(0);
    clock.advanceSeconds(29);
    expect(await ask()).toBe(0);
    clock.advanceSeconds(2);
    expect(await ask()).toBe(1);
  }),

  scenario('JWK-12 T79 1,000 random kids cause one fetch and lock no known key out', LOCAL, async (fixture) => {
    const { as, rs } = fixture;
    await warmAndRested(fixture);
    const before = as.keySetFetches;
    const stranger = ecKey();
    const known = await as.sign();
    const statuses = new Set<number>();
    const flood = async (lane: number): Promise<void> => {
      for (let index = 0; index < 125; index += 1) {
        const kid = `random-${lane}-${index}`;
        statuses.add((await rs.get('/r', `Bearer ${signedBy(as, stranger, 'ES256', {}, { kid })}`)).status);
      }
    };
    const flooding = Promise.all(Array.from({ length: 8 }, (_value, lane) => flood(lane)));
    for (let index = 0; index < 20; index += 1) expect((await rs.get('/r', `Bearer ${known}`)).status).toBe(200);
    await flooding;
    expect([...statuses]).toEqual([401]);
    expect(as.keySetFetches - before).toBe(1);
  }),

  scenario('JWK-12 a bad signature under a known kid starts one fetch in the background', LOCAL, async (fixture) => {
    const { as, rs } = fixture;
    await warmAndRested(fixture);
    const before = as.keySetFetches;
    const fetched = as.nextRequest(isKeySet);
    expect401Token(await rs.get('/r', `Bearer ${flipBit(await as.sign(), 2, 9)}`));
    await fetched;
    for (let index = 0; index < 20; index += 1)
      expect401Token(await rs.get('/r', `Bearer ${flipBit(await as.sign(), 2, index)}`));
    expect(as.keySetFetches - before).toBe(1);
  }),

  scenario('JWK-12 a server that came back with a new key under the same kid is accepted again', LOCAL, async (fixture) => {
    const { as, rs } = fixture;
    const [old, renewed] = [ecKey('P-256', 'same'), ecKey('P-256', 'same')];
    as.keySet = { keys: [old.jwk] };
    expect200(await rs.get('/r', `Bearer ${signedBy(as, old, 'ES256')}`));
    fixture.clock.advanceSeconds(31);
    as.keySet = { keys: [renewed.jwk] };
    const token = signedBy(as, renewed, 'ES256');
    const fetched = as.nextRequest(isKeySet);
    expect401Token(await rs.get('/r', `Bearer ${token}`));
    await fetched;
    // The answer is on its way when the request has arrived; each exchange gives it time to land.
    let status = 0;
    for (let attempt = 0; attempt < 50 && status !== 200; attempt += 1) status = (await rs.get('/r', `Bearer ${token}`)).status;
    expect(status).toBe(200);
  }),

  scenario('JWK-12 T81 a removed key stops working when the set is no longer fresh', LOCAL, async (fixture) => {
    const { as, rs, clock } = fixture;
    const [removed, kept] = [ecKey(), ecKey()];
    as.keySet = { keys: [removed.jwk, kept.jwk] };
    expect200(await rs.get('/r', `Bearer ${signedBy(as, removed, 'ES256')}`));
    as.keySet = { keys: [kept.jwk] };
    clock.advanceSeconds(601);
    expect401Token(await rs.get('/r', `Bearer ${signedBy(as, removed, 'ES256')}`));
    expect200(await rs.get('/r', `Bearer ${signedBy(as, kept, 'ES256')}`));
  }),
];

/** The same token again: whatever is remembered about it must not outlive what it rests on. */
const seenBefore: Scenario[] = [
  scenario('JWK-12 T81 a token that was good is refused once its key is removed', LOCAL, async ({ as, rs, clock }) => {
    const [removed, kept] = [ecKey(), ecKey()];
    as.keySet = { keys: [removed.jwk, kept.jwk] };
    const token = signedBy(as, removed, 'ES256', { exp: clock.seconds() + 7200 });
    for (let run = 0; run < 3; run += 1) expect200(await rs.get('/r', `Bearer ${token}`));
    as.keySet = { keys: [kept.jwk] };
    clock.advanceSeconds(601);
    expect401Token(await rs.get('/r', `Bearer ${token}`));
    as.keySet = { keys: [removed.jwk, kept.jwk] };
    clock.advanceSeconds(601);
    expect200(await rs.get('/r', `Bearer ${token}`));
  }),

  scenario('JWK-12 a token that was good is refused once another key has its kid', LOCAL, async ({ as, rs, clock }) => {
    const [old, renewed] = [ecKey('P-256', 'same'), ecKey('P-256', 'same')];
    as.keySet = { keys: [old.jwk] };
    const claims = { exp: clock.seconds() + 7200 };
    const token = signedBy(as, old, 'ES256', claims);
    for (let run = 0; run < 3; run += 1) expect200(await rs.get('/r', `Bearer ${token}`));
    as.keySet = { keys: [renewed.jwk] };
    clock.advanceSeconds(601);
    expect401Token(await rs.get('/r', `Bearer ${token}`));
    expect200(await rs.get('/r', `Bearer ${signedBy(as, renewed, 'ES256', claims)}`));
  }),

  scenario('JWK-07 a token that was good is refused once its key is for something else', LOCAL, async ({ as, rs, clock }) => {
    const key = ecKey();
    const token = signedBy(as, key, 'ES256', { exp: clock.seconds() + 7200 });
    as.keySet = { keys: [key.jwk, ...as.keySet.keys] };
    expect200(await rs.get('/r', `Bearer ${token}`));
    as.keySet = { keys: [{ ...key.jwk, use: 'enc' }, ...as.keySet.keys.slice(1)] };
    clock.advanceSeconds(601);
    expect401Token(await rs.get('/r', `Bearer ${token}`));
  }),

  scenario(
    'JWT-11 JWT-25 a token that was good is refused when it expires, or in another signature’s company',
    LOCAL,
    async (fixture) => {
      const { as, rs, clock } = fixture;
      const token = await as.sign();
      const other = await as.sign({ scope: 'read write' });
      for (const good of [token, other]) expect200(await rs.get('/r', `Bearer ${good}`));
      const [header, payload, signature] = token.split('.');
      const [, otherPayload, otherSignature] = other.split('.');
      for (const mixed of [
        `${header}.${otherPayload}.${signature}`,
        `${header}.${payload}.${otherSignature}`,
        `${header}.${payload}.${signature?.slice(0, -4)}`,
        `${header}.${payload}.`,
      ])
        expect401Token(await rs.get('/r', `Bearer ${mixed}`));
      clock.advanceSeconds(306);
      expect401Token(await rs.get('/r', `Bearer ${token}`));
    },
  ),
];

const outage: Scenario[] = [
  scenario('JWK-13 T80 cold and down: no verdict on the token, and none is remembered', LOCAL, async ({ as, rs, clock }) => {
    failing(as);
    const token = await as.sign();
    const seconds = expect503(await rs.get('/r', `Bearer ${token}`));
    as.replace('jwks');
    clock.advanceSeconds(seconds);
    expect200(await rs.get('/r', `Bearer ${token}`));
  }),

  scenario('JWK-13 T80 warm and down: the held keys serve for an hour, unknown ones are no verdict', LOCAL, async (fixture) => {
    const { as, rs, clock } = fixture;
    await warm(fixture);
    failing(as);
    for (const seconds of [601, 1200, 1200]) {
      clock.advanceSeconds(seconds);
      expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
    }
    clock.advanceSeconds(31);
    expect503(await rs.get('/r', `Bearer ${signedBy(as, ecKey(), 'ES256')}`));
    expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
  }),

  scenario('JWK-13 T80 warm and down for longer than that: no verdict', LOCAL, async (fixture) => {
    const { as, rs, clock } = fixture;
    await warm(fixture);
    failing(as);
    clock.advanceSeconds(4300);
    const seconds = expect503(await rs.get('/r', `Bearer ${await as.sign()}`));
    as.replace('jwks');
    clock.advanceSeconds(seconds);
    expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
  }),

  ...Object.entries({
    'an empty set': '{"keys":[]}',
    'a set without a usable key': '{"keys":[{"kty":"XYZ"}]}',
    'no set': '{}',
    HTML: '<html></html>',
    'more than the limit': JSON.stringify({ keys: [], filler: 'x'.repeat(1_100_000) }),
  }).map(([what, text]) =>
    scenario(`JWK-13 T80 the last good set outlives ${what}`, LOCAL, async (fixture) => {
      const { as, rs, clock } = fixture;
      await warm(fixture);
      as.replace('jwks', (_request, response) => json(response, text));
      clock.advanceSeconds(601);
      expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
      expect(as.keySetFetches).toBeGreaterThan(1);
    }),
  ),

  scenario('JWK-13 T80 a set of 10,000 keys neither stops nor replaces the good one', LOCAL, async (fixture) => {
    const { as, rs, clock } = fixture;
    await warm(fixture);
    const [first, last] = [ecKey(), ecKey()];
    const { x, y } = ecKey().jwk;
    const many = Array.from({ length: 10_000 }, (_value, index) => ({ kty: 'EC', crv: 'P-256', kid: String(index), x, y }));
    as.keySet = { keys: [first.jwk, ...many, ...as.keySet.keys, last.jwk] };
    clock.advanceSeconds(601);
    expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
    for (const key of [first, last]) expect((await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256')}`)).status).not.toBe(200);
    expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
  }),
];

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
    // The platform itself refuses header fields of this size.
    const huge = await rs.get('/r', `Bearer ${signedBy(as, ecKey(), 'ES256', {}, { kid: 'k'.repeat(100_000) })}`);
    expect(huge.status).toBe(431);
    expectCalls(huge, { I: 0, J: 0 });
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

describeScenarios('key rotation', rotation);
describeScenarios('tokens seen before', seenBefore);
describeScenarios('key set outage', outage);
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
