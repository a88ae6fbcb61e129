import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  json,
  startAuthorizationServer,
  type AuthorizationServer,
  type RecordedRequest,
} from '../support/authorization-server.js';
import { expectBootFailure } from '../support/boot-failure.js';
import { expect200, expect503 } from '../support/expectations.js';
import { describeRows, row } from '../support/table.js';

const lines = ({ rawHeaders }: RecordedRequest, name: string): string[] =>
  rawHeaders.filter((_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);

/** What a Basic header says between its base64. */
function basic(request: RecordedRequest): string {
  const [value, ...others] = lines(request, 'authorization');
  expect(others).toEqual([]);
  expect(value).toMatch(/^Basic [A-Za-z0-9+/]+=*$/);
  return Buffer.from(value?.slice('Basic '.length) ?? '', 'base64').toString('latin1');
}

const SECRETS = ['client_secret', 'client_assertion', 'client_assertion_type'];

const encodings: [clientId: string, clientSecret: string, header: string][] = [
  ['a:b', 'p%+ é', 'a%3Ab:p%25%2B+%C3%A9'],
  ['rs1', 'plain-._*', 'rs1:plain-._*'],
  ['ü', 'a&b=c', '%C3%BC:a%26b%3Dc'],
  ['rs1', "~!'()/?#", 'rs1:%7E%21%27%28%29%2F%3F%23'],
  ['rs1', '€"\\', 'rs1:%E2%82%AC%22%5C'],
];

for (const [clientId, clientSecret, header] of encodings) {
  describeRows(
    `client_secret_basic of ${JSON.stringify(clientId)} and ${JSON.stringify(clientSecret)}`,
    [
      row('CAUTH-01 id and secret are each form-encoded, then joined', async ({ as, rs }) => {
        const token = as.token();
        expect200(await rs.get('/r', `Bearer ${token}`));
        const [request] = as.introspectionRequests();
        expect(request && basic(request)).toBe(header);
      }),

      row('CAUTH-03 no credential stands in body or URL besides', async ({ as, rs }) => {
        expect200(await rs.get('/r', `Bearer ${as.token()}`));
        const [request] = as.introspectionRequests();
        expect(request?.url).toBe('/introspect');
        expect(SECRETS.filter((name) => request?.form.has(name))).toEqual([]);
        expect(request?.form.has('client_id')).toBe(false);
      }),
    ],
    { options: () => ({ clientAuthentication: { method: 'client_secret_basic', clientId, clientSecret } }) },
  );
}

for (const [clientId, clientSecret] of encodings) {
  describeRows(
    `client_secret_post of ${JSON.stringify(clientId)} and ${JSON.stringify(clientSecret)}`,
    [
      row('CAUTH-02 CAUTH-03 id and secret are in the body, once, and nowhere else', async ({ as, rs }) => {
        const token = as.token();
        expect200(await rs.get('/r', `Bearer ${token}`));
        const [request] = as.introspectionRequests();
        expect(request?.form.getAll('client_id')).toEqual([clientId]);
        expect(request?.form.getAll('client_secret')).toEqual([clientSecret]);
        expect(request?.form.getAll('token')).toEqual([token]);
        expect(request && lines(request, 'authorization')).toEqual([]);
        expect(request?.url).toBe('/introspect');
        expect(request?.body).toMatch(/^[\w\-.*+%=&]+$/);
        expect(request?.form.has('client_assertion')).toBe(false);
      }),
    ],
    { options: () => ({ clientAuthentication: { method: 'client_secret_post', clientId, clientSecret } }) },
  );
}

const rotating = { current: 'first' };

for (const [kind, secret] of [
  ['a function', () => rotating.current],
  ['an async function', async () => Promise.resolve(rotating.current)],
] as const) {
  describeRows(
    `A secret that is ${kind}`,
    [
      row('CAUTH-01 is asked before each call, so that it rotates without a restart', async ({ as, rs }) => {
        for (const next of ['first', 'second', 'third']) {
          rotating.current = next;
          expect200(await rs.get('/r', `Bearer ${as.token()}`));
        }
        expect(as.introspectionRequests().map(basic)).toEqual(['rs1:first', 'rs1:second', 'rs1:third']);
      }),
    ],
    { options: () => ({ clientAuthentication: { method: 'client_secret_basic', clientId: 'rs1', clientSecret: secret } }) },
  );
}

describeRows('Client authentication and metadata', [
  row('CAUTH-08 metadata without the list of methods leaves the configured one', async ({ as, rs }) => {
    expect(as.metadata).not.toHaveProperty('introspection_endpoint_auth_methods_supported');
    expect200(await rs.get('/r', `Bearer ${as.token()}`));
    expect(as.introspectionRequests().map(basic)).toEqual(['rs1:rs1-secret-value']);
  }),

  row('CAUTH-10 T3 a refusal of our credentials is not remembered, and the secret is in no log', async ({ as, rs }) => {
    const token = as.token();
    as.answer(token, (_request, response) =>
      json(response, { error: 'invalid_client' }, 401, { 'www-authenticate': 'Basic realm="as"' }),
    );
    for (let round = 0; round < 2; round += 1) {
      const refused = await rs.get('/r', `Bearer ${token}`);
      expect503(refused);
      expect(refused.introspections).toBe(1);
    }
    as.answer(token, { active: true, ...as.claims() });
    expect200(await rs.get('/r', `Bearer ${token}`));
    const logged = rs.logs.join('\n');
    expect(logged).toMatch(/credential|client/i);
    expect(logged).not.toContain('rs1-secret-value');
    expect(logged).not.toContain(Buffer.from('rs1:rs1-secret-value').toString('base64'));
    expect(logged).not.toContain(token);
  }),
]);

describe('Client authentication, refused at start-up', () => {
  let as: AuthorizationServer;
  beforeAll(async () => {
    as = await startAuthorizationServer();
  });
  afterAll(() => as.close());

  it.each([
    ['without a method', { clientId: 'rs1', clientSecret: 's' }],
    ['with an unknown method', { method: 'client_secret_magic', clientId: 'rs1', clientSecret: 's' }],
    ['without an id', { method: 'client_secret_basic', clientSecret: 's' }],
    ['with an empty id', { method: 'client_secret_basic', clientId: '', clientSecret: 's' }],
    ['without a secret', { method: 'client_secret_basic', clientId: 'rs1' }],
    ['with a secret that an unset variable left out', { method: 'client_secret_post', clientId: 'rs1', clientSecret: undefined }],
    ['with an empty secret', { method: 'client_secret_basic', clientId: 'rs1', clientSecret: '' }],
    ['with a secret of another type', { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 5 }],
    ['with a member that is none', { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 's', secret: 's' }],
  ])('CAUTH-08 %s', async (_what, clientAuthentication) => {
    const message = await expectBootFailure(as, { clientAuthentication });
    expect(message).toContain('clientAuthentication');
  });

  it('CAUTH-10 the message does not tell the secret', async () => {
    const clientAuthentication = { method: 'client_secret_magic', clientId: 'rs1', clientSecret: 'rs1-secret-value' };
    expect(await expectBootFailure(as, { clientAuthentication })).not.toContain('rs1-secret-value');
  });
});
