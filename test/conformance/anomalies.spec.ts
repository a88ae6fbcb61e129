import { describe, expect, it } from 'vitest';
import { describeRemembering, type Opened } from '../support/remembering.js';
import { usedHeapBytes } from '../support/used-heap.js';

const fixture = describeRemembering();

interface Addressed {
  ip?: string;
  socket?: { remoteAddress?: string };
  headers?: Record<string, string>;
}
let count = 0;

/** A request as a framework hands it over. */
async function statusOf({ server }: Opened, from: Addressed, token = `unknown-token-${++count}`): Promise<number> {
  const { headers = {}, ...rest } = from;
  const request = { method: 'GET', url: '/', ...rest, headers: { ...headers, authorization: `Bearer ${token}` } };
  return server.authenticate(request).then(
    () => 200,
    (error: { status: number }) => error.status,
  );
}

describe('unknownTokens: who is one client', () => {
  const open = (): Opened => fixture.open({ unknownTokens: { perClient: 2, windowMs: 30_000 } });

  it.each([
    ['two addresses of one /64', '2001:db8:1:2::1', '2001:db8:1:2:ffff:eeee:dddd:cccc'],
    ['two spellings of an address', '2001:DB8:0:0::1', '2001:db8::0001'],
    ['an IPv4 address and its IPv6 form', '192.0.2.1', '::ffff:192.0.2.1'],
  ])('CC-09 %s are', async (_what, first, second) => {
    const opened = open();
    expect(await statusOf(opened, { ip: first })).toBe(401);
    expect(await statusOf(opened, { ip: second })).toBe(401);
    expect(await statusOf(opened, { ip: first })).toBe(429);
    expect(await statusOf(opened, { socket: { remoteAddress: second } })).toBe(429);
  });

  it.each([
    ['neighbouring /64s', '2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['neighbouring IPv4 addresses', '192.0.2.1', '192.0.2.2'],
    ['IPv4 addresses in IPv6 form', '::ffff:192.0.2.1', '::ffff:192.0.2.2'],
    ['IPv4 addresses in IPv6 form, written in hexadecimal', '::ffff:c000:201', '::ffff:c000:202'],
  ])('CC-09 %s are not', async (_what, first, second) => {
    const opened = open();
    for (const status of [401, 401, 429]) expect(await statusOf(opened, { ip: first })).toBe(status);
    expect(await statusOf(opened, { ip: second })).toBe(401);
    expect(await statusOf(opened, { ip: second }, fixture.as.token())).toBe(200);
  });

  it('CC-09 what the framework calls `ip` counts before the connection', async () => {
    const opened = open();
    const behindProxy = (ip: string): Addressed => ({ ip, socket: { remoteAddress: '10.0.0.1' } });
    for (const status of [401, 401, 429]) expect(await statusOf(opened, behindProxy('192.0.2.1'))).toBe(status);
    expect(await statusOf(opened, behindProxy('192.0.2.2'))).toBe(401);
  });

  it('CC-09 a request without any address is refused as ever, however often', async () => {
    const opened = open();
    for (let done = 0; done < 5; done += 1) expect(await statusOf(opened, {})).toBe(401);
  });

  it('CC-09 T78 the table is bounded, however many clients there are', async () => {
    const clientKey = (request: { headers: Record<string, string> }) => request.headers['x-client'];
    const opened = fixture.open({
      verification: 'local',
      onEvent: undefined,
      unknownTokens: { perClient: 2, windowMs: 3_600_000, clientKey },
    });
    const before = usedHeapBytes();
    // Made of bytes: what is padded shares its padding, and would weigh nothing.
    const longName = (client: number): string => Buffer.alloc(2000, `${client}-`).toString('latin1');
    for (let client = 0; client < 40_000; client += 1)
      await statusOf(opened, { headers: { 'x-client': longName(client) } }, 'not-a-jwt');
    expect(usedHeapBytes() - before).toBeLessThan(50 * 1_048_576);
    for (const status of [401, 401, 429])
      expect(await statusOf(opened, { headers: { 'x-client': 'the-last' } }, 'not-a-jwt')).toBe(status);
  });
});

describe('Anomalies are told, without a token, secret or claim in them', () => {
  const tokens: string[] = [];
  const expectNothingIn = ({ events }: Opened): void => {
    const text = JSON.stringify(events);
    for (const word of [...tokens, 'u1-to-be-seen-nowhere', 'https://other.example', 'rs1-secret-value'])
      expect(text).not.toContain(word);
  };

  it('BCP-06 foreign_audience: a token of this issuer that is for somebody else', async () => {
    const opened = fixture.open({ verification: 'hybrid' });
    const aud = 'https://other.example';
    const [opaque, jwt] = [fixture.as.token({ aud, sub: 'u1-to-be-seen-nowhere' }), await fixture.as.sign({ aud })];
    tokens.push(opaque, jwt);
    for (const [index, token] of [opaque, jwt].entries()) {
      expect(await opened.judge(token)).toMatchObject({ status: 401, reason: 'audience' });
      expect(opened.eventsOf('anomaly.foreign_audience')).toHaveLength(index + 1);
    }
    for (const event of opened.eventsOf('anomaly.foreign_audience')) expect(event).toMatchObject({ atMs: fixture.clock.now() });
    expect(await opened.judge(fixture.as.token())).toMatchObject({ status: 200 });
    expect(await opened.judge('an-inactive-token')).toMatchObject({ status: 401 });
    expect(opened.eventsOf('anomaly.foreign_audience')).toHaveLength(2);
    expectNothingIn(opened);
  });

  it('ICACHE-08 revoked_token_used: a token after revoke(), each time', async () => {
    const opened = fixture.open({ verification: 'hybrid', cache: { ttlMs: 60_000 } });
    const iat = fixture.clock.seconds() - 10;
    const [opaque, jwt] = [fixture.as.token({ iat }), await fixture.as.sign({ iat })];
    tokens.push(opaque, jwt);
    for (const token of [opaque, jwt]) expect(await opened.judge(token)).toMatchObject({ status: 200 });
    expect(opened.eventsOf('anomaly.revoked_token_used')).toEqual([]);
    await opened.server.revoke({ token: opaque });
    await opened.server.revoke({ issuer: fixture.as.issuer, subject: 'u1' });
    for (const [index, token] of [opaque, jwt].entries()) {
      expect(await opened.judge(token)).toMatchObject({ status: 401, asked: 0 });
      expect(opened.eventsOf('anomaly.revoked_token_used')).toHaveLength(index + 1);
    }
    expectNothingIn(opened);
  });

  it('ICACHE-08 T41 revoked_token_used: a remembered token that turns out to be inactive', async () => {
    const opened = fixture.open({ cache: { ttlMs: 5000 } });
    const token = fixture.as.token();
    tokens.push(token);
    expect(await opened.judge(token)).toMatchObject({ status: 200 });
    fixture.as.answer(token, { active: false });
    fixture.clock.advanceSeconds(6);
    expect(await opened.judge(token)).toMatchObject({ status: 401, asked: 1 });
    expect(opened.eventsOf('anomaly.revoked_token_used')).toHaveLength(1);
    // A token that nobody has known is none that was revoked.
    expect(await opened.judge('a-token-nobody-knows')).toMatchObject({ status: 401 });
    expect(opened.eventsOf('anomaly.revoked_token_used')).toHaveLength(1);
    expectNothingIn(opened);
  });

  it('CC-09 a listener that throws changes no answer', async () => {
    const opened = fixture.open({
      unknownTokens: { perClient: 2, windowMs: 30_000 },
      onEvent: () => {
        throw new Error('of the application');
      },
    });
    for (const status of [401, 401, 429]) expect(await statusOf(opened, { ip: '192.0.2.1' })).toBe(status);
  });
});
