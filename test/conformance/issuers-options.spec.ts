import { createResourceServer, type ResourceServerOptions } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { startAuthorizationServer } from '../support/authorization-server.js';
import { expectBootFailure } from '../support/boot-failure.js';
import { describeTwoIssuers } from '../support/two-issuers.js';

const fixture = describeTwoIssuers();

const clientAuthentication = { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 's' } as const;
const issuer = (name: string, extra: Record<string, unknown> = {}) => ({
  issuer: `https://${name}.example.com`,
  audience: 'api',
  clientAuthentication,
  discovery: false,
  introspectionEndpoint: `https://${name}.example.com/introspect`,
  verification: 'remote',
  ...extra,
});
const [A, B] = [issuer('a'), issuer('b')];

/** The problem's message; an option whose server starts is a failure. */
function refusal(options: Record<string, unknown>): string {
  let started: ReturnType<typeof createResourceServer>;
  try {
    started = createResourceServer(options as unknown as ResourceServerOptions);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIGURATION' });
    return (error as Error).message;
  }
  void started.close();
  throw new Error('the resource server started');
}

describe('issuers at start-up', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['an empty list', { issuers: [] }, /issuers/],
    ['no list', { issuers: 'https://a.example.com' }, /issuers/],
    ['an object', { issuers: { issuer: 'https://a.example.com' } }, /issuers/],
    ['one issuer twice', { issuers: [A, B, { ...A }], issuerFor: 'in-order' }, /twice|once/],
    ['an entry that is none', { issuers: [A, 'https://b.example.com'], issuerFor: 'in-order' }, /issuers\[1\]/],
    ['an unknown key in an entry', { issuers: [issuer('a', { audiance: 'x' })] }, /audiance/],
    ['an entry without issuer', { issuers: [{ ...A, issuer: undefined }] }, /issuers\[0\].*issuer/s],
    ['an entry without audience, and no default', { issuers: [{ ...A, audience: undefined }] }, /audience/],
    ['a wrong type in an entry', { issuers: [issuer('a', { keySet: { maxAgeSeconds: '600' } })] }, /maxAgeSeconds/],
    [
      'http in an entry',
      { issuers: [issuer('a', { introspectionEndpoint: 'http://a.example.com/i' })] },
      /introspectionEndpoint/,
    ],
    ['several to ask, and nobody says which', { issuers: [A, B] }, /issuerFor/],
    ['issuerFor of another kind', { issuers: [A, B], issuerFor: 'any' }, /issuerFor/],
    ['issuerFor that is a list', { issuers: [A, B], issuerFor: ['https://a.example.com'] }, /issuerFor/],
    ['a function, opaque tokens, and nobody says which', { issuers: () => undefined, audience: 'api' }, /issuerFor/],
    ['neither issuer nor issuers', { audience: 'api', verification: 'local' }, /issuer/],
    ['an option of the server in an entry', { issuers: [issuer('a', { clockToleranceSeconds: 1 })] }, /clockToleranceSeconds/],
  ])('META-13 refused: %s', (_what, options, named) => {
    expect(refusal(options)).toMatch(named);
  });

  it.each<[string, unknown]>([
    ['issuer', 'https://c.example.com'],
    ['introspectionEndpoint', 'https://a.example.com/introspect'],
    ['jwksUri', 'https://a.example.com/jwks'],
    ['jwks', { keys: [] }],
    ['clientAuthentication', clientAuthentication],
    ['introspectionParameters', { x: 'y' }],
  ])('META-13 refused beside issuers, by name: %s', (name, value) => {
    expect(refusal({ issuers: [A, B], issuerFor: 'in-order', [name]: value })).toContain(name);
    expect(refusal({ issuers: () => undefined, issuerFor: () => undefined, audience: 'api', [name]: value })).toContain(name);
  });

  it('META-13 every problem is named at once', () => {
    const message = refusal({
      issuers: [issuer('a', { verification: 'x' }), issuer('b', { algorithms: [] })],
      jwksUri: 'https://a',
    });
    for (const name of ['verification', 'algorithms', 'jwksUri', 'issuers[0]', 'issuers[1]']) expect(message).toContain(name);
  });

  it('META-13 the same refusals reach an application when it is created', async () => {
    const as = await startAuthorizationServer();
    try {
      const own = ['issuer', 'audience', 'verification', 'clientAuthentication'];
      expect(await expectBootFailure(as, { issuers: [A, A], issuerFor: 'in-order' }, own)).toMatch(/issuers/);
      expect(await expectBootFailure(as, { issuers: [A, B] }, own)).toMatch(/issuerFor/);
    } finally {
      await as.close();
    }
  });

  it('META-13 who can be asked decides: with one issuer for opaque tokens nobody has to say which', async () => {
    const keys = { keys: [fixture.a.keys.ES256.publicJwk] };
    const strict = { verification: 'both', jwks: keys };
    for (const options of [
      { issuers: [A] },
      { issuers: [A, { ...B, ...strict }] },
      {
        issuers: [
          A,
          { ...B, verification: 'local', jwks: keys, clientAuthentication: undefined, introspectionEndpoint: undefined },
        ],
      },
      { issuers: () => undefined, verification: 'local', audience: 'api' },
      { issuers: [A, B], issuerFor: 'in-order' },
      { issuers: [A, B], issuerFor: () => undefined },
    ])
      await createResourceServer(options as unknown as ResourceServerOptions).close();
  });
});

describe('defaults beside issuers', () => {
  it('META-13 fields at the top are defaults, and those of an entry win', async () => {
    const { a, b, optionsOf, serving } = fixture;
    const defaults = { audience: 'for-all', verification: 'local', tokenTypes: ['JWT'], algorithms: ['ES256'] } as const;
    const own = { audience: 'only-b', tokenTypes: ['at+jwt'] };
    const [ofA, ofB] = [optionsOf(a), optionsOf(b, own)];
    const issuers = [{ issuer: ofA.issuer }, ofB];
    await serving({ issuers, ...defaults } as unknown as Partial<ResourceServerOptions>, async ({ judge }) => {
      const status = async (token: Promise<string>) => (await judge(await token)).status;
      const jwt = { header: { typ: 'JWT' } };
      expect(await status(a.sign({ aud: 'for-all' }, jwt))).toBe(200);
      expect(await status(a.sign({ aud: 'for-all' }))).toBe(401);
      expect(await status(a.sign({ aud: 'only-b' }, jwt))).toBe(401);
      expect(await status(b.sign({ aud: 'only-b' }))).toBe(200);
      expect(await status(b.sign({ aud: 'only-b' }, jwt))).toBe(401);
      expect(await status(b.sign({ aud: 'for-all' }))).toBe(401);
      expect(await status(b.sign({ aud: 'only-b' }, { alg: 'RS256' }))).toBe(401);
    });
  });

  it('META-13 they are defaults for what a function answers, too', async () => {
    const { a, b, serving } = fixture;
    const issuers = (iss: string) => (iss === b.issuer ? { issuer: iss, audience: 'only-b' } : { issuer: iss });
    const options = { issuers, audience: 'for-all', verification: 'local' };
    await serving(options as unknown as Partial<ResourceServerOptions>, async ({ judge }) => {
      expect(await judge(await a.sign({ aud: 'for-all' }))).toMatchObject({ status: 200 });
      expect(await judge(await b.sign({ aud: 'only-b' }))).toMatchObject({ status: 200 });
      expect(await judge(await b.sign({ aud: 'for-all' }))).toMatchObject({ status: 401, reason: 'audience' });
    });
  });
});
