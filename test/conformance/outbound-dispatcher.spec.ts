import { connect, createServer, type AddressInfo, type LookupFunction } from 'node:net';
import { Agent, ProxyAgent, request, type Dispatcher } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { activeAnswer, introspecting, type Introspecting } from '../support/introspecting.js';
import { startLoopbackServer } from '../support/loopback-server.js';
import { answer, answerJson, startRawUpstream, type RawUpstream } from '../support/raw-upstream.js';

let upstream: RawUpstream;
const opened: Introspecting[] = [];
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  upstream = await startRawUpstream();
  upstream.handle = answerJson(activeAnswer(upstream.origin));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((rs) => rs.close()));
  await Promise.all(closing.splice(0).map((close) => close()));
  await upstream.close();
});

function open(dispatcher: Dispatcher, http: Record<string, unknown> = {}, options: Record<string, unknown> = {}): Introspecting {
  const rs = introspecting(upstream, { http: { dispatcher, ...http }, ...options });
  opened.push(rs);
  return rs;
}
function agent(options: Agent.Options = {}): Agent {
  const made = new Agent(options);
  closing.push(() => made.destroy());
  return made;
}

/** A proxy that opens tunnels, and counts them. */
async function startProxy(): Promise<{ origin: string; tunnels: string[] }> {
  const tunnels: string[] = [];
  const server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .once('data', (chunk: Buffer) => {
        const [, target = ''] = /^CONNECT (\S+) HTTP/.exec(chunk.toString('latin1')) ?? [];
        tunnels.push(target);
        const [host = '', port] = target.split(':');
        const onward = connect(Number(port), host, () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'));
        onward.on('error', () => socket.destroy()).on('close', () => socket.destroy());
        socket.on('close', () => onward.destroy());
        socket.pipe(onward).pipe(socket);
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tunnels };
}

describe('http.dispatcher makes the connections', () => {
  it('a ProxyAgent: all calls go through the proxy', async () => {
    const proxy = await startProxy();
    const dispatcher = new ProxyAgent({ uri: proxy.origin, proxyTunnel: true });
    closing.push(() => dispatcher.destroy());
    const rs = open(dispatcher);
    expect(await rs.ask()).toMatchObject({ status: 200 });
    expect(proxy.tunnels).toEqual([`127.0.0.1:${upstream.port}`]);
    expect(upstream.requests).toHaveLength(1);
  });

  it('IERR-01 an Agent with a resolver of its own; a name that fails is a 503, and comes back', async () => {
    let isFailing = false;
    const lookup: LookupFunction = (_host, _options, callback) => {
      if (isFailing) callback(Object.assign(new Error('upstream-private-text'), { code: 'ENOTFOUND' }), []);
      else callback(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    const dispatcher = agent({ connect: { lookup }, pipelining: 0 });
    const introspectionEndpoint = `http://as.internal.invalid:${upstream.port}/introspect`;
    const rs = open(dispatcher, {}, { introspectionEndpoint, cache: { ttlMs: 60_000 } });
    expect(await rs.ask('known-token')).toMatchObject({ status: 200 });
    isFailing = true;
    const failed = await rs.ask('unknown-token');
    expect(failed).toMatchObject({ status: 503, code: 'ERR_INTROSPECTION_UNAVAILABLE' });
    expect(JSON.stringify([failed.headers, failed.body])).not.toContain('upstream-private-text');
    expect(await rs.ask('known-token')).toMatchObject({ status: 200 });
    isFailing = false;
    expect(await rs.ask('unknown-token')).toMatchObject({ status: 200 });
    expect(upstream.requests).toHaveLength(2);
  });

  it('is not closed by close(): others may use it', async () => {
    const dispatcher = agent();
    const first = open(dispatcher);
    const second = open(dispatcher);
    expect(await first.ask()).toMatchObject({ status: 200 });
    await first.close();
    expect(dispatcher.closed).toBe(false);
    expect(dispatcher.destroyed).toBe(false);
    expect(await second.ask()).toMatchObject({ status: 200 });
    const { statusCode, body } = await request(`${upstream.origin}/elsewhere`, { dispatcher });
    await body.dump();
    expect(statusCode).toBe(200);
  });

  it('close() ends the calls in flight all the same', async () => {
    upstream.handle = () => undefined;
    const rs = open(agent(), { timeoutMs: 20_000 });
    const call = rs.ask();
    await new Promise<void>((resolve) => {
      upstream.handle = () => resolve();
    });
    await rs.close();
    expect(await call).toMatchObject({ status: 503 });
  });
});

describe('All limits stay ours', () => {
  /** Patient beyond reason. */
  const patient = (): Agent => agent({ headersTimeout: 0, bodyTimeout: 0, maxResponseSize: -1 });

  it('INTRO-10 T122 the deadline', async () => {
    upstream.handle = () => undefined;
    const outcome = await open(patient(), { timeoutMs: 300 }).ask();
    expect(outcome).toMatchObject({ status: 503, code: 'ERR_INTROSPECTION_UNAVAILABLE' });
    expect(outcome.elapsedMs).toBeLessThan(1300);
    await upstream.idle();
  });

  it('INTRO-10 T8 the size', async () => {
    upstream.handle = answer(200, `{"active":true,"x":"${'x'.repeat(1_048_576)}"}`);
    expect(await open(patient()).ask()).toMatchObject({ status: 503, code: 'ERR_INTROSPECTION_RESPONSE' });
  });

  it('INTRO-07 T76 redirects', async () => {
    const elsewhere = await startLoopbackServer();
    upstream.handle = answer(307, '', [`Location: ${elsewhere.origin}/introspect`]);
    expect(await open(patient()).ask()).toMatchObject({ status: 503 });
    expect(elsewhere.requests).toBe(0);
    await elsewhere.close();
  });

  it('IERR-02 retries, and IERR-06 the breaker', async () => {
    upstream.handle = answer(503);
    const rs = open(patient());
    await rs.ask('first-token');
    expect(upstream.requests).toHaveLength(2);
    for (let count = 0; count < 4; count += 1) await rs.ask(`token-number-${count}`);
    const before = upstream.requests.length;
    expect(await rs.ask('last-token')).toMatchObject({ status: 503 });
    expect(upstream.requests).toHaveLength(before);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('upstream-private-text');
      },
    ],
    ['answers nothing, ever', () => true],
  ])('IERR-01 T122 one that %s is a 503', async (_what, dispatch) => {
    const outcome = await open({ dispatch } as unknown as Dispatcher, { timeoutMs: 300 }).ask();
    expect(outcome).toMatchObject({ status: 503 });
    expect(JSON.stringify([outcome.headers, outcome.body])).not.toContain('upstream-private-text');
    expect(outcome.elapsedMs).toBeLessThan(1300);
  });
});
