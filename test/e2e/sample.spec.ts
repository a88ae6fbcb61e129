import type { INestApplication } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../../apps/authorization-server/src/authorization-server.js';
import type { Platform } from '../../apps/sample/src/configuration/configuration.js';
import { createApplication } from '../../apps/sample/src/create-application.js';
import { parseChallenges } from '../support/challenges.js';
import { answerOf, getAccessToken, post, type Answer } from './client.js';

const PLATFORMS: readonly Platform[] = ['express', 'fastify'];

interface Api {
  call(method: 'GET' | 'POST', path: string, token?: string, body?: object): Promise<Answer>;
  close(): Promise<void>;
}

async function startApi(
  platform: Platform,
  { issuer, resources, secrets }: Omit<AuthorizationServer, 'close' | 'port'>,
): Promise<Api> {
  vi.stubEnv('OAUTH_ISSUER', issuer);
  vi.stubEnv('OAUTH_AUDIENCE', `${resources.opaque},${resources.jwt}`);
  vi.stubEnv('OAUTH_CLIENT_ID', 'api');
  vi.stubEnv('OAUTH_CLIENT_SECRET', secrets.api);
  vi.stubEnv('OAUTH_ALLOW_INSECURE_HTTP', 'true');
  const app: INestApplication = await createApplication(platform);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return {
    async call(method, path, token, body) {
      const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': 'application/json' }) };
      return answerOf(await fetch(`${url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) }));
    },
    close: () => app.close(),
  };
}

const challengeOf = ({ headers }: Answer) => {
  const [challenge, ...others] = parseChallenges([headers.get('www-authenticate') ?? '']);
  expect(others).toEqual([]);
  expect(challenge?.scheme).toBe('Bearer');
  return Object.fromEntries(challenge?.params ?? []);
};

afterEach(() => vi.unstubAllEnvs());

describe.each(PLATFORMS)('the albums API on %s', (platform) => {
  let server: AuthorizationServer;
  let api: Api;
  beforeAll(async () => {
    server = await startAuthorizationServer();
    api = await startApi(platform, server);
  });
  afterAll(async () => {
    await api?.close();
    await server?.close();
  });

  const opaque = (scope = 'read') => getAccessToken(server, 'machine-write', { scope });
  const jwt = (scope = 'read') => getAccessToken(server, 'machine-write', { scope, resource: server.resources.jwt });

  it('answers an opaque access token, checked by introspection', async () => {
    const { status, body } = await api.call('GET', '/albums', await opaque());
    expect(status).toBe(200);
    expect(body).toMatchObject({ for: 'machine-write', verifiedBy: 'introspection', albums: expect.any(Array) });
  });

  it('answers a JWT access token, checked by its signature', async () => {
    const { status, body } = await api.call('GET', '/albums', await jwt());
    expect(status).toBe(200);
    expect(body).toMatchObject({ for: 'machine-write', verifiedBy: 'local' });
  });

  it.each([
    ['an opaque', opaque],
    ['a JWT', jwt],
  ])('lets %s access token with scope write add an album', async (_kind, get) => {
    const token = await get('read write');
    const added = await api.call('POST', '/albums', token, { title: 'Giant Steps' });
    expect(added).toMatchObject({ status: 201, body: { title: 'Giant Steps', by: 'machine-write' } });
    const { body } = await api.call('GET', '/albums', token);
    expect(body['albums']).toContainEqual({ title: 'Giant Steps', by: 'machine-write' });
  });

  it.each([
    ['an opaque', opaque],
    ['a JWT', jwt],
  ])('answers 403 and names the scope that %s access token lacks', async (_kind, get) => {
    const answer = await api.call('POST', '/albums', await get('read'), { title: 'Never' });
    expect(answer.status).toBe(403);
    expect(challengeOf(answer)).toMatchObject({ error: 'insufficient_scope', scope: 'write' });
  });

  it('answers 401 without error when there is no access token', async () => {
    const answer = await api.call('GET', '/albums');
    expect(answer.status).toBe(401);
    expect(challengeOf(answer)).toEqual({ realm: 'api', scope: 'read' });
    expect(answer.body).not.toHaveProperty('error');
  });

  it('answers 401 from the moment an access token is revoked', async () => {
    const token = await getAccessToken(server, 'machine-read', { scope: 'read' });
    expect(await api.call('GET', '/albums', token)).toMatchObject({ status: 200 });
    await post(server, '/token/revocation', 'machine-read', { token });
    const answer = await api.call('GET', '/albums', token);
    expect(answer.status).toBe(401);
    expect(challengeOf(answer)).toMatchObject({ error: 'invalid_token' });
  });

  it('answers 401 to a JWT with a broken signature', async () => {
    const answer = await api.call('GET', '/albums', `${(await jwt()).slice(0, -8)}AAAAAAAA`);
    expect(answer.status).toBe(401);
    expect(challengeOf(answer)).toMatchObject({ error: 'invalid_token' });
  });

  it('answers its health to anybody', async () => {
    expect(await api.call('GET', '/albums/health')).toMatchObject({ status: 200 });
    expect(await api.call('GET', '/albums/health', 'not-a-token')).toMatchObject({ status: 200 });
  });

  it('explains itself on a page without a token in it', async () => {
    const { status, headers, text } = await api.call('GET', '/');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    for (const shown of ['GET /albums', 'POST /albums', 'GET /albums/health', server.issuer, server.resources.jwt]) {
      expect(text).toContain(shown);
    }
    expect(text).not.toMatch(/Bearer (?!&lt;access token&gt;)/);
    expect(text).not.toContain(server.secrets.api);
  });
});

describe.each(PLATFORMS)('the albums API on %s, its authorization server down', (platform) => {
  it('starts, answers 503, and recovers without a restart', async () => {
    const formerly = await startAuthorizationServer();
    await formerly.close();
    const api = await startApi(platform, formerly);
    let server: AuthorizationServer | undefined;
    try {
      expect(await api.call('GET', '/albums/health')).toMatchObject({ status: 200 });
      const refused = await api.call('GET', '/albums', 'an-opaque-token');
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(refused.headers.get('www-authenticate')).toBeNull();

      server = await startAuthorizationServer({ port: formerly.port, secrets: formerly.secrets });
      const opaque = await getAccessToken(server, 'machine-read', { scope: 'read' });
      const jwt = await getAccessToken(server, 'machine-read', { scope: 'read', resource: server.resources.jwt });
      for (const token of [opaque, jwt]) {
        await expect
          .poll(async () => (await api.call('GET', '/albums', token)).status, { interval: 50, timeout: 15_000 })
          .toBe(200);
      }
    } finally {
      await api.close();
      await server?.close();
    }
  });
});

describe('the environment of the sample', () => {
  it('is told all at once what is missing or wrong', async () => {
    for (const name of ['OAUTH_ISSUER', 'OAUTH_AUDIENCE', 'OAUTH_CLIENT_ID', 'OAUTH_CLIENT_SECRET']) vi.stubEnv(name, undefined);
    vi.stubEnv('OAUTH_ALLOW_INSECURE_HTTP', 'yes');
    vi.stubEnv('PORT', 'http');
    const failure = await createApplication('express').catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'ConfigurationVariablesError',
      problems: [
        expect.stringContaining('OAUTH_ISSUER is missing'),
        expect.stringContaining('OAUTH_AUDIENCE is missing'),
        expect.stringContaining('OAUTH_CLIENT_ID is missing'),
        expect.stringContaining('OAUTH_CLIENT_SECRET is missing'),
        'OAUTH_ALLOW_INSECURE_HTTP must be true or false, not "yes"',
        'PORT must be a whole number from 0 to 65535, not "http"',
      ],
    });
  });

  it('needs no client where nobody is asked', async () => {
    vi.stubEnv('OAUTH_ISSUER', 'https://127.0.0.1:9');
    vi.stubEnv('OAUTH_AUDIENCE', 'https://api.example.com');
    vi.stubEnv('OAUTH_VERIFICATION', 'local');
    const app = await createApplication('express');
    await app.close();
  });
});
