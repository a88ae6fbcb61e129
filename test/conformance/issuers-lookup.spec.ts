import type { IssuerOptions, ResourceServerOptions } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { AUDIENCE } from '../support/authorization-server.js';
import { ecKey, signer } from '../support/keys.js';
import { startLoopbackServer } from '../support/loopback-server.js';
import { compact, ownClaims, ownHeader, signedBy } from '../support/tokens.js';
import { describeTwoIssuers } from '../support/two-issuers.js';

const fixture = describeTwoIssuers();

type Lookup = (...given: unknown[]) => unknown;

const local = (issuers: Lookup, extra: Record<string, unknown> = {}) =>
  ({ issuers, verification: 'local', audience: AUDIENCE, ...extra }) as unknown as Partial<ResourceServerOptions>;

/** Allows A alone and writes down what it is called with. */
function allowA(calls: unknown[][]): Lookup {
  return (...given) => {
    calls.push(given);
    return given[0] === fixture.a.issuer ? { issuer: fixture.a.issuer } : undefined;
  };
}

describe('issuers, a function', () => {
  it('META-13 it gets the iss of the JWT and nothing else, and is asked once per issuer', async () => {
    const { a, serving } = fixture;
    const calls: unknown[][] = [];
    await serving(local(allowA(calls)), async ({ judge }) => {
      const burst = await Promise.all(Array.from({ length: 20 }, async () => judge(await a.sign())));
      expect(burst.map(({ status }) => status)).toEqual(burst.map(() => 200));
      for (let index = 0; index < 20; index += 1) expect((await judge(await a.sign())).status).toBe(200);
      expect(calls).toEqual([[a.issuer]]);
      expect(a.keySetFetches).toBe(1);
    });
  });

  it('META-13 T75 T78 what it does not know is 401 without any call, however strange the name', async () => {
    const { a, serving } = fixture;
    const canary = await startLoopbackServer();
    const calls: unknown[][] = [];
    try {
      await serving(local(allowA(calls)), async ({ judge }) => {
        const names = [
          canary.origin,
          `${a.issuer}/`,
          '__proto__',
          'constructor',
          'toString',
          'x'.repeat(4000),
          'file:///etc/passwd',
        ];
        for (const iss of names)
          expect(await judge(await a.keys.sign(ownClaims(a, { iss }))), iss).toMatchObject({ status: 401 });
        for (const iss of [5, null, [a.issuer], { iss: a.issuer }, true])
          expect(await judge(await a.keys.sign(ownClaims(a, { iss })))).toMatchObject({ status: 401 });
        expect(calls.every(([iss, ...rest]) => typeof iss === 'string' && rest.length === 0)).toBe(true);
        expect([canary.requests, a.requests.length]).toEqual([0, 0]);
      });
    } finally {
      await canary.close();
    }
  });

  it('JWT-17 T89 allowed is not trusted: the keys of the issuer decide', async () => {
    const { a, b, optionsOf, serving } = fixture;
    const [keyA, keyB] = [ecKey('P-256', 'same'), ecKey('P-256', 'same')];
    a.keySet = { keys: [keyA.jwk] };
    b.keySet = { keys: [keyB.jwk] };
    const lookup: Lookup = (iss) => [optionsOf(a), optionsOf(b)].find(({ issuer }) => issuer === iss);
    await serving(local(lookup), async ({ judge }) => {
      expect(await judge(signedBy(a, keyA, 'ES256'))).toMatchObject({ status: 200, issuer: a.issuer });
      expect(await judge(signedBy(b, keyB, 'ES256'))).toMatchObject({ status: 200, issuer: b.issuer });
      expect(await judge(signedBy(a, keyB, 'ES256'))).toMatchObject({ status: 401, reason: 'signature' });
      expect(await judge(signedBy(b, keyA, 'ES256'))).toMatchObject({ status: 401, reason: 'signature' });
    });
  });

  it.each<[string, () => Lookup]>([
    ['B’s options for every name', () => () => fixture.optionsOf(fixture.b)],
    ['the name with a slash', () => (iss) => ({ issuer: `${String(iss)}/` })],
    ['the name in capitals', () => (iss) => ({ issuer: String(iss).toUpperCase() })],
    ['options without an issuer', () => () => ({ audience: AUDIENCE })],
    ['an unknown option', () => (iss) => ({ issuer: iss, jwksURI: 'x' })],
    ['no options at all', () => () => 5],
    ['null', () => () => null],
  ])('META-01 T77 the returned issuer must equal the name, and be whole: %s', async (_what, lookup) => {
    const { a, b, serving } = fixture;
    await serving(local(lookup()), async ({ judge }) => {
      for (const token of [await a.sign(), await b.keys.sign(ownClaims(a))]) {
        const { status } = await judge(token);
        // The operator's fault, never a reason to accept.
        expect([401, 503]).toContain(status);
      }
      expect(a.requests.length + b.requests.length).toBe(0);
    });
  });

  it.each(['throws', 'rejects'])('IERR-01 one that %s is 503, and is asked again', async (way) => {
    const { a, serving } = fixture;
    let fails = true;
    const failing: Lookup = () => {
      if (!fails) return { issuer: a.issuer };
      if (way === 'throws') throw new Error('the table of tenants is gone');
      return Promise.reject(new Error('the table of tenants is gone'));
    };
    await serving(local(failing), async ({ judge }) => {
      expect(await judge(await a.sign())).toMatchObject({ status: 503 });
      fails = false;
      expect(await judge(await a.sign())).toMatchObject({ status: 200 });
    });
  });

  it('IERR-01 one that never answers costs the deadline, and no request of another issuer', async () => {
    const { a, b, serving } = fixture;
    const lookup: Lookup = (iss) => (iss === a.issuer ? new Promise(() => undefined) : { issuer: iss });
    await serving(local(lookup, { http: { timeoutMs: 300 } }), async ({ judge }) => {
      const start = performance.now();
      const stuck = judge(await a.sign());
      expect(await judge(await b.sign())).toMatchObject({ status: 200 });
      expect(await stuck).toMatchObject({ status: 503 });
      expect(performance.now() - start).toBeLessThan(1500);
    });
  });

  it('HYB-02 the issuer that issuerFor names is looked up the same way', async () => {
    const { a, b, optionsOf, serving } = fixture;
    const asked: unknown[] = [];
    const options = {
      issuers: (iss: string) => {
        asked.push(iss);
        return [optionsOf(a), optionsOf(b)].find(({ issuer }) => issuer === iss);
      },
      issuerFor: (request: unknown) => (request as { headers: Record<string, string> }).headers['x-issuer'],
    };
    await serving(options, async ({ judge }) => {
      expect(await judge(b.token(), { 'x-issuer': b.issuer })).toMatchObject({ status: 200, issuer: b.issuer, asked: [0, 1] });
      expect(await judge(b.token(), { 'x-issuer': 'https://unknown.example.com' })).toMatchObject({ status: 401, asked: [0, 0] });
      expect(await judge(b.token())).toMatchObject({ status: 401, asked: [0, 0] });
      expect(asked).toEqual([b.issuer, 'https://unknown.example.com']);
    });
  });

  it('META-13 T78 refused names are remembered up to a bound, here within 3,000, and push no known issuer out', async () => {
    const { a, serving } = fixture;
    const name = (index: number) => `https://${index}.example.com`;
    const asked = { known: 0, first: 0 };
    const lookup: Lookup = (iss) => {
      if (iss === name(0)) asked.first += 1;
      if (iss !== a.issuer) return undefined;
      asked.known += 1;
      return { issuer: iss };
    };
    await serving(local(lookup, { onEvent: () => undefined }), async ({ judge }) => {
      expect(await judge(await a.sign())).toMatchObject({ status: 200 });
      const signature = signer('ES256', ecKey().privateKey)(Buffer.from('x'));
      const refused = async (index: number) => judge(compact(ownHeader(a), ownClaims(a, { iss: name(index) }), signature));
      for (const index of [0, 0, 0]) expect(await refused(index)).toMatchObject({ status: 401 });
      expect(asked.first).toBe(1);
      for (let index = 1; index < 3000; index += 1) expect((await refused(index)).status).toBe(401);
      expect(await refused(0)).toMatchObject({ status: 401 });
      expect(await judge(await a.sign())).toMatchObject({ status: 200 });
      expect({ ...asked, fetches: a.keySetFetches }).toEqual({ known: 1, first: 2, fetches: 1 });
    });
  });

  it('META-13 T78 allowed issuers are remembered up to a bound, here within 2,000', async () => {
    const { a, serving } = fixture;
    const key = ecKey();
    const jwks = { keys: [key.jwk] } as unknown as IssuerOptions['jwks'];
    let first = 0;
    const name = (index: number) => `https://${index}.example.com`;
    const lookup: Lookup = (iss) => {
      if (iss === name(0)) first += 1;
      return { issuer: iss, jwks, discovery: false };
    };
    await serving(local(lookup, { onEvent: () => undefined }), async ({ judge }) => {
      const ask = async (index: number) => judge(signedBy(a, key, 'ES256', { iss: name(index) }));
      for (let index = 0; index < 2000; index += 1) expect((await ask(index)).status).toBe(200);
      expect(first).toBe(1);
      expect(await ask(0)).toMatchObject({ status: 200 });
      expect(first).toBe(2);
    });
  });
});
