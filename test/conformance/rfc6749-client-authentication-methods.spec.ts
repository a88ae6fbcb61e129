import type { IntrospectionModuleOptions } from 'nestjs-introspection';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, startAuthorizationServer, type AuthorizationServer, type RawHandler } from '../support/authorization-server.js';
import { expectBootFailure } from '../support/boot-failure.js';
import { eventLog } from '../support/client-assertions.js';
import { expect200, expect401Token, expect503 } from '../support/expectations.js';
import { describeScenarios, scenario, type Scenario } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';

type Options = Partial<IntrospectionModuleOptions>;
type Rejected = { rejected: boolean };

/** Credentials for the endpoint, numbered in the order in which they were asked for. */
function issuing(): { asked: boolean[]; options: Options } {
  const asked: boolean[] = [];
  const token = async ({ rejected }: Rejected): Promise<string> => {
    asked.push(rejected);
    return Promise.resolve(`rs-token-${asked.length}`);
  };
  return { asked, options: { clientAuthentication: { method: 'bearer', token } } };
}

/** A scenario whose resource server asks the application for its credential. */
function renewing(title: string, run: (fixture: Fixture, asked: readonly boolean[]) => Promise<void>): Scenario {
  const { asked, options } = issuing();
  const prepare = (): void => void (asked.length = 0);
  return scenario(title, { options, prepare }, (fixture) => run(fixture, asked));
}

const credentials = (as: AuthorizationServer): (string | undefined)[] =>
  as.introspectionRequests().map(({ headers }) => headers.authorization);

/** Refuses every credential but those given. */
function only(as: AuthorizationServer, refuse: RawHandler, ...accepted: string[]): void {
  as.replace('introspection', (request, response, body) => {
    const own = request.headers.authorization?.replace('Bearer ', '') ?? '';
    if (accepted.includes(own)) json(response, { active: true, ...as.claims() });
    else refuse(request, response, body);
  });
}

const REFUSALS: Record<string, RawHandler> = {
  '401 with a challenge': (_request, response) =>
    response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end(),
  '401 invalid_client': (_request, response) => json(response, { error: 'invalid_client' }, 401),
  '401 empty': (_request, response) => response.writeHead(401).end(),
  '403 empty HTML': (_request, response) => response.writeHead(403, { 'content-type': 'text/html' }).end(),
  '400 invalid_request': (_request, response) => json(response, { error: 'invalid_request' }, 400),
};

const bearer: Scenario[] = [
  renewing('CAUTH-04 the resource server sends its own token, kept until it is refused', async ({ as, rs }, asked) => {
    const tokens = [as.token(), as.token(), as.token()];
    for (const token of tokens) expect200(await rs.get('/r', `Bearer ${token}`));
    expect(credentials(as)).toEqual(Array(3).fill('Bearer rs-token-1'));
    expect(asked).toEqual([false]);
    for (const { rawHeaders, form } of as.introspectionRequests()) {
      for (const token of tokens) expect(rawHeaders.join('\n')).not.toContain(token);
      expect([...form.keys()].sort()).toEqual(['token', 'token_type_hint']);
    }
  }),

  ...Object.entries(REFUSALS).map(([what, refuse]) =>
    renewing(
      `CAUTH-04 T3 ${what}: a fresh token is asked for once, and the second refusal is a 503`,
      async ({ as, rs }, asked) => {
        only(as, refuse, 'rs-token-2');
        const renewed = await rs.get('/r', 'Bearer some-client-token');
        expect200(renewed);
        expect(renewed.introspections).toBe(2);
        expect(asked).toEqual([false, true]);
        expect(credentials(as)).toEqual(['Bearer rs-token-1', 'Bearer rs-token-2']);

        only(as, refuse);
        const refused = await rs.get('/r', 'Bearer another-client-token');
        expect503(refused);
        expect(refused.introspections).toBe(2);
        expect(asked).toEqual([false, true, true]);
        expect(rs.logs.join('\n')).not.toMatch(/rs-token-|client-token/);
      },
    ),
  ),

  renewing(
    'CAUTH-04 T123 after two refusals the next request gets through with a token that is good again',
    async ({ as, rs }, asked) => {
      const refuse = REFUSALS['401 empty'] as RawHandler;
      only(as, refuse);
      expect503(await rs.get('/r', 'Bearer some-client-token'));
      only(as, refuse, 'rs-token-3', 'rs-token-4');
      expect200(await rs.get('/r', 'Bearer some-client-token'));
      expect(asked.at(-1)).toBe(true);
    },
  ),

  renewing(
    'CAUTH-04 IRESP-03 400 unsupported_token_type speaks of the token, not of our credential',
    async ({ as, rs }, asked) => {
      as.replace('introspection', (_request, response) => json(response, { error: 'unsupported_token_type' }, 400));
      const answer = await rs.get('/r', 'Bearer some-client-token');
      expect401Token(answer);
      expect(answer.introspections).toBe(1);
      expect(asked).toEqual([false]);
    },
  ),

  scenario(
    'CAUTH-04 T3 a token that is a text cannot be renewed: 503, and the operator reads of the credential',
    { options: { clientAuthentication: { method: 'bearer', token: 'fixed-rs-token' } } },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      expect(credentials(as)).toEqual(['Bearer fixed-rs-token']);
      only(as, REFUSALS['401 empty'] as RawHandler);
      expect503(await rs.get('/r', 'Bearer some-client-token'));
      expect(rs.logs.join('\n')).toMatch(/credential|client/i);
      expect(rs.logs.join('\n')).not.toContain('fixed-rs-token');
    },
  ),

  renewing('CAUTH-04 T123 requests that meet the refusal together are all served', async ({ as, rs }, asked) => {
    const renewable = (own: string): boolean => own !== 'Bearer rs-token-1';
    as.replace('introspection', (request, response) => {
      if (renewable(request.headers.authorization ?? '')) json(response, { active: true, ...as.claims() });
      else response.writeHead(401).end();
    });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => rs.get('/any', `Bearer client-token-${index}`)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    // The token that is good now was not thrown away because others had met the refusal of the first one.
    expect(asked.length).toBeLessThanOrEqual(3);
  }),
];

describeScenarios('Bearer credentials at the endpoint', bearer);

const odd: [what: string, token: (context: Rejected) => string][] = [
  [
    'throws',
    () => {
      throw new Error('secret-of-the-vault');
    },
  ],
  ['answers nothing', () => undefined as unknown as string],
  ['answers an empty text', () => ''],
  ['answers another type', () => ({ secret: 'secret-of-the-vault' }) as unknown as string],
  ['answers a line end', () => 'secret-of-the-vault\r\nX-Evil: 1'],
  ['answers a promise that fails', () => Promise.reject(new Error('secret-of-the-vault')) as unknown as string],
];

describeScenarios('Bearer credentials that cannot be had', [
  ...odd.map(([what, token]) => {
    const { events, onEvent } = eventLog();
    return scenario(
      `CAUTH-04 T123 a function that ${what}: 503, nothing asked, nothing told`,
      { options: { clientAuthentication: { method: 'bearer', token }, onEvent } },
      async ({ as, rs }) => {
        const answer = await rs.get('/r', 'Bearer some-client-token');
        expect503(answer);
        expect(answer.introspections).toBe(0);
        expect(rs.logs.join('\n') + JSON.stringify(events)).not.toContain('secret-of-the-vault');
        expect(rs.logs.join('\n')).not.toBe('');
        expect200(await rs.get('/pub'));
        expect(as.introspections).toBe(0);
      },
    );
  }),
  scenario(
    'CAUTH-04 T123 a function that never answers costs the deadline: 503',
    {
      options: {
        clientAuthentication: { method: 'bearer', token: () => new Promise<string>(() => undefined) },
        http: { timeoutMs: 150 },
      },
    },
    async ({ rs }) => {
      const started = performance.now();
      const answer = await rs.get('/r', 'Bearer some-client-token');
      expect503(answer);
      expect(answer.introspections).toBe(0);
      expect(performance.now() - started).toBeLessThan(1500);
    },
  ),
]);

const listed = (methods: unknown) => ({
  prepare: ({ as }: { as: AuthorizationServer }) => {
    as.metadata = { ...as.metadata, introspection_endpoint_auth_methods_supported: methods };
  },
});
const told = (logs: readonly string[]): string[] => logs.filter((line) => /client_secret_basic|auth_methods/.test(line));

describeScenarios('Methods that the metadata advertises', [
  scenario(
    'CAUTH-09 a configured method that is not in the list is used, with a warning',
    listed(['private_key_jwt']),
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      expect(credentials(as)[0]).toMatch(/^Basic /);
      expect(told(rs.logs)).not.toEqual([]);
      expect(told(rs.logs).join('\n')).not.toContain('rs1-secret-value');
    },
  ),
  scenario(
    'CAUTH-09 one that is in the list is used without one',
    listed(['private_key_jwt', 'client_secret_basic']),
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      expect(told(rs.logs)).toEqual([]);
    },
  ),
  ...['Bearer', 'bearer'].map((name) =>
    scenario(
      `CAUTH-12 a list of "${name}" is a bearer credential`,
      { ...listed([name]), options: { clientAuthentication: { method: 'bearer', token: 'fixed-rs-token' } } },
      async ({ as, rs }) => {
        expect200(await rs.get('/r', `Bearer ${as.token()}`));
        expect(credentials(as)).toEqual(['Bearer fixed-rs-token']);
        expect(rs.logs.filter((line) => /auth_methods|method/.test(line))).toEqual([]);
      },
    ),
  ),
  scenario(
    'INTRO-05 CAUTH-03 method none sends no credential at all',
    { options: { clientAuthentication: { method: 'none' } } },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      const [request] = as.introspectionRequests();
      expect(request?.headers.authorization).toBeUndefined();
      expect([...(request?.form.keys() ?? [])].sort()).toEqual(['token', 'token_type_hint']);
    },
  ),
]);

describe('Client authentication methods, refused at start-up', () => {
  let as: AuthorizationServer;
  beforeAll(async () => {
    as = await startAuthorizationServer();
  });
  afterAll(() => as.close());

  it.each([
    ['bearer without a token', { method: 'bearer' }],
    ['bearer with an empty token', { method: 'bearer', token: '' }],
    ['bearer with a client id', { method: 'bearer', token: 't', clientId: 'rs1' }],
    ['none with a secret', { method: 'none', clientSecret: 's' }],
    ['client_secret_basic with a key', { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 's', key: 'k' }],
    ['mutual TLS without a certificate', { method: 'tls_client_auth', clientId: 'rs1', key: 'k' }],
    ['mutual TLS without a key', { method: 'self_signed_tls_client_auth', clientId: 'rs1', certificate: 'c' }],
    ['mutual TLS without an id', { method: 'tls_client_auth', certificate: 'c', key: 'k' }],
  ])('CAUTH-08 CAUTH-03 %s', async (_what, clientAuthentication) => {
    expect(await expectBootFailure(as, { clientAuthentication })).toContain('clientAuthentication');
  });
});
