import { describe, expect, it } from 'vitest';
import { json, startAuthorizationServer, type RawHandler } from '../support/authorization-server.js';
import { expectBootFailure } from '../support/boot-failure.js';
import { expect200, expect401Token, expect503 } from '../support/expectations.js';
import { startLoopbackServer } from '../support/loopback-server.js';
import { ADAPTERS, startResourceServer } from '../support/resource-server.js';
import { describeScenarios, expectCalls, LOCAL, scenario, type Scenario } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';
import { compact, ownClaims, ownHeader, ownSigner } from '../support/tokens.js';

const notFound: RawHandler = (_request, response) => response.writeHead(404).end();
/** Both addresses answer with the same. */
const everywhere = ({ as }: Pick<Fixture, 'as'>, handler: RawHandler): void => {
  as.replace('metadata', handler);
  as.replace('openidConfiguration', handler);
};

const explicit: Scenario[] = [
  scenario(
    'META-08 an explicit endpoint wins',
    {
      options: ({ as }) => ({ introspectionEndpoint: `${as.origin}/elsewhere` }),
      prepare: ({ as }) => as.replace('/elsewhere', (_request, response) => json(response, { active: true, ...as.claims() })),
    },
    async ({ as, rs }) => {
      const answer = await rs.get('/r', 'Bearer some-token');
      expect200(answer);
      expectCalls(answer, { I: 0 });
      expect(as.requests.filter(({ path }) => path === '/elsewhere')).toHaveLength(1);
    },
  ),
  scenario(
    'META-08 META-11 with discovery off nothing is discovered',
    {
      options: ({ as }) => ({
        verification: 'hybrid',
        discovery: false,
        introspectionEndpoint: as.introspectionEndpoint,
        jwksUri: as.jwksUri,
      }),
    },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
      expect(as.metadataFetches).toBe(0);
    },
  ),
  scenario(
    'META-08 where everything is explicit the metadata may be down',
    {
      options: ({ as }) => ({ verification: 'hybrid', introspectionEndpoint: as.introspectionEndpoint, jwksUri: as.jwksUri }),
      prepare: (around) => everywhere(around, notFound),
    },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
    },
  ),
];

const foreign: Scenario[] = (['local', 'hybrid', 'both'] as const).map((verification) =>
  scenario(
    `META-13 T75 a token’s iss is never discovered (${verification})`,
    { options: { verification } },
    async ({ as, rs }) => {
      const canary = await startLoopbackServer();
      try {
        for (const iss of [canary.origin, `${canary.origin}/t1`, canary.origin.replace('127.0.0.1', 'localhost')]) {
          const answer = await rs.get('/r', `Bearer ${compact(ownHeader(as), ownClaims(as, { iss }), ownSigner(as))}`);
          expect401Token(answer);
          expectCalls(answer, { I: 0 });
        }
        expect(canary.requests).toBe(0);
      } finally {
        await canary.close();
      }
    },
  ),
);

const life: Scenario[] = [
  scenario('META-12 T124 once found, it is kept while the metadata is down', {}, async ({ as, rs, clock }) => {
    expect200(await rs.get('/r', `Bearer ${as.token()}`));
    everywhere({ as }, (_request, response) => json(response, {}, 500));
    for (const seconds of [60, 3600, 86_400]) {
      clock.advanceSeconds(seconds);
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
    }
  }),

  scenario('META-12 an endpoint that moved is picked up', {}, async ({ as, rs, clock }) => {
    expect200(await rs.get('/r', `Bearer ${as.token()}`));
    as.metadata = { ...as.metadata, introspection_endpoint: `${as.origin}/moved` };
    as.replace('/moved', (_request, response) => json(response, { active: true, ...as.claims() }));
    clock.advanceSeconds(86_401);
    const moved = (): boolean => as.requests.some(({ path }) => path === '/moved');
    // The refresh runs beside the requests: each exchange gives it time to land.
    for (let attempt = 0; attempt < 50 && !moved(); attempt += 1) expect200(await rs.get('/r', `Bearer ${as.token()}`));
    expect(moved()).toBe(true);
  }),
];

const down: Scenario[] = (['remote', 'local', 'hybrid', 'both'] as const).map((verification) =>
  scenario(
    `META-08 META-12 T124 a server that is down at the start costs 503s, never the start or a restart (${verification})`,
    { options: { verification }, prepare: ({ as }) => as.stop() },
    async ({ as, rs, clock }) => {
      try {
        const token = await as.sign();
        as.answer(token, { active: true, ...as.claims() });
        expect200(await rs.get('/pub'));
        const seconds = expect503(await rs.get('/r', `Bearer ${token}`));
        await as.restart();
        clock.advanceSeconds(seconds);
        expect200(await rs.get('/r', `Bearer ${token}`));
      } finally {
        // Already listening where all went well.
        await as.restart().catch(() => undefined);
      }
    },
  ),
);

const nfc = 'caf\u00e9';
const nfd = 'cafe\u0301';
const names: Scenario[] = [
  ...(
    [
      ['percent-encoded', encodeURIComponent(nfc), encodeURIComponent(nfd)],
      ['the case of percent-encoding', '%C3%A9', '%c3%a9'],
      ['what percent-encoding stands for', '~x', '%7Ex'],
    ] as const
  ).map(([what, ours, theirs]) =>
    scenario(
      `META-18 issuers are compared as they are written: ${what}`,
      {
        options: ({ as }) => ({ ...LOCAL.options, issuer: `${as.origin}/${ours}`, discovery: false, jwksUri: as.jwksUri }),
        omit: LOCAL.omit,
      },
      async ({ as, rs }) => {
        expect200(await rs.get('/r', `Bearer ${await as.sign({ iss: `${as.origin}/${ours}` })}`));
        expect401Token(await rs.get('/r', `Bearer ${await as.sign({ iss: `${as.origin}/${theirs}` })}`));
      },
    ),
  ),

  scenario(
    'META-18 a document whose issuer is equal only after normalisation is not used',
    {
      options: ({ as }) => ({ issuer: `${as.origin}/${encodeURIComponent(nfc)}` }),
      prepare: ({ as }) => {
        const path = `/.well-known/oauth-authorization-server/${encodeURIComponent(nfc)}` as const;
        const issuer = `${as.origin}/${encodeURIComponent(nfd)}`;
        as.replace(path, (_request, response) => json(response, { ...as.metadata, issuer }));
      },
    },
    async ({ as, rs }) => {
      const answer = await rs.get('/r', `Bearer ${as.token()}`);
      expect503(answer);
      expectCalls(answer, { I: 0, J: 0 });
    },
  ),

  scenario(
    'META-18 audiences and scopes are compared as they are written',
    { options: { ...LOCAL.options, audience: nfc }, omit: LOCAL.omit },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${await as.sign({ aud: nfc })}`));
      expect401Token(await rs.get('/r', `Bearer ${await as.sign({ aud: nfd })}`));
      const member = JSON.stringify(ownClaims(as, { aud: nfc })).replace('"aud"', '"\uff41ud"');
      expect401Token(await rs.get('/r', `Bearer ${compact(ownHeader(as), member, ownSigner(as))}`));
    },
  ),
];

describeScenarios('what is explicit', explicit);
describeScenarios('whose metadata', foreign);
describeScenarios('how long metadata lives', life);
describeScenarios('down at the start', down);
describeScenarios('names are compared as they are', names);

describe('TLS', () => {
  it.each([
    ['META-15 metadata from a server that nobody vouches for is not used', (origin: string) => ({ issuer: origin })],
    [
      'META-15 JWK-16 nor is a key set',
      (origin: string) => ({ verification: 'local' as const, discovery: false, jwksUri: `${origin}/jwks` }),
    ],
  ] as const)('%s', async (_title, options) => {
    const as = await startAuthorizationServer();
    const untrusted = await startLoopbackServer({ tls: true, handler: (_request, response) => json(response, as.keySet) });
    try {
      for (const adapter of ADAPTERS) {
        const rs = await startResourceServer({ adapter, authorizationServer: as, options: options(untrusted.origin) });
        try {
          const answer = await rs.get(
            '/r',
            `Bearer ${await as.sign({ iss: 'issuer' in options(untrusted.origin) ? untrusted.origin : as.issuer })}`,
          );
          expect503(answer);
        } finally {
          await rs.close();
        }
      }
      expect(untrusted.requests).toBe(0);
    } finally {
      await untrusted.close();
      await as.close();
    }
  });
});

describe('start-up', () => {
  const secure = { allowInsecureHttp: false };
  it.each([
    ['META-05 an http: issuer', { ...secure, issuer: 'http://as.example.com' }, [/issuer/]],
    ['META-05 T125 an http: issuer on the loopback interface', { ...secure, issuer: 'http://127.0.0.1:3000' }, [/issuer/]],
    ['META-05 an issuer with a query', { issuer: 'https://as.example.com/?x' }, [/issuer/]],
    ['META-05 an issuer with an empty query', { issuer: 'https://as.example.com/?' }, [/issuer/]],
    ['META-05 an issuer with a fragment', { issuer: 'https://as.example.com/#y' }, [/issuer/]],
    ['META-05 an issuer with an empty fragment', { issuer: 'https://as.example.com/#' }, [/issuer/]],
    ['META-05 T125 an issuer with a user', { issuer: 'https://localhost:80@evil.test' }, [/issuer/]],
    ['META-05 an issuer of another scheme', { issuer: 'ftp://as.example.com' }, [/issuer/]],
    ['META-05 an issuer that is no URL', { issuer: 'as.example.com' }, [/issuer/]],
    ['META-05 no issuer', { issuer: undefined }, [/issuer/]],
    [
      'META-08 no introspection endpoint and discovery off',
      { issuer: 'https://as.example.com', discovery: false },
      [/introspectionEndpoint/],
    ],
    [
      'META-08 T125 an http: introspection endpoint',
      { ...secure, issuer: 'https://as.example.com', introspectionEndpoint: 'http://as.example.com/introspect' },
      [/introspectionEndpoint/],
    ],
    [
      'META-11 T125 an http: jwksUri',
      { ...secure, issuer: 'https://as.example.com', verification: 'hybrid', jwksUri: 'http://as.example.com/jwks' },
      [/jwksUri/],
    ],
    [
      'META-11 no keys and discovery off',
      { issuer: 'https://as.example.com', verification: 'local', discovery: false },
      [/jwks/, /remote/],
    ],
    [
      'META-05 META-08 META-11 all that is wrong, at once',
      {
        ...secure,
        issuer: 'http://as.example.com/?x',
        audience: undefined,
        verification: 'hybrid',
        introspectionEndpoint: 'http://as.example.com/introspect',
        jwksUri: 'http://as.example.com/jwks',
      },
      [/issuer/, /audience/, /introspectionEndpoint/, /jwksUri/],
    ],
  ] as [string, Record<string, unknown>, RegExp[]][])('%s: refused', async (_title, options, named) => {
    const as = await startAuthorizationServer();
    try {
      const message = await expectBootFailure(as, options);
      for (const name of named) expect(message).toMatch(name);
      expect(as.requests).toEqual([]);
    } finally {
      await as.close();
    }
  });
});
