import type { IntrospectionModuleOptions } from 'nestjs-introspection';
import { describe, expect, it } from 'vitest';
import { json, type RecordedRequest } from '../support/authorization-server.js';
import { eventLog } from '../support/client-assertions.js';
import { changed, problemsOf, wrongOptions } from '../support/configuration.js';
import { expect200, expect503 } from '../support/expectations.js';
import { describeScenarios, scenario, type Scenario } from '../support/scenario.js';

type Options = Partial<IntrospectionModuleOptions>;

const basicOf = (request: RecordedRequest | undefined): string =>
  Buffer.from(request?.headers.authorization?.replace(/^Basic /, '') ?? '', 'base64').toString('utf8');

const basic = (clientId: string, clientSecret: string, raw: boolean): Options => ({
  clientAuthentication: { method: 'client_secret_basic', clientId, clientSecret },
  ...(raw && { compatibility: { basicEncoding: 'raw' } }),
});

const credentials: [clientId: string, clientSecret: string, encoded: string][] = [
  ['rs1', 'p%+ é', 'rs1:p%25%2B+%C3%A9'],
  ['rs1', 'a:b:c', 'rs1:a%3Ab%3Ac'],
  ['rs%1', 's+s', 'rs%251:s%2Bs'],
  ['ü', 'ü', '%C3%BC:%C3%BC'],
  ['rs1', 'a-plain_one.0*', 'rs1:a-plain_one.0*'],
];

describeScenarios(
  'Credentials in Basic',
  credentials.flatMap(([clientId, clientSecret, encoded]) => [
    scenario(
      `T126 CAUTH-01 ${clientId} and ${clientSecret}, form-encoded`,
      { options: basic(clientId, clientSecret, false) },
      async ({ as, rs }) => {
        expect200(await rs.get('/r', `Bearer ${as.token()}`));
        expect(basicOf(as.introspectionRequests()[0])).toBe(encoded);
      },
    ),
    scenario(
      `T126 CAUTH-01 ${clientId} and ${clientSecret}, raw`,
      { options: basic(clientId, clientSecret, true) },
      async ({ as, rs }) => {
        expect200(await rs.get('/r', `Bearer ${as.token()}`));
        expect(basicOf(as.introspectionRequests()[0])).toBe(`${clientId}:${clientSecret}`);
      },
    ),
  ]),
);

const withParameters = (introspectionParameters: Record<string, string>, options: Options = {}) => ({
  options: { introspectionParameters, ...options },
});

describeScenarios('Parameters besides the token', [
  scenario(
    'INTRO-08 they are sent, each once, form-encoded, beside the token',
    withParameters({ foo: '1', resource: 'https://rs.example.com/a?b=c', 'a b': 'ü&=+%', empty: '' }),
    async ({ as, rs }) => {
      const tokens = [as.token(), as.token()];
      for (const token of tokens) expect200(await rs.get('/r', `Bearer ${token}`));
      for (const [index, request] of as.introspectionRequests().entries()) {
        expect(Object.fromEntries(request.form)).toEqual({
          token: tokens[index],
          token_type_hint: 'access_token',
          foo: '1',
          resource: 'https://rs.example.com/a?b=c',
          'a b': 'ü&=+%',
          empty: '',
        });
        expect([...request.form.keys()]).toHaveLength(6);
        expect(request.url).toBe('/introspect');
        expect(request.body).toMatch(/^[\w\-.*+%=&]+$/);
      }
    },
  ),
  scenario(
    'INTRO-08 CAUTH-02 they stand beside credentials in the body',
    withParameters(
      { foo: '1' },
      { clientAuthentication: { method: 'client_secret_post', clientId: 'rs1', clientSecret: 'rs1-secret-value' } },
    ),
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      expect([...(as.introspectionRequests()[0]?.form.keys() ?? [])].sort()).toEqual([
        'client_id',
        'client_secret',
        'foo',
        'token',
        'token_type_hint',
      ]);
    },
  ),
]);

describe('Parameters and encoding, refused at start-up', () => {
  it.each(['token', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type'])(
    'INTRO-08 CAUTH-03 %s among the parameters',
    (name) => {
      const options = changed({ introspectionParameters: { foo: '1', [name]: 'secret-parameter' } });
      expect(wrongOptions(options).join()).toMatch(/^introspectionParameters/);
      expect(JSON.stringify(problemsOf(options))).not.toContain('secret-parameter');
    },
  );

  it.each([
    ['a number', { foo: 1 }],
    ['a list', { foo: ['1', '2'] }],
    ['null', { foo: null }],
    ['a text in place of the object', 'foo=1'],
    ['a list in place of the object', ['foo']],
  ])('INTRO-08 %s among the parameters', (_what, introspectionParameters) => {
    expect(wrongOptions(changed({ introspectionParameters })).join()).toMatch(/^introspectionParameters/);
  });

  it('T126 CAUTH-01 an id with a colon cannot be sent raw', () => {
    const clientAuthentication = { method: 'client_secret_basic', clientId: 'a:b', clientSecret: 's' };
    expect(wrongOptions(changed({ clientAuthentication }))).toEqual([]);
    const raw = changed({ clientAuthentication, compatibility: { basicEncoding: 'raw' } });
    expect(wrongOptions(raw).join()).toMatch(/clientAuthentication|compatibility/);
  });
});

/** What the endpoint may say about us, and what the operator has to read. */
const rejections: [what: string, status: number, body: string, type: string, rejected: boolean][] = [
  ['401 with Basic', 401, '', 'application/json', true],
  ['400 invalid_client', 400, '{"error":"invalid_client"}', 'application/json', true],
  ['403 empty HTML', 403, '', 'text/html', true],
  ['400 invalid_request', 400, '{"error":"invalid_request"}', 'application/json', false],
  ['404 HTML of a missing slash', 404, '<h1>Not Found</h1>', 'text/html', false],
  ['500 with an empty body', 500, '', 'text/plain', false],
];

const operators: Scenario[] = rejections.map(([what, status, body, type, rejected]) => {
  const { events, onEvent } = eventLog();
  return scenario(
    `T3 CAUTH-10 ${what}: 503, and the operator reads ${rejected ? 'of our credentials' : `${status}, not of our credentials`}`,
    { options: { onEvent }, prepare: () => void events.splice(0) },
    async ({ as, rs }) => {
      as.replace('introspection', (_request, response) => response.writeHead(status, { 'content-type': type }).end(body));
      const answer = await rs.get('/r', 'Bearer some-client-token');
      expect503(answer);
      expect(events.filter(({ type: kind }) => kind === 'verification.client_rejected')).toHaveLength(rejected ? 1 : 0);
      expect(events.find(({ type: kind }) => kind === 'verification.introspected')).toMatchObject({ outcome: 'failed', status });
      expect(rs.logs.join('\n')).toContain(String(status));
      expect(rs.logs.join('\n')).not.toMatch(/rs1-secret-value|some-client-token|Not Found/);
      // A server that is otherwise well serves the next request.
      as.replace('introspection');
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
    },
  );
});

describeScenarios('What the operator reads', operators);

describeScenarios(
  'Endpoints as they are given',
  ['/o/introspect/', '/o//introspect', '/o/introspect?tenant=a%20b'].map((path) =>
    scenario(
      `META-08 ${path} is used as it stands`,
      { options: ({ as }) => ({ discovery: false, introspectionEndpoint: `${as.origin}${path}` }) },
      async ({ as, rs }) => {
        as.replace(path.replace(/\?.*/, '') as '/', (_request, response) => json(response, { active: true, ...as.claims() }));
        expect200(await rs.get('/r', 'Bearer some-client-token'));
        expect(as.requests.map(({ url }) => url)).toEqual([path]);
      },
    ),
  ),
);
