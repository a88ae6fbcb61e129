import { expect } from 'vitest';
import { json, type RawHandler } from '../support/authorization-server.js';
import { expect200, expect503 } from '../support/expectations.js';
import { startLoopbackServer, type LoopbackServer } from '../support/loopback-server.js';
import { describeScenarios, expectCalls, scenario, type Scenario, type Surroundings } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';
import { compact, ownHeader, ownSigner } from '../support/tokens.js';

const OAUTH = '/.well-known/oauth-authorization-server';
const OPENID = '/.well-known/openid-configuration';

const wellKnown = ({ as }: Pick<Fixture, 'as'>): string[] =>
  as.requests.map(({ path }) => path).filter((path) => path.includes('/.well-known/'));
const notFound: RawHandler = (_request, response) => response.writeHead(404).end();
const withIssuer = (path: string) => {
  return ({ as }: Surroundings) => ({ issuer: `${as.origin}${path}` });
};
/** The server's metadata for an issuer with a path, under one address. */
const documentAt = ({ as }: Surroundings, address: `/${string}`, path: string): void => {
  as.metadata = { ...as.metadata, issuer: `${as.origin}${path}` };
  as.replace(address, (_request, response) => json(response, as.metadata));
};
/** Both addresses answer with the same. */
const everywhere = ({ as }: Pick<Fixture, 'as'>, handler: RawHandler): void => {
  as.replace('metadata', handler);
  as.replace('openidConfiguration', handler);
};
const active = (as: Fixture['as'], path: string): string => as.token({ iss: `${as.origin}${path}` });

const addresses: Scenario[] = [
  ...['/t1', '/t1/', '/a/b', '/a/b/'].map((path) =>
    scenario(
      `META-01 the segment stands between host and path, without the last slash: ${path}`,
      {
        options: withIssuer(path),
        prepare: (around) => documentAt(around, `${OAUTH}${path.replace(/\/$/, '')}`, path),
      },
      async ({ as, rs }) => {
        const answer = await rs.get('/r', `Bearer ${active(as, path)}`);
        expect200(answer);
        expectCalls(answer, { I: 1 });
        expect(wellKnown({ as })).toEqual([`${OAUTH}${path.replace(/\/$/, '')}`]);
      },
    ),
  ),

  ...['/t1', '/t1/'].map((path) =>
    scenario(
      `META-02 META-03 with a path: inserted twice, then appended: ${path}`,
      { options: withIssuer(path), prepare: (around) => documentAt(around, `/t1${OPENID}`, path) },
      async ({ as, rs }) => {
        expect200(await rs.get('/r', `Bearer ${active(as, path)}`));
        expect(wellKnown({ as })).toEqual([`${OAUTH}/t1`, `${OPENID}/t1`, `/t1${OPENID}`]);
      },
    ),
  ),

  scenario(
    'META-03 with a path: what is found stops the search',
    { options: withIssuer('/t1'), prepare: (around) => documentAt(around, `${OPENID}/t1`, '/t1') },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${active(as, '/t1')}`));
      expect(wellKnown({ as })).toEqual([`${OAUTH}/t1`, `${OPENID}/t1`]);
    },
  ),

  scenario('META-03 without a path: OAuth first', {}, async ({ as, rs }) => {
    expect200(await rs.get('/r', `Bearer ${as.token()}`));
    expect(wellKnown({ as })).toEqual([OAUTH]);
  }),

  scenario(
    'META-03 without a path: then OpenID',
    { prepare: ({ as }) => as.replace('metadata', notFound) },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      expect(wellKnown({ as })).toEqual([OAUTH, OPENID]);
    },
  ),

  scenario(
    'META-03 found nowhere: 503, nothing else is tried',
    { prepare: (around) => everywhere(around, notFound) },
    async ({ as, rs }) => {
      const answer = await rs.get('/r', `Bearer ${as.token()}`);
      expect503(answer);
      expectCalls(answer, { I: 0, J: 0 });
      expect(new Set(as.requests.map(({ path }) => path))).toEqual(new Set([OAUTH, OPENID]));
    },
  ),

  scenario(
    'META-17 where both documents exist the first one counts',
    {
      options: { verification: 'local' },
      omit: ['clientAuthentication'],
      prepare: ({ as }) =>
        as.replace('openidConfiguration', (_request, response) =>
          json(response, { ...as.metadata, jwks_uri: `${as.origin}/other` }),
        ),
    },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
      expect(as.requests.map(({ path }) => path)).not.toContain('/other');
    },
  ),
];

const issuers: Record<string, (issuer: string) => unknown> = {
  'a slash more': (issuer) => `${issuer}/`,
  'another case': (issuer) => issuer.replace('http', 'HTTP'),
  'another host': (issuer) => issuer.replace('127.0.0.1', 'localhost'),
  'a path more': (issuer) => `${issuer}/t1`,
  'a blank more': (issuer) => `${issuer} `,
  'a list': (issuer) => [issuer],
  missing: () => undefined,
  null: () => null,
};
const evil = (canary: () => LoopbackServer) => ({
  introspection_endpoint: `${canary().origin}/introspect`,
  jwks_uri: `${canary().origin}/jwks`,
});

/** A scenario with a listener that must never be called. */
function guarded(title: string, prepare: (around: Surroundings, canary: LoopbackServer) => void, run: Scenario['run']): Scenario {
  let canary: LoopbackServer | undefined;
  return scenario(
    title,
    {
      prepare: async (around) => {
        canary = await startLoopbackServer();
        prepare(around, canary);
      },
    },
    async (fixture) => {
      try {
        await run(fixture);
        expect(canary?.requests).toBe(0);
      } finally {
        await canary?.close();
      }
    },
  );
}

const use503: Scenario['run'] = async ({ as, rs }) => {
  const answer = await rs.get('/r', `Bearer ${as.token()}`);
  expect503(answer);
  expectCalls(answer, { I: 0, J: 0 });
};

const documents: Scenario[] = [
  ...Object.entries(issuers).map(([what, change]) =>
    guarded(
      `META-04 T77 a document of another issuer is not used: ${what}`,
      ({ as }, canary) => {
        as.metadata = { ...as.metadata, ...evil(() => canary), issuer: change(as.issuer) };
      },
      use503,
    ),
  ),

  scenario(
    'META-04 T77 its keys are not used either',
    {
      options: { verification: 'hybrid' },
      prepare: ({ as }) => {
        as.metadata = { ...as.metadata, issuer: `${as.issuer}/` };
      },
    },
    async ({ as, rs }) => {
      const answer = await rs.get('/r', `Bearer ${await as.sign()}`);
      expect503(answer);
      expectCalls(answer, { I: 0, J: 0 });
    },
  ),

  ...[301, 302, 303, 307, 308].map((status) =>
    guarded(
      `META-06 META-14 T76 a ${status} is not followed`,
      (around, { origin }) =>
        everywhere(around, (_request, response) => response.writeHead(status, { location: `${origin}${OAUTH}` }).end()),
      use503,
    ),
  ),
  guarded(
    'META-14 T76 a redirect to a good document on the same host is not followed either',
    ({ as }) => {
      everywhere({ as }, (_request, response) => response.writeHead(302, { location: '/moved' }).end());
      as.replace('/moved', (_request, response) => json(response, as.metadata));
    },
    async (fixture) => {
      await use503(fixture);
      expect(fixture.as.requests.map(({ path }) => path)).not.toContain('/moved');
    },
  ),

  ...(
    [
      ['204', (_as, _request, response) => response.writeHead(204).end()],
      ['201', (as, _request, response) => json(response, as.metadata, 201)],
      ['500', (as, _request, response) => json(response, as.metadata, 500)],
      ['HTML', (_as, _request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>')],
      [
        'the document as text/html',
        (as, _request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(JSON.stringify(as.metadata)),
      ],
      ['an array', (as, _request, response) => json(response, [as.metadata])],
      ['a text', (_as, _request, response) => json(response, '"x"')],
      ['null', (_as, _request, response) => json(response, 'null')],
      ['an empty body', (_as, _request, response) => json(response, '')],
      ['half a document', (as, _request, response) => json(response, JSON.stringify(as.metadata).slice(0, -1))],
    ] as [string, (as: Fixture['as'], ...rest: Parameters<RawHandler>) => void][]
  ).map(([what, handler]) =>
    scenario(
      `META-06 success is 200 with a JSON object: ${what} is not used`,
      { prepare: ({ as }) => everywhere({ as }, (...given) => handler(as, ...given)) },
      use503,
    ),
  ),

  scenario(
    'META-06 a media type with parameters, in any case, is JSON',
    {
      prepare: ({ as }) =>
        everywhere({ as }, (_request, response) =>
          response.writeHead(200, { 'content-type': 'Application/JSON;charset=UTF-8' }).end(JSON.stringify(as.metadata)),
        ),
    },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
    },
  ),

  scenario(
    'META-07 unknown members are ignored',
    {
      prepare: ({ as }) => {
        as.metadata = { ...as.metadata, junk: { a: [1] }, 'x-y': null, __proto__x: 1, introspection_endpoint2: 'x' };
      },
    },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
    },
  ),
  ...['x', 5, null, {}].map((value) =>
    scenario(
      `META-07 what should be a list and is not is ignored: ${JSON.stringify(value)}`,
      {
        prepare: ({ as }) => {
          as.metadata = { ...as.metadata, introspection_endpoint_auth_methods_supported: value, scopes_supported: value };
        },
      },
      async ({ as, rs }) => {
        expect200(await rs.get('/r', `Bearer ${as.token()}`));
      },
    ),
  ),

  ...[
    undefined,
    null,
    5,
    '',
    'introspect',
    '/introspect',
    'ftp://127.0.0.1/introspect',
    'file:///etc/passwd',
    ['http://127.0.0.1/'],
  ].map((endpoint) =>
    scenario(
      `META-08 no introspection endpoint to use: ${JSON.stringify(endpoint)}`,
      {
        prepare: ({ as }) => {
          as.metadata = { ...as.metadata, introspection_endpoint: endpoint };
        },
      },
      use503,
    ),
  ),

  ...[undefined, null, 5, '', 'jwks', '/jwks', 'ftp://127.0.0.1/jwks', 'data:application/json,{"keys":[]}'].map((uri) =>
    scenario(
      `META-11 no jwks_uri to use: ${JSON.stringify(uri)}`,
      {
        options: { verification: 'local' },
        omit: ['clientAuthentication'],
        prepare: ({ as }) => {
          as.metadata = { ...as.metadata, jwks_uri: uri };
        },
      },
      async ({ as, rs }) => {
        const answer = await rs.get('/r', `Bearer ${await as.sign()}`);
        expect503(answer);
        expectCalls(answer, { J: 0 });
      },
    ),
  ),

  guarded(
    'META-10 signed_metadata is ignored: nothing that it names is used',
    ({ as }, canary) => {
      const claims = { iss: as.issuer, ...evil(() => canary) };
      as.metadata = { ...as.metadata, signed_metadata: compact(ownHeader(as, { typ: 'JWT' }), claims, ownSigner(as)) };
    },
    async ({ as, rs }) => {
      const answer = await rs.get('/r', `Bearer ${as.token()}`);
      expect200(answer);
      expectCalls(answer, { I: 1 });
    },
  ),

  scenario(
    'META-14 a document over the limit is not used',
    {
      prepare: ({ as }) => {
        as.metadata = { ...as.metadata, filler: 'x'.repeat(1_048_576) };
      },
    },
    use503,
  ),
];

describeScenarios('where metadata is looked for', addresses);
describeScenarios('which metadata is used', documents);
