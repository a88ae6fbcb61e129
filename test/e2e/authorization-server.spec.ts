import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../../apps/authorization-server/src/authorization-server.js';
import { getAccessToken, getJson, post } from './client.js';
import { build, isFree, runProgram, takePort } from './program.js';

describe('the embedded authorization server', () => {
  let server: AuthorizationServer;
  beforeAll(async () => void (server = await startAuthorizationServer()));
  afterAll(() => server.close());

  const introspect = async (token: string) => (await post(server, '/token/introspection', 'api', { token })).body;

  it.each(['oauth-authorization-server', 'openid-configuration'])('publishes metadata at %s', async (name) => {
    const { status, body } = await getJson(`${server.issuer}/.well-known/${name}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      issuer: server.issuer,
      token_endpoint: `${server.issuer}/token`,
      introspection_endpoint: `${server.issuer}/token/introspection`,
      revocation_endpoint: `${server.issuer}/token/revocation`,
      jwks_uri: `${server.issuer}/jwks`,
    });
  });

  it('names only its issuer in metadata, whatever the request was addressed to', async () => {
    const { body } = await getJson(`http://localhost:${server.port}/.well-known/oauth-authorization-server`);
    expect(body['jwks_uri']).toBe(`${server.issuer}/jwks`);
  });

  it('publishes an RSA and an EC key, without their private halves', async () => {
    const { body } = await getJson(`${server.issuer}/jwks`);
    const keys = body['keys'] as { kty: string }[];
    expect(new Set(keys.map(({ kty }) => kty))).toEqual(new Set(['EC', 'RSA']));
    expect(keys.flatMap((key) => Object.keys(key))).not.toContain('d');
  });

  it('makes new keys and secrets for every start', async () => {
    const other = await startAuthorizationServer();
    try {
      const keyIds = async ({ issuer }: AuthorizationServer) => {
        const { keys } = (await getJson(`${issuer}/jwks`)).body as { keys: { kid: string }[] };
        return keys.map(({ kid }) => kid);
      };
      expect(await keyIds(other)).not.toEqual(expect.arrayContaining(await keyIds(server)));
      expect(other.secrets.api).not.toBe(server.secrets.api);
    } finally {
      await other.close();
    }
  });

  it('issues opaque access tokens unless told otherwise', async () => {
    const token = await getAccessToken(server, 'machine-read', { scope: 'read' });
    expect(token.split('.')).toHaveLength(1);
    expect(await introspect(token)).toMatchObject({
      active: true,
      iss: server.issuer,
      aud: server.resources.opaque,
      client_id: 'machine-read',
      scope: 'read',
      token_type: 'Bearer',
    });
  });

  it('issues JWT access tokens for the resource that stands for them', async () => {
    const token = await getAccessToken(server, 'machine-write', { scope: 'read write', resource: server.resources.jwt });
    const keys = createRemoteJWKSet(new URL(`${server.issuer}/jwks`));
    const { payload } = await jwtVerify(token, keys, {
      issuer: server.issuer,
      audience: server.resources.jwt,
      typ: 'at+jwt',
      requiredClaims: ['sub', 'client_id', 'iat', 'exp', 'jti'],
    });
    expect(payload).toMatchObject({ client_id: 'machine-write', scope: 'read write' });
  });

  it.each([
    ['a scope that the client may not have', { scope: 'read write' }, 'invalid_scope'],
    ['an unknown resource', { scope: 'read', resource: 'https://elsewhere.example.com' }, 'invalid_target'],
  ])('refuses %s', async (_what, parameters, error) => {
    const answer = await post(server, '/token', 'machine-read', { grant_type: 'client_credentials', ...parameters });
    expect(answer).toMatchObject({ status: 400, body: { error } });
  });

  it("gives the resource server's own client no access token", async () => {
    const answer = await post(server, '/token', 'api', { grant_type: 'client_credentials' });
    expect(answer.status).toBe(400);
  });

  it('answers introspection to nobody but the resource server', async () => {
    const token = await getAccessToken(server, 'machine-read', { scope: 'read' });
    expect(await introspect(token)).toMatchObject({ active: true });
    const asked = await post(server, '/token/introspection', 'machine-read', { token });
    expect(asked.body).toEqual({ active: false });
  });

  it('revokes an access token for its own client only', async () => {
    const token = await getAccessToken(server, 'machine-read', { scope: 'read' });
    await post(server, '/token/revocation', 'machine-write', { token });
    expect(await introspect(token)).toMatchObject({ active: true });
    expect(await post(server, '/token/revocation', 'machine-read', { token })).toMatchObject({ status: 200 });
    expect(await introspect(token)).toEqual({ active: false });
  });

  it('refuses a wrong secret', async () => {
    const mistaken = { ...server, secrets: { ...server.secrets, api: 'wrong' } };
    const answer = await post(mistaken, '/token/introspection', 'api', { token: 'x' });
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  it('rejects with EADDRINUSE when its port is taken', async () => {
    await expect(startAuthorizationServer({ port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('its command', () => {
  const MAIN = 'apps/authorization-server/dist/main.js';
  beforeAll(() => build('apps/authorization-server'));

  it.each(['SIGINT', 'SIGTERM'] as const)('starts without a notice, and ends cleanly on %s', async (signal) => {
    const program = runProgram([MAIN, '--port', '0'], { API_SECRET: 'given-by-environment' });
    await program.untilPrinted('client machine-write');
    // On Node.js 20 the provider says that it prefers a later one; nothing else may be complained about.
    const complaints = program.output.split('\n').filter((line) => /warning|notice/i.test(line));
    expect(complaints.filter((line) => !line.includes('Unsupported runtime'))).toEqual([]);
    expect(program.output).not.toContain('given-by-environment');

    const port = Number(/127\.0\.0\.1:(\d+)/.exec(program.output)?.[1]);
    program.kill(signal);
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(await isFree(port)).toBe(true);
  });

  it('says that its port is taken, and how to choose another', async () => {
    const { port, release } = await takePort();
    try {
      const program = runProgram([MAIN], { AUTHORIZATION_SERVER_PORT: String(port) });
      expect(await program.ended).toMatchObject({ code: 1 });
      expect(program.output).toContain(`Port ${port} of 127.0.0.1 is taken.`);
      expect(program.output).toMatch(/--port \d+ or AUTHORIZATION_SERVER_PORT=\d+/);
    } finally {
      await release();
    }
  });

  it.each(['--port=many', '--port=65536', '--prot'])('explains a wrong %s', async (flag) => {
    const program = runProgram([MAIN, flag]);
    expect(await program.ended).toMatchObject({ code: 1 });
    expect(program.output).toMatch(/must be a whole number from 0 to 65535|Usage:/);
    expect(program.output).not.toContain('    at ');
  });
});
