import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ResourceRequest, type ResourceServerError } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../support/challenges.js';
import { coreFixture, refusal } from '../../support/core-fixture.js';
import { sendRaw } from '../../support/raw-http.js';

const fixture = coreFixture();

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
    const token = fixture.as.token();
    expect(await fixture.server.authenticate(make(bearer(token)))).toMatchObject({ subject: 'u1', verifiedBy: 'introspection' });
    expect(fixture.as.introspections).toBe(1);
    expect(await refusal(fixture.server.authenticate(make('')))).toMatchObject({ code: 'ERR_CREDENTIALS_MISSING', status: 401 });
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
    const error = await refusal(fixture.server.authenticate(make(bearer(fixture.as.token()))));
    expect(error).toMatchObject({ code: 'ERR_REQUEST_INVALID', status: 400 });
    expect(fixture.as.introspections).toBe(0);
  });

  it("Node's IncomingMessage carries a token, and shows a second line", async () => {
    const answers = createServer((request, response) => {
      fixture.server.authenticate(request).then(
        (principal) => response.end(principal.subject),
        (error: ResourceServerError) => {
          const { status, headers, body } = fixture.server.challenge(error);
          response.writeHead(status, headers).end(JSON.stringify(body));
        },
      );
    });
    await new Promise<void>((resolve) => answers.listen(0, '127.0.0.1', resolve));
    const { port } = answers.address() as AddressInfo;
    const line = `Authorization: ${bearer(fixture.as.token())}\r\n`;
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
    const token = fixture.as.token();
    const asking = fixture.open({ extract: { token: () => Promise.resolve(token) } });
    expect(await asking.authenticate({ headers: {} })).toMatchObject({ subject: 'u1' });
  });

  it('an extract.token that rejects refuses the request, and leaves no unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const asking = fixture.open({ extract: { token: () => Promise.reject(new Error('no session')) } });
    const error = await refusal(asking.authenticate({ headers: {} }));
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(error.status).toBeGreaterThanOrEqual(400);
    expect(unhandled).toEqual([]);
  });

  it('an extract.token that never resolves ends at the deadline, as all that a request waits for', async () => {
    const never = () => new Promise<string>(() => undefined);
    const asking = fixture.open({ extract: { token: never }, http: { timeoutMs: 100 } });
    const outcome = refusal(asking.authenticate({ headers: {} }));
    const late = new Promise<{ status: string }>((resolve) => setTimeout(() => resolve({ status: 'still waiting' }), 1000));
    expect((await Promise.race([outcome, late])).status).toBeGreaterThanOrEqual(400);
  });

  it('is no crash where the application keeps no token', async () => {
    for (const nothing of [undefined, null, '']) {
      const error = await refusal(fixture.open({ extract: { token: () => nothing } }).authenticate({ headers: {} }));
      expect(error).toMatchObject({ code: 'ERR_CREDENTIALS_MISSING' });
    }
  });
});

describe('authenticateIfPresented', () => {
  it('T58 is undefined without credentials, and refuses bad ones', async () => {
    expect(await fixture.server.authenticateIfPresented({ headers: {} })).toBeUndefined();
    expect(await fixture.server.authenticateIfPresented({ headers: { authorization: 'Basic eDp5' } })).toBeUndefined();
    const unknown = { headers: { authorization: 'Bearer unknown-token' } };
    expect(await refusal(fixture.server.authenticateIfPresented(unknown))).toMatchObject({ code: 'ERR_TOKEN_INVALID' });
    const requirement = { scopes: ['admin'] };
    const known = { headers: { authorization: `Bearer ${fixture.as.token()}` } };
    expect(await refusal(fixture.server.authenticateIfPresented(known, requirement))).toMatchObject({
      code: 'ERR_SCOPE_INSUFFICIENT',
    });
  });
});
