import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import type { Opened } from '../support/remembering.js';
import { describeSharing, FaultyStore } from '../support/shared-stores.js';

const fixture = describeSharing();
const { joined, remember } = fixture;
const askedFor = { status: 200, asked: 1 };

describe('One store, and nothing in common', () => {
  let other: AuthorizationServer;
  beforeAll(async () => {
    other = await startAuthorizationServer();
  });
  beforeEach(() => other.reset());
  afterAll(() => other.close());

  const elsewhere = (as: AuthorizationServer): Record<string, unknown> => ({
    issuer: as.issuer,
    introspectionEndpoint: as.introspectionEndpoint,
    jwksUri: as.jwksUri,
  });

  it('ICACHE-06 T31 another authorization server is asked itself, in any order and at once', async () => {
    const store = new FaultyStore();
    const open = (): [Opened, Opened] => [joined(store), joined(store, {}, elsewhere(other))];
    const token = fixture.as.token();
    const [a, b] = open();
    await remember(a, token, () => store.dump());
    expect(await b.status(token)).toBe(401);
    expect(other.introspections).toBe(1);

    const [c, d] = open();
    const second = fixture.as.token();
    expect(await d.status(second)).toBe(401);
    expect(await c.judge(second)).toMatchObject(askedFor);

    const third = fixture.as.token();
    const many = Array.from({ length: 50 }, (_each, index) => (index % 2 === 0 ? c : d).status(third));
    for (const [index, status] of (await Promise.all(many)).entries()) expect(status).toBe(index % 2 === 0 ? 200 : 401);
    expect(other.introspections).toBe(3);
  });

  it.each([
    ['client', { clientAuthentication: { method: 'client_secret_basic', clientId: 'rs2', clientSecret: 'rs2-secret-value' } }],
    ['endpoint', { introspectionEndpoint: 'other' }],
    ['response mode', { introspectionResponse: 'jwt-preferred' }],
    ['set of parameters', { introspectionParameters: { resource: 'https://other.example' } }],
  ] as [string, Record<string, unknown>][])('ICACHE-06 IRESP-16 T42 another %s is asked itself', async (_what, options) => {
    const store = new FaultyStore();
    const token = fixture.as.token({ scope: 'read admin' });
    const endpoint = `${fixture.as.introspectionEndpoint}?of=another`;
    const given = options['introspectionEndpoint'] === undefined ? options : { introspectionEndpoint: endpoint };
    await remember(joined(store), token, () => store.dump());
    fixture.as.answer(token, { active: true, ...fixture.as.claims({ scope: 'read' }) });
    const verdict = await joined(store, {}, given).judge(token);
    expect(verdict).toMatchObject(askedFor);
    expect(verdict.principal?.scopes).toEqual(['read']);
    expect((await joined(store).judge(token)).principal?.scopes).toEqual(['read', 'admin']);
  });

  it('BCP-01 ICACHE-06 another audience judges for itself', async () => {
    const store = new FaultyStore();
    const token = fixture.as.token();
    await remember(joined(store), token, () => store.dump());
    const verdict = await joined(store, {}, { audience: 'https://other.example' }).judge(token);
    expect(verdict).toMatchObject({ status: 401, reason: 'audience' });
  });
});
