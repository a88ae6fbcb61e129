import { describe, expect, it } from 'vitest';
import { json } from '../support/authorization-server.js';
import { ecKey, signer } from '../support/keys.js';
import { startLoopbackServer } from '../support/loopback-server.js';
import { compact, ownClaims, ownHeader, signedBy } from '../support/tokens.js';
import { describeTwoIssuers } from '../support/two-issuers.js';
import { usedHeapBytes } from '../support/used-heap.js';

const fixture = describeTwoIssuers();

/** Both with their own credentials; opaque tokens go where the request says. */
const both = (extra: Record<string, unknown> = {}) => ({
  issuers: [fixture.optionsOf(fixture.a), fixture.optionsOf(fixture.b)],
  issuerFor: 'in-order' as const,
  ...extra,
});

describe('several issuers: JWTs', () => {
  it('HYB-02 a JWT is verified with the keys of the issuer that it names, and nothing is asked of the other', async () => {
    const { a, b, serving } = fixture;
    await serving(both(), async ({ judge }) => {
      expect(await judge(await a.sign({ sub: 'ann' }))).toMatchObject({
        status: 200,
        issuer: a.issuer,
        subject: 'ann',
        asked: [0, 0],
      });
      expect([a.keySetFetches, b.keySetFetches]).toEqual([1, 0]);
      expect(await judge(await b.sign({ sub: 'bob' }))).toMatchObject({
        status: 200,
        issuer: b.issuer,
        subject: 'bob',
        asked: [0, 0],
      });
      expect([a.keySetFetches, b.keySetFetches]).toEqual([1, 1]);
    });
  });

  it('JWT-17 FAPI-19 T31 T89 the same kid at two issuers: neither key verifies what names the other', async () => {
    const { a, b, serving } = fixture;
    const [keyA, keyB] = [ecKey('P-256', 'same'), ecKey('P-256', 'same')];
    a.keySet = { keys: [keyA.jwk] };
    b.keySet = { keys: [keyB.jwk] };
    await serving(both(), async ({ judge }) => {
      const good = () => [signedBy(a, keyA, 'ES256'), signedBy(b, keyB, 'ES256')];
      const crossed = () => [signedBy(a, keyB, 'ES256'), signedBy(b, keyA, 'ES256')];
      for (const order of [good, crossed, crossed, good])
        for (const token of order())
          expect(await judge(token)).toMatchObject(
            order === good ? { status: 200 } : { status: 401, reason: 'signature', asked: [0, 0] },
          );
      const statuses = await Promise.all(
        Array.from({ length: 25 }, () => [...good(), ...crossed()])
          .flat()
          .map(async (token) => (await judge(token)).status),
      );
      expect(statuses).toEqual(Array.from({ length: 25 }, () => [200, 200, 401, 401]).flat());
    });
  });

  it('JWT-17 T89 a key of A under a kid that B does not have makes no token of B, and costs A nothing', async () => {
    const { a, b, serving } = fixture;
    await serving({ ...both(), verification: 'local' }, async ({ judge }) => {
      expect(await judge(await a.sign())).toMatchObject({ status: 200 });
      const fetches = a.keySetFetches;
      const claims = ownClaims(b);
      const forged = await a.keys.sign(claims);
      expect(await judge(forged)).toMatchObject({ status: 401, asked: [0, 0] });
      expect(await judge(await a.keys.sign({ ...claims, iss: [a.issuer, b.issuer] }))).toMatchObject({ status: 401 });
      expect(a.keySetFetches).toBe(fetches);
    });
  });

  it.each(['local', 'remote', 'hybrid', 'both'] as const)(
    'META-13 T78 a JWT of an issuer that is not listed is refused without any call: %s',
    async (verification) => {
      const { a, b, serving } = fixture;
      const canary = await startLoopbackServer();
      try {
        await serving(both({ verification }), async ({ judge, events }) => {
          // Both are warm, so that no request of ours is still on its way.
          for (const as of [a, b]) {
            const token = await as.sign();
            as.answer(token, { active: true, ...as.claims() });
            expect(await judge(token)).toMatchObject({ status: 200 });
          }
          const calls = a.requests.length + b.requests.length;
          const foreign = [
            canary.origin,
            `${a.issuer}/`,
            a.issuer.toUpperCase(),
            `${a.issuer}/x`,
            a.issuer.slice(0, -1),
            '',
            ' ',
          ];
          for (const iss of foreign) {
            const token = await a.keys.sign(ownClaims(a, { iss }));
            a.answer(token, { active: true, ...a.claims() });
            expect(await judge(token), iss).toMatchObject({ status: 401, asked: [0, 0] });
          }
          expect(a.requests.length + b.requests.length).toBe(calls);
          expect(canary.requests).toBe(0);
          expect(events.filter(({ type }) => type === 'issuer.unknown').length).toBe(foreign.length);
        });
      } finally {
        await canary.close();
      }
    },
  );

  it('META-13 T78 10,000 values of iss cause no call and stay in no table', async () => {
    const { a, b, serving } = fixture;
    await serving(both({ onEvent: () => undefined }), async ({ judge }) => {
      for (const as of [a, b]) await judge(await as.sign());
      const calls = a.requests.length + b.requests.length;
      const header = ownHeader(a);
      const claims = ownClaims(a);
      // The signature is never looked at, so one for all keeps the test fast.
      const signature = signer('ES256', ecKey().privateKey)(Buffer.from('x'));
      const padding = 'x'.repeat(4000);
      const statuses = new Set<number>();
      const before = usedHeapBytes();
      for (let index = 0; index < 10_000; index += 1) {
        const iss = `https://${index}.example.com/${padding}`;
        statuses.add((await judge(compact(header, { ...claims, iss }, signature))).status);
      }
      expect([...statuses]).toEqual([401]);
      expect(a.requests.length + b.requests.length).toBe(calls);
      // All of them together are 40 MB.
      expect(usedHeapBytes() - before).toBeLessThan(8_000_000);
      expect(await judge(await a.sign())).toMatchObject({ status: 200 });
    });
  });

  it('META-13 an unlisted issuer that opaque routing would never reach is not introspected in order', async () => {
    const { a, b, serving } = fixture;
    await serving(both(), async ({ judge }) => {
      const token = await a.keys.sign(ownClaims(a, { iss: 'https://elsewhere.example.com' }));
      for (const as of [a, b]) as.answer(token, { active: true, ...as.claims() });
      expect(await judge(token)).toMatchObject({ status: 401, asked: [0, 0] });
    });
  });
});

describe('several issuers: trouble at one', () => {
  it('IERR-07 an issuer that is gone does not touch the other', async () => {
    const { a, b, serving } = fixture;
    await a.stop();
    try {
      await serving(
        both({ issuerFor: (request: { headers: Record<string, string> }) => request.headers['x-issuer'] }),
        async ({ judge }) => {
          expect(await judge(await a.sign(), { 'x-issuer': a.issuer })).toMatchObject({ status: 503 });
          expect(await judge('opaque-a', { 'x-issuer': a.issuer })).toMatchObject({ status: 503 });
          expect(await judge(await b.sign(), { 'x-issuer': b.issuer })).toMatchObject({ status: 200 });
          expect(await judge(b.token(), { 'x-issuer': b.issuer })).toMatchObject({ status: 200 });
        },
      );
    } finally {
      await a.restart();
    }
  });

  it.each(['jwks', 'introspection', 'metadata'] as const)(
    'IERR-07 a hanging %s endpoint of A delays no request of B',
    async (endpoint) => {
      const { a, b, serving } = fixture;
      a.replace(endpoint, () => undefined);
      const routed = both({
        issuerFor: (request: { headers: Record<string, string> }) => request.headers['x-issuer'],
        http: { timeoutMs: 5000 },
      });
      await serving(routed, async ({ judge, close }) => {
        const arrived = a.nextRequest();
        let isAnswered = false;
        const stuck = [await a.sign(), a.token()].map((token) => judge(token, { 'x-issuer': a.issuer }));
        const hanging = (endpoint === 'introspection' ? stuck[1] : stuck[0])?.then(() => (isAnswered = true));
        await arrived;
        for (let index = 0; index < 20; index += 1) {
          expect(await judge(await b.sign(), { 'x-issuer': b.issuer })).toMatchObject({ status: 200 });
          expect((await judge(b.token(), { 'x-issuer': b.issuer })).status).toBe(200);
        }
        expect(isAnswered).toBe(false);
        await close();
        await Promise.all([hanging, ...stuck]);
      });
    },
  );

  it('IERR-07 JWK-12 a flood of kids at A leaves the pause of B alone', async () => {
    const { a, b, serving, clock } = fixture;
    await serving(both({ verification: 'local' }), async ({ judge }) => {
      for (const as of [a, b]) await judge(await as.sign());
      clock.advanceSeconds(31);
      for (let index = 0; index < 100; index += 1)
        expect(await judge(signedBy(a, ecKey('P-256', `flood-${index}`), 'ES256'))).toMatchObject({ status: 401 });
      const added = ecKey();
      b.keySet = { keys: [...b.keySet.keys, added.jwk] };
      expect(await judge(signedBy(b, added, 'ES256'))).toMatchObject({ status: 200 });
    });
  });

  it('IERR-07 an outage of A’s keys is no verdict on its tokens and none on those of B', async () => {
    const { a, b, serving } = fixture;
    a.replace('jwks', (_request, response) => json(response, {}, 500));
    await serving(both({ verification: 'local' }), async ({ judge }) => {
      expect(await judge(await a.sign())).toMatchObject({ status: 503 });
      expect(await judge(await b.sign())).toMatchObject({ status: 200 });
      a.replace('jwks');
      expect(await judge(await a.sign())).toMatchObject({ status: 200 });
    });
  });
});

describe('several issuers: each its own', () => {
  it('CAUTH-01 each gets its own credentials and never the other’s', async () => {
    const { a, b, serving } = fixture;
    await serving(both(), async ({ judge }) => {
      expect(await judge(b.token())).toMatchObject({ status: 200, issuer: b.issuer, asked: [1, 1] });
      const sent = [a, b].map((as) => as.introspectionRequests().map(({ headers }) => headers.authorization));
      const basic = (text: string) => [`Basic ${Buffer.from(text).toString('base64')}`];
      expect(sent).toEqual([basic('at-a:secret-for-a'), basic('at-b:secret-for-b')]);
    });
  });

  it('HYB-02 each has its own mode', async () => {
    const { a, b, optionsOf, serving } = fixture;
    const issuers = [optionsOf(a, { verification: 'remote' }), optionsOf(b, { verification: 'local' })];
    await serving({ issuers }, async ({ judge }) => {
      const [ofA, ofB] = [await a.sign(), await b.sign()];
      a.answer(ofA, { active: true, ...a.claims({ sub: 'answered' }) });
      expect(await judge(ofA)).toMatchObject({ status: 200, subject: 'answered', verifiedBy: 'introspection', asked: [1, 0] });
      expect(await judge(ofB)).toMatchObject({ status: 200, verifiedBy: 'local', asked: [0, 0] });
      // Only one of them can be asked, so nobody has to say which.
      expect(await judge(a.token())).toMatchObject({ status: 200, issuer: a.issuer, asked: [1, 0] });
      expect(await judge(b.token())).toMatchObject({ status: 401, asked: [1, 0] });
    });
  });

  it('AT-03 T88 each has its own audience: what one may be for is nothing to the other', async () => {
    const { a, b, optionsOf, serving } = fixture;
    const issuers = [optionsOf(a, { audience: 'api-a' }), optionsOf(b, { audience: 'api-b' })];
    await serving({ issuers, issuerFor: 'in-order' }, async ({ judge }) => {
      for (const [as, aud, status] of [
        [a, 'api-a', 200],
        [a, 'api-b', 401],
        [b, 'api-a', 401],
        [b, 'api-b', 200],
      ] as const) {
        expect(await judge(await as.sign({ aud }))).toMatchObject({ status });
        expect((await judge(as.token({ aud }))).status).toBe(status);
      }
    });
  });

  it('JWT-06 each has its own algorithms and token types', async () => {
    const { a, b, optionsOf, serving } = fixture;
    const issuers = [optionsOf(a, { algorithms: ['RS256'] }), optionsOf(b, { tokenTypes: ['at+jwt', 'JWT'] })];
    await serving({ issuers, verification: 'local' }, async ({ judge }) => {
      expect(await judge(await a.sign())).toMatchObject({ status: 401, reason: 'algorithm' });
      expect(await judge(await a.sign({}, { alg: 'RS256' }))).toMatchObject({ status: 200 });
      expect(await judge(await a.sign({}, { alg: 'RS256', header: { typ: 'JWT' } }))).toMatchObject({
        status: 401,
        reason: 'type',
      });
      expect(await judge(await b.sign({}, { header: { typ: 'JWT' } }))).toMatchObject({ status: 200 });
    });
  });
});
