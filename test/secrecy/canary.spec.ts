import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { LeakSearch, type Leak } from '../support/leaks.js';
import { formatAnswer, startRawUpstream } from '../support/raw-upstream.js';
import { ADAPTERS, type ResourceServer } from '../support/resource-server.js';
import { randomText, SECRET, start, startWatching } from '../support/witness.js';

const CLAIM = `claim-${randomText()}`;
const UPSTREAM = `upstream-${randomText()}`;

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
  let as: AuthorizationServer;
  let opened: ResourceServer[];
  let watch: ReturnType<typeof startWatching>;

  beforeEach(async () => {
    tokens.length = 0;
    watch = startWatching();
    opened = [];
    as = await startAuthorizationServer();
  });
  afterEach(async () => {
    watch.stop();
    await Promise.all(opened.map((rs) => rs.close()));
    await as.close();
  });

  const open = async (options: Record<string, unknown>): Promise<ResourceServer> => {
    const rs = await start(adapter, as, options);
    opened.push(rs);
    return rs;
  };

  const tokens: string[] = [];
  const canaries = (): LeakSearch =>
    new LeakSearch([
      { name: 'the claim value', text: CLAIM },
      { name: 'the client secret', text: SECRET },
      { name: "the server's text", text: UPSTREAM },
      ...tokens.map((text, index) => ({ name: `token ${index}`, text })),
    ]);

  /** Sends one token to every route in every place where tokens are taken from, and searches what comes back. */
  async function present(rs: ResourceServer, token: string): Promise<Leak[]> {
    tokens.push(token);
    const search = canaries();
    const leaks: Leak[] = [];
    for (const path of ['/any', '/scoped', '/opt', '/service', '/pub']) {
      const { status, headers, body } = await rs.get(path, `Bearer ${token}`);
      leaks.push(...search.find(`answer ${status} of ${path}`, `${JSON.stringify(headers)}\n${body}`));
    }
    for (const lines of [
      [`Bearer ${token} ${token}`],
      [`Bearer ${token}`, `Bearer ${token}`],
      [token],
      [`Basic ${token}`],
      [`Bearer ${token}"`],
    ]) {
      const { headers, body } = await rs.get('/any', ...lines);
      leaks.push(...search.find('answer to broken credentials', `${JSON.stringify(headers)}\n${body}`));
    }
    return leaks;
  }

  /** Everything that was seen on the way. */
  function aftermath(rs: ResourceServer): Leak[] {
    const search = canaries();
    return [
      ...search.findIn('log', rs.logs),
      ...search.findIn('warnings', watch.seen.warnings),
      ...search.findIn('events', watch.seen.events),
      ...watch.seen.exceptions.flatMap((exception, index) => search.findIn(`exception ${index}`, exception)),
    ];
  }

  it.each(['remote', 'hybrid', 'both', 'local'])('when all goes well or a check fails, in %s', async (verification) => {
    const rs = await open({ verification });
    const leaks: Leak[] = [];
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
      const opaque = `opaque-${randomText()}`;
      as.answer(opaque, { active: true, ...as.claims({ ...claims, ...variant }) });
      const jwt = await as.sign({ ...claims, ...variant });
      as.answer(jwt, { active: true, ...as.claims({ ...claims, ...variant }) });
      const header = { kid: CLAIM, jku: `https://${CLAIM}.example` };
      for (const token of [opaque, jwt, await as.sign({ ...claims, ...variant }, { header })])
        leaks.push(...(await present(rs, token)));
    }
    leaks.push(...(await present(rs, `${randomText()}${randomText()}`.repeat(200).slice(0, 9000))));
    expect(watch.seen.exceptions.length).toBeGreaterThan(20);
    expect([...leaks, ...aftermath(rs)]).toEqual([]);
  });

  it('when the authorization server fails in every way', async () => {
    const rs = await open({ discovery: false, introspectionEndpoint: as.introspectionEndpoint, http: { timeoutMs: 150 } });
    const leaks: Leak[] = [];
    for (const fail of Object.values(FAILURES)) {
      const token = `opaque-${randomText()}`;
      tokens.push(token);
      as.answer(token, (_request, response) => fail(response, token));
      const { headers, body } = await rs.get('/any', `Bearer ${token}`);
      leaks.push(...canaries().find('answer', `${JSON.stringify(headers)}\n${body}`));
    }
    await as.stop();
    leaks.push(...(await present(rs, `opaque-${randomText()}`)));
    expect([...leaks, ...aftermath(rs)]).toEqual([]);
  });

  it('when what the server sends is no HTTP', async () => {
    const upstream = await startRawUpstream();
    const rs = await open({ discovery: false, introspectionEndpoint: `${upstream.origin}/introspect` });
    const leaks: Leak[] = [];
    const broken = [
      `${UPSTREAM}\r\n\r\n`,
      `HTTP/1.1 200 ${UPSTREAM}\r\nContent-Length: ${UPSTREAM}\r\n\r\n`,
      `HTTP/1.1 200 OK\r\n${UPSTREAM}\r\n\r\n`,
      formatAnswer(200, UPSTREAM, [`Content-Encoding: br`]),
    ];
    for (const bytes of broken) {
      upstream.handle = (socket, request) => socket.end(Buffer.concat([Buffer.from(bytes), Buffer.from(request.body)]));
      leaks.push(...(await present(rs, `opaque-${randomText()}`)));
    }
    await upstream.close();
    expect([...leaks, ...aftermath(rs)]).toEqual([]);
  });

  it('when metadata and keys are broken', async () => {
    as.metadata = { ...as.metadata, issuer: UPSTREAM };
    const misled = await open({ verification: 'both' });
    const leaks = await present(misled, await as.sign({ sub: CLAIM }));
    as.replace('jwks', (_request, response) => response.writeHead(500).end(UPSTREAM));
    const keyless = await open({ verification: 'local', jwksUri: as.jwksUri });
    leaks.push(...(await present(keyless, await as.sign({ sub: CLAIM }))));
    expect([...leaks, ...aftermath(misled), ...aftermath(keyless)]).toEqual([]);
  });

  it('when the function for the client secret throws what it knows', async () => {
    const token = `opaque-${randomText()}`;
    tokens.push(token);
    const clientSecret = (): string => {
      throw new Error(`cannot read ${SECRET}`);
    };
    const rs = await open({ clientAuthentication: { method: 'client_secret_post', clientId: 'rs1', clientSecret } });
    const leaks = await present(rs, token);
    expect([...leaks, ...aftermath(rs)]).toEqual([]);
  });

  it('when extract.token throws what it knows', async () => {
    const session = `session-${randomText()}`;
    tokens.push(session);
    const token = (): never => {
      throw new Error(`no session for ${session}`);
    };
    const rs = await open({ extract: { token } });
    const { headers, body } = await rs.get('/any');
    const leaks = canaries().find('answer', `${JSON.stringify(headers)}\n${body}`);
    expect(watch.seen.exceptions).toHaveLength(1);
    expect([...leaks, ...aftermath(rs)]).toEqual([]);
  });

  it('in the query and the body, where they are switched on', async () => {
    const rs = await open({ extract: { query: true, formBody: true } });
    const token = as.token({ sub: CLAIM });
    tokens.push(token);
    const leaks: Leak[] = [];
    for (const path of [
      `/any?access_token=${token}`,
      `/scoped?access_token=${token}`,
      `/any?access_token=${token}&access_token=${token}`,
    ]) {
      const { headers, body } = await rs.get(path);
      leaks.push(...canaries().find(`answer of ${path.slice(0, 8)}`, `${JSON.stringify(headers)}\n${body}`));
    }
    expect([...leaks, ...aftermath(rs)]).toEqual([]);
  });
});
