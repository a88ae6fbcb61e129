import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatAnswer, startRawUpstream } from '../support/raw-upstream.js';
import { ADAPTERS, type ResourceServer } from '../support/resource-server.js';
import { CLAIM, UPSTREAM, watchSecrets, type Secrecy } from '../support/secrecy.js';
import { randomText, SECRET } from '../support/witness.js';

/** What an authorization server may do to a question, with texts that nobody but it should see. */
const FAILURES: Record<string, (response: ServerResponse, token: string) => void> = {
  inactive: (response) => json(response, 200, { active: false, sub: CLAIM }),
  'no JSON': (response, token) => response.writeHead(200, { 'content-type': 'application/json' }).end(`{"${UPSTREAM}${token}`),
  'a wrong type': (response, token) => json(response, 200, { active: true, exp: token, sub: CLAIM }),
  'a wrong content type': (response, token) => response.writeHead(200, { 'content-type': `text/${UPSTREAM}` }).end(token),
  'a repeated member': (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(`{"active":true,"active":true,"a":"${CLAIM}"}`),
  'a redirect': (response, token) =>
    response.writeHead(302, { location: `http://127.0.0.1:1/?token=${token}&u=${UPSTREAM}` }).end(),
  'bad request': (response, token) => json(response, 400, { error: UPSTREAM, error_description: token }),
  unauthorized: (response, token) =>
    json(response, 401, { error: 'invalid_client', error_description: `${UPSTREAM} ${token} ${SECRET}` }),
  'too many': (response) => response.writeHead(429, { 'retry-after': '0', 'x-text': UPSTREAM }).end(UPSTREAM),
  'server error': (response, token) => response.writeHead(500).end(`${UPSTREAM} ${token} ${SECRET} ${CLAIM}`),
  'a broken gzip': (response) =>
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(UPSTREAM),
  'a cut body': (response, token) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
    response.write(`{"active":true,"x":"${token}${UPSTREAM}`, () => response.destroy());
  },
  'a reset': (response) => response.destroy(),
  silence: () => undefined,
};

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

describe.each(ADAPTERS)('T120 nothing that is secret leaves by any way (%s)', (adapter) => {
  let secrecy: Secrecy;

  beforeEach(async () => {
    secrecy = await watchSecrets(adapter);
  });
  afterEach(() => secrecy.close());

  const opaque = (): string => secrecy.hide('an opaque token', `opaque-${randomText()}`);
  const signed = async (claims: Record<string, unknown>, header = {}): Promise<string> =>
    secrecy.hide('a JWT', await secrecy.as.sign(claims, { header }));

  /** Sends one token to every route in every place where tokens are taken from. */
  async function present(rs: ResourceServer, token: string): Promise<void> {
    for (const path of ['/any', '/scoped', '/fresh', '/opt', '/service', '/pub']) await secrecy.present(rs, path, token);
    const broken = [
      [`Bearer ${token} ${token}`],
      [`Bearer ${token}`, `Bearer ${token}`],
      [token],
      [`Basic ${token}`],
      [`Bearer ${token}"`],
    ];
    for (const lines of broken)
      await secrecy.send(rs, { path: '/any', headers: lines.map((line) => ['Authorization', line] as const) });
  }

  it.each(['remote', 'hybrid', 'both', 'local'])('when all goes well or a check fails, in %s', async (verification) => {
    const { as, seen } = secrecy;
    const rs = await secrecy.open({ verification });
    const claims = { sub: CLAIM, jti: CLAIM, client_id: CLAIM };
    const variants: Record<string, unknown>[] = [
      {},
      { exp: 1 },
      { nbf: 4e9 },
      { aud: CLAIM },
      { iss: `https://${CLAIM}.example` },
      { cnf: { jkt: CLAIM } },
      { scope: { [CLAIM]: 1 } },
      { exp: CLAIM },
    ];
    for (const variant of variants) {
      const own = { ...claims, ...variant };
      const [token, jwt] = [opaque(), await signed(own)];
      for (const each of [token, jwt]) as.answer(each, { active: true, ...as.claims(own) });
      const misled = await signed(own, { kid: CLAIM, jku: `https://${CLAIM}.example` });
      for (const each of [token, jwt, misled]) await present(rs, each);
    }
    await present(rs, secrecy.hide('a long token', `${randomText()}${randomText()}`.repeat(200).slice(0, 9000)));
    expect(seen.exceptions.length).toBeGreaterThan(20);
    secrecy.expectSilence('answer 401', 'answer 400', 'log of 0', 'events', 'exception');
  });

  it('when the authorization server fails in every way', async () => {
    const { as } = secrecy;
    const addresses = { discovery: false, introspectionEndpoint: as.introspectionEndpoint };
    // The breaker would keep the later failures from happening.
    const rs = await secrecy.open({ ...addresses, http: { timeoutMs: 150, breaker: { failures: 1000 } } });
    for (const fail of Object.values(FAILURES)) {
      const token = opaque();
      as.answer(token, (_request, response) => fail(response, token));
      await secrecy.present(rs, '/any', token);
    }
    await as.stop();
    await present(rs, opaque());
    expect(secrecy.seen.events.filter(({ type }) => type === 'verification.introspected').length).toBeGreaterThan(15);
    secrecy.expectSilence('answer 503', 'answer 401', 'exception');
  });

  it('when what the server sends is no HTTP', async () => {
    const upstream = await startRawUpstream();
    const rs = await secrecy.open({ discovery: false, introspectionEndpoint: `${upstream.origin}/introspect` });
    const broken = [
      `${UPSTREAM}\r\n\r\n`,
      `HTTP/1.1 200 ${UPSTREAM}\r\nContent-Length: ${UPSTREAM}\r\n\r\n`,
      `HTTP/1.1 200 OK\r\n${UPSTREAM}\r\n\r\n`,
      formatAnswer(200, UPSTREAM, [`Content-Encoding: br`]),
    ];
    for (const bytes of broken) {
      upstream.handle = (socket, request) => socket.end(Buffer.concat([Buffer.from(bytes), Buffer.from(request.body)]));
      await present(rs, opaque());
    }
    await upstream.close();
    secrecy.expectSilence('answer 503', 'exception');
  });

  it('when metadata and keys are broken', async () => {
    const { as } = secrecy;
    as.metadata = { ...as.metadata, issuer: UPSTREAM };
    await present(await secrecy.open({ verification: 'both' }), await signed({ sub: CLAIM }));
    as.replace('jwks', (_request, response) => response.writeHead(500).end(UPSTREAM));
    await present(await secrecy.open({ verification: 'local', jwksUri: as.jwksUri }), await signed({ sub: CLAIM }));
    secrecy.expectSilence('answer 503', 'log of 0', 'log of 1');
  });

  it('when the function for the client secret throws what it knows', async () => {
    const clientSecret = (): string => {
      throw new Error(`cannot read ${SECRET}`);
    };
    const rs = await secrecy.open({ clientAuthentication: { method: 'client_secret_post', clientId: 'rs1', clientSecret } });
    await present(rs, opaque());
    secrecy.expectSilence('answer 503', 'log of 0');
  });

  it('when extract.token throws what it knows', async () => {
    const session = secrecy.hide('a session', `session-${randomText()}`);
    const token = (): never => {
      throw new Error(`no session for ${session}`);
    };
    const rs = await secrecy.open({ extract: { token } });
    await secrecy.send(rs, { path: '/any' });
    expect(secrecy.seen.exceptions).toHaveLength(1);
    secrecy.expectSilence('answer 4', 'exception');
  });

  it('in the query and the body, where they are switched on', async () => {
    const rs = await secrecy.open({ extract: { query: true, formBody: true } });
    const token = secrecy.token();
    const queries = [`/any?access_token=${token}`, `/scoped?access_token=${token}`, `/any?${`&access_token=${token}`.repeat(2)}`];
    for (const path of queries) await secrecy.send(rs, { path });
    secrecy.expectSilence('answer 200', 'answer 403', 'answer 400');
  });
});
