import { createResourceServer, type ResourceServer, type ResourceServerOptions } from 'nestjs-introspection/core';
import { afterEach, expect, it } from 'vitest';
import { AUDIENCE } from '../support/authorization-server.js';
import { coreFixture, refusal } from '../support/core-fixture.js';
import { defaultOptions } from '../support/resource-server.js';

const fixture = coreFixture();
const opened: ResourceServer[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

function open(options: Record<string, unknown>): ResourceServer {
  const server = createResourceServer({
    audience: AUDIENCE,
    allowInsecureHttp: true,
    ...options,
  } as unknown as ResourceServerOptions);
  opened.push(server);
  return server;
}

const own = () => {
  const { issuer, clientAuthentication } = defaultOptions(fixture.as) as { issuer: string; clientAuthentication: unknown };
  return { issuer, clientAuthentication };
};
const ask = (server: ResourceServer, token: string) => server.authenticate({ headers: { authorization: `Bearer ${token}` } });

it('an option of an issuer without a value does not hide the default for all', async () => {
  const server = open({ verification: 'both', issuers: [{ ...own(), verification: undefined }] });
  expect(await refusal(ask(server, fixture.as.token()))).toMatchObject({ status: 401 });
  expect(fixture.as.introspections).toBe(0);
});

it('an allow-list function that hangs once is asked again', async () => {
  let calls = 0;
  const issuers = () => {
    calls += 1;
    return calls === 1 ? new Promise(() => {}) : { ...own(), verification: 'local' };
  };
  const server = open({ verification: 'local', issuers, http: { timeoutMs: 100 } });
  expect(await refusal(ask(server, await fixture.as.sign()))).toMatchObject({ status: 503 });
  // The call that hangs may be given up a moment after the request that waited for it.
  const verified = async () => (await ask(server, await fixture.as.sign()).catch(() => undefined))?.verifiedBy;
  await expect.poll(verified, { interval: 5 }).toBe('local');
  expect(calls).toBe(2);
});

it.each([null, 5, {}])('issuerFor that answers %j names no issuer', async (answer) => {
  const server = open({ verification: 'local', issuers: () => own(), issuerFor: () => answer });
  expect(await refusal(ask(server, await fixture.as.sign()))).toMatchObject({ status: 401, reason: 'issuer' });
});

it('in order, the last has all the time that the others left', async () => {
  const names = ['a', 'b', 'c', 'd'].map((name) => `https://${name}.example`);
  const { clientAuthentication } = own();
  const issuers = names.map((issuer) => ({
    issuer,
    clientAuthentication,
    verification: 'remote',
    discovery: false,
    introspectionEndpoint: `${fixture.as.introspectionEndpoint}?${issuer}`,
  }));
  const server = open({ issuers, issuerFor: 'in-order', http: { timeoutMs: 2000 } });
  fixture.as.answer('late', (request, response) => {
    const isLast = request.url?.endsWith('d.example') === true;
    const body = JSON.stringify(isLast ? { active: true, aud: AUDIENCE, sub: 'u1' } : { active: false });
    // A quarter of the time would be 500 ms.
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(body), isLast ? 800 : 0);
  });
  expect((await ask(server, 'late')).issuer).toBe('https://d.example');
});

it('introspect() about a token that names no issuer gives nothing away', async () => {
  const another = {
    ...own(),
    issuer: 'https://b.example',
    discovery: false,
    introspectionEndpoint: 'https://b.example/i',
    jwksUri: 'https://b.example/k',
  };
  const server = open({ issuers: [own(), another], issuerFor: () => own().issuer });
  expect(await server.introspect('opaque')).toEqual({ active: false });
});

it('close() may be called again', async () => {
  const server = open(own());
  await server.close();
  await server.close();
  expect(await refusal(ask(server, 'opaque'))).toMatchObject({ status: 503 });
});
