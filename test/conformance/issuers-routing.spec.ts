import { describe, expect, it } from 'vitest';
import { AUDIENCE, json, type AuthorizationServer } from '../support/authorization-server.js';
import { expect200, expect401Token, expect503 } from '../support/expectations.js';
import { ADAPTERS, startResourceServer } from '../support/resource-server.js';
import { ownClaims } from '../support/tokens.js';
import { describeTwoIssuers } from '../support/two-issuers.js';

const fixture = describeTwoIssuers();

type IssuerFor = (request: { headers: Record<string, string> }, token: string) => unknown;

const routed = (issuerFor: IssuerFor, extra: Record<string, unknown> = {}) => ({
  issuers: [fixture.optionsOf(fixture.a), fixture.optionsOf(fixture.b)],
  issuerFor: issuerFor as never,
  ...extra,
});
const byHeader: IssuerFor = (request) => request.headers['x-issuer'];
const naming = (as: AuthorizationServer) => ({ 'x-issuer': as.issuer });
const inOrder = (extra: Record<string, unknown> = {}) => ({ ...routed(byHeader, extra), issuerFor: 'in-order' as const });

describe('issuerFor, a function', () => {
  it('HYB-02 the issuer that it names is asked, and no other', async () => {
    const { a, b, serving } = fixture;
    const seen: unknown[] = [];
    const options = routed((request, token) => {
      seen.push([request.headers['x-issuer'], token]);
      return Promise.resolve(request.headers['x-issuer']);
    });
    await serving(options, async ({ judge }) => {
      const [ofA, ofB] = [a.token({ sub: 'ann' }), b.token({ sub: 'bob' })];
      expect(await judge(ofA, naming(a))).toMatchObject({ status: 200, issuer: a.issuer, subject: 'ann', asked: [1, 0] });
      expect(await judge(ofB, naming(b))).toMatchObject({ status: 200, issuer: b.issuer, subject: 'bob', asked: [0, 1] });
      expect(await judge(ofA, naming(b))).toMatchObject({ status: 401, asked: [0, 1] });
      expect(seen).toEqual([
        [a.issuer, ofA],
        [b.issuer, ofB],
        [b.issuer, ofA],
      ]);
    });
  });

  it.each([undefined, '', 'https://unknown.example.com', null, 5, {}])(
    'META-13 what names no configured issuer is 401 and I:0: %j',
    async (value) => {
      const { a, serving } = fixture;
      await serving(
        routed(() => value),
        async ({ judge }) => {
          expect(await judge(a.token())).toMatchObject({ status: 401, asked: [0, 0] });
          expect(await judge(await a.sign())).toMatchObject({ status: 401, asked: [0, 0] });
        },
      );
    },
  );

  it.each<[string, IssuerFor]>([
    [
      'throws',
      () => {
        throw new Error('no route');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no route'))],
  ])('IERR-01 one that %s is our fault: 503, and nothing is asked', async (_what, issuerFor) => {
    const { a, serving } = fixture;
    await serving(routed(issuerFor), async ({ judge }) => {
      for (const token of [a.token(), await a.sign()]) expect(await judge(token)).toMatchObject({ status: 503, asked: [0, 0] });
    });
  });

  it('IERR-01 one that never answers costs the deadline, not more', async () => {
    const { a, serving } = fixture;
    const options = routed(() => new Promise(() => undefined), { http: { timeoutMs: 200 } });
    await serving(options, async ({ judge }) => {
      const start = performance.now();
      expect(await judge(a.token())).toMatchObject({ status: 503, asked: [0, 0] });
      expect(performance.now() - start).toBeLessThan(1500);
    });
  });

  it('JWT-17 T89 a JWT of another issuer than the named one is refused without a call', async () => {
    const { a, b, serving } = fixture;
    await serving(routed(byHeader), async ({ judge }) => {
      const [ofA, ofB] = [await a.sign(), await b.sign()];
      expect(await judge(ofA, naming(a))).toMatchObject({ status: 200 });
      expect(await judge(ofB, naming(b))).toMatchObject({ status: 200 });
      expect(await judge(ofA, naming(b))).toMatchObject({ status: 401, asked: [0, 0] });
      expect(await judge(ofB, naming(a))).toMatchObject({ status: 401, asked: [0, 0] });
    });
  });

  it('JWT-17 T89 the same while every issuer is remote: the answer of the named one is not asked for', async () => {
    const { a, b, serving } = fixture;
    await serving(routed(byHeader, { verification: 'remote' }), async ({ judge }) => {
      const ofB = await b.sign();
      for (const as of [a, b]) as.answer(ofB, { active: true, ...as.claims() });
      expect(await judge(ofB, naming(b))).toMatchObject({ status: 200, asked: [0, 1] });
      expect(await judge(ofB, naming(a))).toMatchObject({ status: 401, asked: [0, 0] });
    });
  });

  it('IRESP-16 T31 one token string at two issuers: each request gets the answer of its own', async () => {
    const { a, b, serving } = fixture;
    const token = 'the-same-string-at-both';
    a.answer(token, { active: true, ...a.claims({ sub: 'ann' }) });
    await serving(routed(byHeader), async ({ judge }) => {
      for (const [as, status] of [[a, 200] as const, [b, 401] as const, [b, 401] as const, [a, 200] as const])
        expect((await judge(token, naming(as))).status).toBe(status);
      const [before, pairs] = [b.introspections, Array.from({ length: 50 }, (_value, index) => (index % 2 === 0 ? a : b))];
      const statuses = await Promise.all(pairs.map(async (as) => (await judge(token, naming(as))).status));
      expect(statuses).toEqual(pairs.map((as) => (as === a ? 200 : 401)));
      expect(b.introspections).toBeGreaterThan(before);

      b.answer(token, { active: true, ...b.claims({ sub: 'bob' }) });
      const subjects = await Promise.all(pairs.map(async (as) => (await judge(token, naming(as))).subject));
      expect(subjects).toEqual(pairs.map((as) => (as === a ? 'ann' : 'bob')));
    });
  });

  it('IRESP-09 T14 an answer of A that names B is not a token of either', async () => {
    const { a, b, serving } = fixture;
    const token = a.token({ iss: b.issuer });
    await serving(routed(byHeader), async ({ judge }) => {
      expect(await judge(token, naming(a))).toMatchObject({ status: 401, reason: 'issuer', asked: [1, 0] });
    });
  });
});

describe("issuerFor: 'in-order'", () => {
  it('HYB-02 the first that says active wins, and those after it are not asked', async () => {
    const { a, b, serving } = fixture;
    await serving(inOrder(), async ({ judge }) => {
      expect(await judge(a.token())).toMatchObject({ status: 200, issuer: a.issuer, asked: [1, 0] });
      expect(await judge(b.token())).toMatchObject({ status: 200, issuer: b.issuer, asked: [1, 1] });
      const shared = a.token({ sub: 'ann' });
      b.answer(shared, { active: true, ...b.claims({ sub: 'bob' }) });
      expect(await judge(shared)).toMatchObject({ status: 200, subject: 'ann', asked: [1, 0] });
      expect(await judge('unknown-to-both')).toMatchObject({ status: 401, reason: 'inactive', asked: [1, 1] });
    });
  });

  it.each(['a', 'b'] as const)('IERR-01 none active and %s not reachable is 503; active at the other is 200', async (name) => {
    const { serving } = fixture;
    const [down, other] = name === 'a' ? [fixture.a, fixture.b] : [fixture.b, fixture.a];
    down.replace('introspection', (_request, response) => json(response, {}, 500));
    await serving(inOrder(), async ({ judge }) => {
      expect(await judge('unknown-to-both')).toMatchObject({ status: 503 });
      expect(await judge(other.token())).toMatchObject({ status: 200, issuer: other.issuer });
      down.replace('introspection');
      expect(await judge('unknown-to-both')).toMatchObject({ status: 401 });
    });
  });

  it('IERR-01 the first one’s port is closed: the second still answers', async () => {
    const { a, b, serving } = fixture;
    await serving(inOrder(), async ({ judge }) => {
      expect(await judge(b.token())).toMatchObject({ status: 200 });
      await a.stop();
      try {
        expect(await judge(b.token())).toMatchObject({ status: 200, issuer: b.issuer });
        expect(await judge('unknown-to-both')).toMatchObject({ status: 503 });
      } finally {
        await a.restart();
      }
    });
  });

  it('IERR-07 the first one hangs: the second is asked in time, all within one deadline', async () => {
    const { a, b, serving } = fixture;
    a.replace('introspection', () => undefined);
    await serving(inOrder({ http: { timeoutMs: 800 } }), async ({ judge }) => {
      const timed = async (token: string) => {
        const start = performance.now();
        const { status } = await judge(token);
        return { status, isInTime: performance.now() - start < 800 + 400 };
      };
      expect(await timed(b.token())).toEqual({ status: 200, isInTime: true });
      expect(await timed('unknown-to-both')).toEqual({ status: 503, isInTime: true });
      // Nor does a server that always hangs eat the time of the requests that come together.
      const many = await Promise.all(Array.from({ length: 20 }, () => timed(b.token())));
      expect(many).toEqual(many.map(() => ({ status: 200, isInTime: true })));
    });
  });

  it('IERR-07 every one hangs: 503 after one deadline, not after two', async () => {
    const { a, b, serving } = fixture;
    for (const as of [a, b]) as.replace('introspection', () => undefined);
    await serving(inOrder({ http: { timeoutMs: 600 } }), async ({ judge }) => {
      const start = performance.now();
      expect(await judge('any-token')).toMatchObject({ status: 503 });
      expect(performance.now() - start).toBeLessThan(600 + 400);
    });
  });

  it('HYB-02 a JWT does not stand in line: it goes to the issuer that it names', async () => {
    const { a, b, serving } = fixture;
    await serving(inOrder({ verification: 'remote' }), async ({ judge }) => {
      const ofB = await b.sign();
      for (const as of [a, b]) as.answer(ofB, { active: true, ...as.claims() });
      expect(await judge(ofB)).toMatchObject({ status: 200, issuer: b.issuer, asked: [0, 1] });
    });
  });

  it('HYB-02 a JWT without iss is asked about in order, like an opaque token', async () => {
    const { a, b, serving } = fixture;
    const nameless = await b.keys.sign(ownClaims(b, { iss: undefined }));
    b.answer(nameless, { active: true, ...b.claims() });
    await serving(inOrder(), async ({ judge }) => {
      expect(await judge(nameless)).toMatchObject({ status: 200, issuer: b.issuer, verifiedBy: 'introspection', asked: [1, 1] });
    });
    await serving(inOrder({ verification: 'local' }), async ({ judge }) => {
      expect(await judge(nameless)).toMatchObject({ status: 401, asked: [0, 0] });
    });
    expect(a.introspections).toBe(1);
  });

  it('HYB-02 issuers that cannot be asked about opaque tokens are passed over', async () => {
    const { a, b, optionsOf, serving } = fixture;
    const issuers = [optionsOf(a, { verification: 'both' }), optionsOf(b, { audience: AUDIENCE })];
    await serving({ issuers, issuerFor: 'in-order' }, async ({ judge }) => {
      expect(await judge(a.token())).toMatchObject({ status: 401, asked: [0, 1] });
      expect(await judge(b.token())).toMatchObject({ status: 200, asked: [0, 1] });
    });
  });
});

describe.each(ADAPTERS)('several issuers in an application (%s)', (adapter) => {
  it('HYB-02 IERR-07 the route of the request decides, and the answers are the usual ones', async () => {
    const { a, b, optionsOf, clock } = fixture;
    const tenants: Record<string, string> = { '/any?tenant=a': a.issuer, '/any?tenant=b': b.issuer };
    const options = {
      clock,
      issuers: [optionsOf(a), optionsOf(b)],
      issuerFor: (request: unknown) => tenants[(request as { url: string }).url],
    };
    const own = ['issuer', 'audience', 'verification', 'clientAuthentication'];
    const rs = await startResourceServer({ adapter, authorizationServer: a, options: options as never, omit: own });
    try {
      const get = (tenant: string, token: string) => rs.get(`/any?tenant=${tenant}`, `Bearer ${token}`);
      const [ofA, ofB] = [a.token(), b.token()];
      expect200(await get('a', ofA));
      expect200(await get('b', ofB));
      expect200(await get('b', await b.sign()));
      for (const [tenant, token] of [
        ['a', ofB],
        ['b', ofA],
        ['a', await b.sign()],
        ['c', ofA],
      ] as const)
        expect401Token(await get(tenant, token));
      b.replace('introspection', (_request, response) => json(response, {}, 500));
      expect503(await get('b', ofB));
      expect200(await get('a', ofA));
    } finally {
      await rs.close();
    }
  });
});
