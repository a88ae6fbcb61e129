import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AccessTokenPrincipal,
  createPrincipal,
  createResourceServer,
  type Requirement,
  type ResourceRequest,
  type ResourceServer,
  type ResourceServerError,
} from 'nestjs-introspection/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { parseChallenges } from '../support/challenges.js';
import { defaultOptions } from '../support/resource-server.js';
import { sendRaw } from '../support/raw-http.js';
import { generateSigningKey } from '../support/signing-keys.js';

let as: AuthorizationServer;
let server: ResourceServer;
const opened: ResourceServer[] = [];

function open(options: Record<string, unknown> = {}): ResourceServer {
  const created = createResourceServer({ ...defaultOptions(as), ...options } as Parameters<typeof createResourceServer>[0]);
  opened.push(created);
  return created;
}

beforeAll(async () => {
  as = await startAuthorizationServer();
  server = open();
});
beforeEach(() => as.reset());
afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()));
  await as.close();
});

async function refusal(request: Promise<unknown>): Promise<ResourceServerError> {
  const outcome = await request.then(
    () => 'resolved',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Error);
  return outcome as ResourceServerError;
}

describe('requests of every kind', () => {
  const bearer = (token: string): string => `Bearer ${token}`;
  const kinds: Record<string, (authorization: string) => ResourceRequest> = {
    'a plain object': (authorization) => ({ method: 'GET', url: '/', headers: { authorization } }),
    'headers in odd case': (authorization) => ({ headers: { AuThOrIzAtIoN: authorization } }),
    'a list of one': (authorization) => ({ headers: { Authorization: [authorization] } }),
    'headers without a prototype': (authorization) => ({
      headers: Object.assign(Object.create(null) as object, { authorization }),
    }),
    'a second, undefined key': (authorization) => ({ headers: { authorization, Authorization: undefined } }),
    'a WHATWG Request': (authorization) => new Request('http://rs.example.com/', { headers: { authorization } }),
    'WHATWG Headers': (authorization) => ({ headers: new Headers({ authorization }) }),
  };

  it.each(Object.entries(kinds))('%s carries a token', async (_what, make) => {
    const token = as.token();
    expect(await server.authenticate(make(bearer(token)))).toMatchObject({ subject: 'u1', verifiedBy: 'introspection' });
    expect(as.introspections).toBe(1);
    expect(await refusal(server.authenticate(make('')))).toMatchObject({ code: 'ERR_CREDENTIALS_MISSING', status: 401 });
  });

  const twice: Record<string, (authorization: string) => ResourceRequest> = {
    'two keys that differ in case': (authorization) => ({ headers: { authorization, Authorization: authorization } }),
    'a list of two': (authorization) => ({ headers: { authorization: [authorization, authorization] } }),
    'WHATWG Headers with two lines': (authorization) => {
      const headers = new Headers({ authorization });
      headers.append('Authorization', authorization);
      return { headers };
    },
  };

  it.each(Object.entries(twice))('T52 %s are two tokens', async (_what, make) => {
    const error = await refusal(server.authenticate(make(bearer(as.token()))));
    expect(error).toMatchObject({ code: 'ERR_REQUEST_INVALID', status: 400 });
    expect(as.introspections).toBe(0);
  });

  it("Node's IncomingMessage carries a token, and shows a second line", async () => {
    const answers = createServer((request, response) => {
      server.authenticate(request).then(
        (principal) => response.end(principal.subject),
        (error: ResourceServerError) => {
          const { status, headers, body } = server.challenge(error);
          response.writeHead(status, headers).end(JSON.stringify(body));
        },
      );
    });
    await new Promise<void>((resolve) => answers.listen(0, '127.0.0.1', resolve));
    const { port } = answers.address() as AddressInfo;
    const line = `Authorization: ${bearer(as.token())}\r\n`;
    const get = (lines: string) => sendRaw(port, `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines}\r\n`);
    expect(await get(line)).toMatchObject({ status: 200, body: 'u1' });
    expect(await get(line + line)).toMatchObject({ status: 400 });
    const missing = await get('');
    expect(missing.status).toBe(401);
    expect(parseChallenges(missing.all('WWW-Authenticate'))).toEqual([
      { scheme: 'Bearer', params: new Map([['realm', 'example']]) },
    ]);
    await new Promise((resolve) => answers.close(resolve));
  });

  it('an async extract.token is awaited', async () => {
    const token = as.token();
    const asking = open({ extract: { token: () => Promise.resolve(token) } });
    expect(await asking.authenticate({ headers: {} })).toMatchObject({ subject: 'u1' });
  });

  it('an extract.token that rejects refuses the request, and leaves no unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const asking = open({ extract: { token: () => Promise.reject(new Error('no session')) } });
    const error = await refusal(asking.authenticate({ headers: {} }));
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(error.status).toBeGreaterThanOrEqual(400);
    expect(unhandled).toEqual([]);
  });

  it('is no crash where the application keeps no token', async () => {
    for (const nothing of [undefined, null, '']) {
      const error = await refusal(open({ extract: { token: () => nothing } }).authenticate({ headers: {} }));
      expect(error).toMatchObject({ code: 'ERR_CREDENTIALS_MISSING' });
    }
  });
});

describe('authenticateIfPresented', () => {
  it('T58 is undefined without credentials, and refuses bad ones', async () => {
    expect(await server.authenticateIfPresented({ headers: {} })).toBeUndefined();
    expect(await server.authenticateIfPresented({ headers: { authorization: 'Basic eDp5' } })).toBeUndefined();
    const unknown = { headers: { authorization: 'Bearer unknown-token' } };
    expect(await refusal(server.authenticateIfPresented(unknown))).toMatchObject({ code: 'ERR_TOKEN_INVALID' });
    const requirement = { scopes: ['admin'] };
    const known = { headers: { authorization: `Bearer ${as.token()}` } };
    expect(await refusal(server.authenticateIfPresented(known, requirement))).toMatchObject({ code: 'ERR_SCOPE_INSUFFICIENT' });
  });
});

describe('requirements', () => {
  const principal = createPrincipal({ issuer: 'https://as.example.com', scopes: ['a', 'b'], roles: ['r'], audience: ['x'] });

  it.each<[Requirement, string | undefined]>([
    [{}, undefined],
    [{ scopes: ['a', 'b'] }, undefined],
    [{ scopes: ['a', 'c'] }, 'ERR_SCOPE_INSUFFICIENT'],
    [{ anyScope: ['c', 'b'] }, undefined],
    [{ anyScope: ['c', 'd'] }, 'ERR_SCOPE_INSUFFICIENT'],
    [{ scopes: ['a'], anyScope: ['c'] }, 'ERR_SCOPE_INSUFFICIENT'],
    [{ scopes: ['A'] }, 'ERR_SCOPE_INSUFFICIENT'],
    [{ anyRole: ['r', 'q'] }, undefined],
    [{ anyRole: ['q'] }, 'ERR_ACCESS_DENIED'],
    [{ audience: 'x' }, undefined],
    [{ audience: ['y', 'x'] }, undefined],
    [{ audience: 'xy' }, 'ERR_TOKEN_INVALID'],
    [{ issuer: 'https://as.example.com' }, undefined],
    [{ issuer: 'https://as.example.com/' }, 'ERR_TOKEN_INVALID'],
    [{ issuer: ['https://b.example'], scopes: ['zzz'] }, 'ERR_TOKEN_INVALID'],
  ])('%j', async (requirement, code) => {
    const outcome = await server.authorize(principal, requirement).then(
      () => undefined,
      (error: ResourceServerError) => error.code,
    );
    expect(outcome).toBe(code);
  });

  // A requirement that is not understood demands nothing: misuse has to be loud.
  const misuse: Record<string, unknown> = {
    'an unknown member': { scope: ['a'] },
    'a misspelt member': { Scopes: ['a'] },
    'scopes as a text': { scopes: 'a b' },
    'a scope with a space': { scopes: ['a b'] },
    'an empty scope': { scopes: [''] },
    'a scope that is no text': { scopes: [5] },
    'no scope in anyScope': { anyScope: [] },
    'no role in anyRole': { anyRole: [] },
    'an empty audience': { audience: '' },
    'no audience': { audience: [] },
    'a null member': { scopes: null },
    'an inherited name': { toString: 'x' },
    acrValues: { acrValues: ['x'] },
    maxAgeSeconds: { maxAgeSeconds: 5 },
    authorizationDetails: { authorizationDetails: 'x' },
    introspectMaxAgeMs: { introspectMaxAgeMs: 0 },
    senderConstrained: { senderConstrained: true },
    'a text': 'a',
    'an empty text': '',
    'a number': 5,
    'a list': ['a'],
    'an empty list': [],
    'a function': () => ({ scopes: ['a'] }),
    'a class': class {},
    null: null,
    true: true,
    'a Map': new Map([['scopes', ['a']]]),
  };

  it.each(Object.entries(misuse))('%s is a TypeError', async (_what, requirement) => {
    const request = { headers: { authorization: `Bearer ${as.token()}` } };
    expect(await refusal(server.authorize(principal, requirement as Requirement))).toBeInstanceOf(TypeError);
    expect(await refusal(server.authenticate(request, requirement as Requirement))).toBeInstanceOf(TypeError);
    expect(await refusal(server.authenticateIfPresented(request, requirement as Requirement))).toBeInstanceOf(TypeError);
    expect(as.introspections).toBe(0);
  });

  it('are judged each time, frozen or not', async () => {
    const scopes = ['a'];
    const requirement = { scopes };
    await server.authorize(principal, requirement);
    scopes.push('zzz');
    expect(await refusal(server.authorize(principal, requirement))).toMatchObject({ code: 'ERR_SCOPE_INSUFFICIENT' });
    const frozen = Object.freeze({ anyRole: Object.freeze(['q']) });
    for (let round = 0; round < 2; round += 1)
      expect(await refusal(server.authorize(principal, frozen))).toMatchObject({ code: 'ERR_ACCESS_DENIED' });
  });

  it('audience replaces the configured one, and a missing aud never meets it', async () => {
    const request = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    const admin = { audience: 'https://rs.example.com/admin' };
    expect(await server.authenticate(request(as.token({ aud: admin.audience })), admin)).toBeInstanceOf(AccessTokenPrincipal);
    for (const aud of [undefined, null, [], 'https://rs.example.com'])
      expect(await refusal(server.authenticate(request(as.token({ aud })), admin))).toMatchObject({ code: 'ERR_TOKEN_INVALID' });
    const lenient = open({ allowMissingAudience: true });
    expect(await refusal(lenient.authenticate(request(as.token({ aud: undefined })), admin))).toMatchObject({
      reason: 'audience',
    });
    const careless = open({ audience: null });
    expect(await refusal(careless.authenticate(request(as.token({ aud: 'other' })), admin))).toMatchObject({
      reason: 'audience',
    });
  });
});

describe('challenge', () => {
  it('is what a client gets, and tells nothing else', async () => {
    const scoped = await refusal(server.authenticate({ headers: {} }, { scopes: ['a', 'b'] }));
    expect(server.challenge(scoped)).toEqual({
      status: 401,
      headers: { 'Cache-Control': 'no-store', 'WWW-Authenticate': 'Bearer realm="example", scope="a b"' },
      body: { statusCode: 401, message: 'Unauthorized' },
    });
    const principal = createPrincipal({ issuer: 'x' });
    const role = await refusal(server.authorize(principal, { anyRole: ['r'] }));
    expect(server.challenge(role)).toEqual({
      status: 403,
      headers: { 'Cache-Control': 'no-store' },
      body: { statusCode: 403, message: 'Forbidden' },
    });
    const scope = server.challenge(await refusal(server.authorize(principal, { anyScope: ['a', 'b'] })));
    const [challenge] = parseChallenges([String(scope.headers['WWW-Authenticate'])]);
    expect(Object.fromEntries(challenge?.params ?? [])).toMatchObject({ error: 'insufficient_scope', scope: 'a b' });
  });

  it('T121 is the same for every refused token', async () => {
    const tokens = [
      'unknown-token',
      as.token({ exp: 1 }),
      as.token({ aud: 'other' }),
      as.token({ iss: 'https://other.example' }),
    ];
    const answers = new Set<string>();
    for (const token of tokens) {
      const error = await refusal(server.authenticate({ headers: { authorization: `Bearer ${token}` } }));
      answers.add(JSON.stringify(server.challenge(error)));
    }
    expect(answers.size).toBe(1);
  });
});

describe('introspect', () => {
  const jwks = (): Record<string, unknown> => ({
    discovery: false,
    jwksUri: as.jwksUri,
    introspectionEndpoint: as.introspectionEndpoint,
  });

  it.each([
    ['local', 0],
    ['hybrid', 0],
    ['remote', 1],
    ['both', 1],
  ])('in %s says what a JWT is worth, with %d calls', async (verification, calls) => {
    const asking = open({ verification, ...jwks() });
    const token = await as.sign();
    as.answer(token, { active: true, ...as.claims() });
    expect(await asking.introspect(token)).toMatchObject({ active: true, sub: 'u1', scope: 'read' });
    expect(as.introspections).toBe(calls);
    expect(await asking.introspect(await as.sign({ exp: 1 }))).toEqual({ active: false });
  });

  it.each(['local', 'hybrid', 'remote', 'both'])('in %s is inactive for every token that is not valid', async (verification) => {
    const asking = open({ verification, ...jwks() });
    const { privateKey: key } = await generateSigningKey('ES256');
    const bad = [
      '',
      'x',
      'a b',
      '\n',
      'é',
      'x'.repeat(9000),
      'a.b.c',
      await as.sign({}, { key }),
      await as.sign({ aud: 'other' }),
    ];
    for (const token of bad) expect(await asking.introspect(token), token.slice(0, 20)).toEqual({ active: false });
  });

  it('says nothing of the binding, which needs a request', async () => {
    expect(await server.introspect(as.token({ cnf: { jkt: 'x' } }))).toMatchObject({ active: true, cnf: { jkt: 'x' } });
  });

  it('throws when the authorization server is at fault, and only then', async () => {
    const token = as.token();
    for (const status of [401, 403, 404, 429, 500]) {
      as.answer(token, (_request, response) => response.writeHead(status).end());
      expect(await refusal(server.introspect(token))).toMatchObject({ status: 503 });
    }
    as.answer(token, (_request, response) => response.writeHead(400).end('{"error":"unsupported_token_type"}'));
    expect(await server.introspect(token)).toEqual({ active: false });
  });

  it("hands out an answer that is the caller's own", async () => {
    const token = as.token();
    const first = (await server.introspect(token)) as Record<string, unknown>;
    first['active'] = false;
    expect(await server.introspect(token)).toMatchObject({ active: true });
  });

  it.each([
    ['a token that is no text', 5, undefined],
    ['no token', undefined, undefined],
    ['an object', { toString: () => 'x' }, undefined],
    ['an unknown option', 'x', { maxAge: 5 }],
    ['an option of a later version', 'x', { maxAgeMs: 0 }],
    ['an issuer that is not configured', 'x', { issuer: 'https://other.example' }],
    ['options that are no object', 'x', null],
  ])('is a TypeError for %s', async (_what, token, options) => {
    const call = server.introspect(token as string, options as undefined);
    expect(await refusal(call)).toBeInstanceOf(TypeError);
    expect(as.introspections).toBe(0);
  });
});

describe('close', () => {
  it('refuses what still needs the authorization server with 503, and may be called twice', async () => {
    const closing = open();
    const token = as.token();
    await closing.introspect(token);
    await closing.close();
    await closing.close();
    expect(await refusal(closing.introspect(token))).toMatchObject({ status: 503 });
  });

  it('ends calls in flight', async () => {
    const closing = open({ http: { timeoutMs: 60_000 } });
    const token = as.token();
    as.answer(token, () => undefined);
    const arrived = as.nextRequest();
    const call = refusal(closing.introspect(token));
    await arrived;
    await closing.close();
    expect(await call).toMatchObject({ status: 503 });
  });
});

describe('the methods that are not built', () => {
  it.each(['revoke', 'health'])('%s is not there', (name) => {
    expect(name in server).toBe(false);
  });
});
