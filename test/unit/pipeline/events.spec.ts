import type { IntrospectionEvent } from 'nestjs-introspection';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../../support/authorization-server.js';
import { settableClock, type SettableClock } from '../../support/clock.js';
import { startResourceServer, type ResourceServer } from '../../support/resource-server.js';
import { generateSigningKey } from '../../support/signing-keys.js';

/** The closed list, as far as it is built: the members of each type besides `type` and `atMs`. */
const MEMBERS: Record<string, readonly string[]> = {
  'extract.refused': ['code'],
  'issuer.unknown': [],
  'verification.refused': ['reason'],
  'verification.introspected': ['issuer', 'outcome', 'status', 'durationMs'],
  'verification.client_rejected': ['issuer', 'status'],
  'keys.refreshed': ['issuer'],
  'keys.unknown_kid': ['issuer'],
  'keys.failed': ['issuer'],
  'metadata.refreshed': ['issuer'],
  'metadata.failed': ['issuer', 'code'],
  'anomaly.foreign_audience': [],
  'policy.refused': ['code'],
  'principal.accepted': ['issuer', 'verifiedBy', 'durationMs'],
};
const OPTIONAL = ['issuer', 'status'];

let as: AuthorizationServer;
let clock: SettableClock;
let events: IntrospectionEvent[];
let opened: ResourceServer[];

beforeEach(async () => {
  clock = settableClock();
  as = await startAuthorizationServer({ clock });
  events = [];
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((rs) => rs.close()));
  await as.close();
});

async function start(options: Record<string, unknown> = {}): Promise<ResourceServer> {
  const onEvent = (event: IntrospectionEvent): number => events.push(event);
  const rs = await startResourceServer({ adapter: 'express', authorizationServer: as, options: { clock, onEvent, ...options } });
  opened.push(rs);
  return rs;
}

const EXPLICIT = (): Record<string, unknown> => ({
  discovery: false,
  introspectionEndpoint: as.introspectionEndpoint,
  jwksUri: as.jwksUri,
});

async function eventsOf(rs: ResourceServer, path: string, ...authorization: string[]): Promise<IntrospectionEvent[]> {
  events.length = 0;
  await rs.get(path, ...authorization);
  for (const event of events) expectWellFormed(event);
  return events;
}

function expectWellFormed(event: IntrospectionEvent): void {
  expect(Object.keys(MEMBERS)).toContain(event.type);
  const allowed = ['type', 'atMs', 'issuer', ...(MEMBERS[event.type] ?? [])];
  const members = Object.keys(event);
  expect(members.filter((name) => !allowed.includes(name))).toEqual([]);
  for (const name of MEMBERS[event.type] ?? []) if (!OPTIONAL.includes(name)) expect(members).toContain(name);
  expect(event.atMs).toBe(clock.now());
}

const without = (list: readonly IntrospectionEvent[]): object[] =>
  list.map(({ atMs: _atMs, ...rest }) => ('durationMs' in rest ? { ...rest, durationMs: 0 } : rest));

describe('events', () => {
  it('say how a remote verification went', async () => {
    const rs = await start(EXPLICIT());
    const introspected = { type: 'verification.introspected', issuer: as.issuer, durationMs: 0 };
    expect(without(await eventsOf(rs, '/any', `Bearer ${as.token()}`))).toEqual([
      { ...introspected, outcome: 'active', status: 200 },
      { type: 'principal.accepted', issuer: as.issuer, verifiedBy: 'introspection', durationMs: 0 },
    ]);
    expect(without(await eventsOf(rs, '/any', 'Bearer unknown-token'))).toEqual([
      { ...introspected, outcome: 'inactive', status: 200 },
      { type: 'verification.refused', reason: 'inactive' },
    ]);
    as.replace('introspection', (_request, response) => response.writeHead(500).end());
    expect(without(await eventsOf(rs, '/any', 'Bearer unknown-token'))).toEqual([
      { ...introspected, outcome: 'failed', status: 500 },
    ]);
    as.replace('introspection', (_request, response) => response.writeHead(401).end());
    expect(without(await eventsOf(rs, '/any', 'Bearer unknown-token'))).toEqual([
      { ...introspected, outcome: 'failed', status: 401 },
      { type: 'verification.client_rejected', issuer: as.issuer, status: 401 },
    ]);
    await as.stop();
    expect(without(await eventsOf(rs, '/any', 'Bearer unknown-token'))).toEqual([{ ...introspected, outcome: 'failed' }]);
  });

  it('say what was refused before any verification, and after', async () => {
    const rs = await start(EXPLICIT());
    expect(without(await eventsOf(rs, '/any'))).toEqual([{ type: 'extract.refused', code: 'ERR_CREDENTIALS_MISSING' }]);
    expect(without(await eventsOf(rs, '/any', 'Bearer a b'))).toEqual([{ type: 'extract.refused', code: 'ERR_REQUEST_INVALID' }]);
    const scopeless = await eventsOf(rs, '/r', `Bearer ${as.token({ scope: 'other' })}`);
    expect(without(scopeless).at(-1)).toEqual({ type: 'policy.refused', code: 'ERR_SCOPE_INSUFFICIENT' });
    expect(scopeless.map(({ type }) => type)).not.toContain('principal.accepted');
  });

  it('are none for public routes and anonymous requests', async () => {
    const rs = await start(EXPLICIT());
    expect(await eventsOf(rs, '/pub', 'Bearer x')).toEqual([]);
    expect(await eventsOf(rs, '/opt')).toEqual([]);
  });

  it('say how keys came', async () => {
    const rs = await start({ ...EXPLICIT(), verification: 'local' });
    const good = `Bearer ${await as.sign()}`;
    expect(without(await eventsOf(rs, '/any', good))).toEqual([
      { type: 'keys.refreshed', issuer: as.issuer },
      { type: 'principal.accepted', issuer: as.issuer, verifiedBy: 'local', durationMs: 0 },
    ]);
    const stranger = await generateSigningKey('ES256');
    const unknown = `Bearer ${await as.sign({}, { key: stranger.privateKey, header: { kid: stranger.kid } })}`;
    expect((await eventsOf(rs, '/any', unknown)).map(({ type }) => type)).toEqual([
      'keys.unknown_kid',
      'keys.refreshed',
      'verification.refused',
    ]);
    expect((await eventsOf(rs, '/any', unknown)).map(({ type }) => type)).toEqual(['keys.unknown_kid', 'verification.refused']);
    as.replace('jwks', (_request, response) => response.writeHead(500).end());
    clock.advanceSeconds(601);
    const later = `Bearer ${await as.sign()}`;
    expect((await eventsOf(rs, '/any', later)).map(({ type }) => type)).toEqual(['keys.failed', 'principal.accepted']);
  });

  it('say that a token named an issuer that is not configured', async () => {
    const rs = await start({ ...EXPLICIT(), verification: 'local' });
    const foreign = `Bearer ${await as.sign({ iss: 'https://other.example' })}`;
    expect(without(await eventsOf(rs, '/any', foreign))).toEqual([
      { type: 'issuer.unknown' },
      { type: 'verification.refused', reason: 'issuer' },
    ]);
  });

  it('say how metadata came', async () => {
    const rs = await start();
    await rs.get('/any', `Bearer ${as.token()}`);
    expect(events.map(({ type }) => type)).toContain('metadata.refreshed');
    events.length = 0;
    as.metadata = { ...as.metadata, issuer: 'https://other.example' };
    const misled = await start();
    await misled.get('/any', `Bearer ${as.token()}`);
    expect(without(events)).toContainEqual({ type: 'metadata.failed', issuer: as.issuer, code: 'ERR_METADATA' });
  });

  it.each<[string, Record<string, unknown>]>([
    ['expired', { exp: 1 }],
    ['not_yet_valid', { nbf: 4_000_000_000 }],
    ['issuer', { iss: 'https://other.example' }],
    ['audience', { aud: 'other' }],
    ['binding', { cnf: { jkt: 'x' } }],
    ['type', { token_use: 'refresh' }],
  ])('name the reason %s', async (reason, claims) => {
    const rs = await start(EXPLICIT());
    const said = await eventsOf(rs, '/any', `Bearer ${as.token(claims)}`);
    expect(said.filter(({ type }) => type === 'verification.refused')).toMatchObject([{ reason }]);
    expect(said.at(-1)?.type).toBe(reason === 'audience' ? 'anomaly.foreign_audience' : 'verification.refused');
  });

  it('hold no token, secret or claim value', async () => {
    const rs = await start({ ...EXPLICIT(), verification: 'both' });
    const seen: IntrospectionEvent[] = [];
    const canary = 'canary-claim-value';
    const jwt = await as.sign({ sub: canary, jti: canary });
    as.answer(jwt, { active: true, ...as.claims({ sub: canary }) });
    for (const token of [jwt, as.token({ sub: canary }), await as.sign({ sub: canary, exp: 1 }), canary])
      for (const path of ['/any', '/w']) seen.push(...(await eventsOf(rs, path, `Bearer ${token}`)));
    expect(seen.length).toBeGreaterThan(5);
    for (const text of [canary, 'rs1-secret-value', jwt, jwt.split('.')[2] ?? jwt])
      expect(JSON.stringify(seen)).not.toContain(text);
  });
});

describe('a listener', () => {
  const listeners: Record<string, () => unknown> = {
    'that throws': () => {
      throw new Error('listener');
    },
    'that rejects': () => Promise.reject(new Error('listener')),
    'that never resolves': () => new Promise(() => undefined),
    'whose thenable rejects': () => thenable(),
    'that answers something': () => false,
  };

  it.each(Object.entries(listeners))('%s changes nothing', async (_what, onEvent) => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const rs = await start({ ...EXPLICIT(), onEvent });
    expect((await rs.get('/any', `Bearer ${as.token()}`)).status).toBe(200);
    expect((await rs.get('/any', 'Bearer unknown-token')).status).toBe(401);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('cannot change what others see by changing an event', async () => {
    const rs = await start({
      ...EXPLICIT(),
      onEvent: (event: { type: string }) => Object.assign(event, { type: 'x', code: 'x' }),
    });
    expect((await rs.get('/any', `Bearer ${as.token()}`)).status).toBe(200);
  });
});

/** What some promise libraries return: it does reject, and knows no `catch`. */
function thenable(): unknown {
  // oxlint-disable-next-line unicorn/no-thenable -- this is what is tested
  return { then: (_resolve: unknown, reject?: (error: Error) => void) => reject?.(new Error('listener')) };
}

describe('log lines', () => {
  const about = (rs: ResourceServer, text: string): string[] => rs.logs.filter((line) => line.includes(text));

  it('come once per reason and minute, with the remedy, whatever the flood', async () => {
    const rs = await start(EXPLICIT());
    for (let round = 0; round < 40; round += 1) {
      await rs.get('/any', `Bearer ${as.token({ aud: `other-${round}` })}`);
      await rs.get('/any', `Bearer unknown-${round}`);
      await rs.get('/any', 'Bearer a b');
    }
    expect(about(rs, '(audience)')).toHaveLength(1);
    expect(about(rs, '(audience)')[0]).toContain('option audience');
    expect(about(rs, '(inactive)')).toHaveLength(1);
    expect(rs.logs.filter((line) => line.includes('other-')).length).toBe(0);
    const lines = rs.logs.length;
    clock.advanceSeconds(59);
    await rs.get('/any', `Bearer ${as.token({ aud: 'other' })}`);
    expect(rs.logs).toHaveLength(lines);
    clock.advanceSeconds(1);
    await rs.get('/any', `Bearer ${as.token({ aud: 'other' })}`);
    expect(about(rs, '(audience)')).toHaveLength(2);
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown> | undefined, string]>([
    ['typ', {}, { typ: 'JWT' }, 'tokenTypes'],
    ['alg', {}, undefined, 'algorithms'],
    ['a claim', { sub: undefined }, undefined, 'requiredClaims'],
    ['the audience', { aud: 'other' }, undefined, 'audience'],
    ['the issuer', { iss: 'https://other.example' }, undefined, 'issuer'],
  ])('about %s name the option that may be wrong', async (what, claims, header, option) => {
    const rs = await start({ ...EXPLICIT(), verification: 'local', ...(what === 'alg' && { algorithms: ['RS256'] }) });
    await rs.get('/any', `Bearer ${await as.sign(claims, header && { header })}`);
    const lines = about(rs, 'Refused an access token');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(option);
  });

  it('are loud, once, when the server refuses our credentials', async () => {
    const rs = await start(EXPLICIT());
    as.replace('introspection', (_request, response) => response.writeHead(401).end());
    for (let round = 0; round < 10; round += 1) await rs.get('/any', `Bearer unknown-${round}`);
    expect(about(rs, 'clientAuthentication')).toHaveLength(1);
  });

  it('are none for good tokens and for requests without one', async () => {
    const rs = await start(EXPLICIT());
    const before = rs.logs.length;
    for (let round = 0; round < 3; round += 1) {
      await rs.get('/any', `Bearer ${as.token()}`);
      await rs.get('/any');
      await rs.get('/pub', 'Bearer x');
    }
    expect(rs.logs.slice(before)).toEqual([]);
  });

  it('say once that a function of the application threw, as all that its clients see is 503', async () => {
    const issuerFor = (): never => {
      throw new Error('no tenant');
    };
    const rs = await start({ ...EXPLICIT(), issuerFor });
    for (let round = 0; round < 3; round += 1) expect((await rs.get('/any', 'Bearer unknown-token')).status).toBe(503);
    expect(about(rs, 'issuerFor')).toHaveLength(1);
    expect(about(rs, 'no tenant')).toEqual([]);
  });

  it('say once that metadata cannot be had, while requests keep coming', async () => {
    as.metadata = { ...as.metadata, issuer: 'https://other.example' };
    const rs = await start();
    for (let round = 0; round < 10; round += 1) await rs.get('/any', 'Bearer unknown-token');
    expect(about(rs, 'No metadata of')).toHaveLength(1);
  });
});
