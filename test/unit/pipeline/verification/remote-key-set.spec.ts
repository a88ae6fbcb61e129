import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Deadline } from '../../../../libs/introspection/src/pipeline/deadline.js';
import { HttpClient } from '../../../../libs/introspection/src/pipeline/outbound/http-client.js';
import type { KeyLookup } from '../../../../libs/introspection/src/pipeline/verification/key-set.js';
import { RemoteKeySet } from '../../../../libs/introspection/src/pipeline/verification/remote-key-set.js';
import {
  KeySetUnavailableError,
  MetadataError,
} from '../../../../libs/introspection/src/protocol/authorization-server-errors.js';
import { settableClock } from '../../../support/clock.js';
import { ISSUER } from '../../../support/issuer-options.js';
import { ecKey, type TestKey } from '../../../support/keys.js';
import { type LoopbackServer, startLoopbackServer } from '../../../support/loopback-server.js';

type Handler = (response: ServerResponse) => unknown;

const [known, added] = [ecKey(), ecKey()];
const LIFETIME = { maxAgeSeconds: 600, cooldownSeconds: 30, maxStaleSeconds: 3600 };
let server: LoopbackServer;
let handle: Handler;
let accepted: (string | undefined)[];
let closing: (() => Promise<void>)[];

const publish =
  (...keys: TestKey[]): Handler =>
  (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
const answer =
  (
    status: number,
    body: string | Buffer = '',
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ): Handler =>
  (response) =>
    response.writeHead(status, headers).end(body);

beforeEach(async () => {
  handle = publish(known);
  accepted = [];
  closing = [];
  server = await startLoopbackServer({
    handler: (request, response) => {
      accepted.push(request.headers.accept);
      handle(response);
    },
  });
});

afterEach(async () => {
  await Promise.all(closing.map((close) => close()));
  await server.close();
});

function keySet(options: { url?: () => string | Promise<string> } = {}) {
  const clock = settableClock();
  const http = new HttpClient({ timeoutMs: 5000, maxResponseBytes: 65_536, retries: 0, ca: undefined });
  closing.push(() => http.close());
  const events: { type: string; issuer?: string }[] = [];
  const notices: string[] = [];
  const waiting: (() => void)[] = [];
  const keys = new RemoteKeySet({
    issuer: ISSUER,
    url: options.url ?? (() => `${server.origin}/jwks`),
    lifetime: LIFETIME,
    client: http,
    clock,
    timeoutMs: 5000,
    emit: (event) => {
      events.push(event);
      if (event.type === 'keys.refreshed' || event.type === 'keys.failed') for (const resolve of waiting.splice(0)) resolve();
    },
    notify: ({ level, text }) => notices.push(`${level}: ${text}`),
  });
  const find = (kid: string | undefined = known.kid, algorithm = 'ES256', deadline = new Deadline(5000)) =>
    keys.find(algorithm, kid, deadline);
  /** Resolves when a fetch has ended, and its outcome is held. */
  const fetchEnds = async (): Promise<void> => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { keys, find, clock, events, notices, fetchEnds, types: () => events.map(({ type }) => type) };
}

const kidsOf = async (lookup: KeyLookup | Promise<KeyLookup>): Promise<unknown> => {
  const found = await lookup;
  return found.kind === 'keys' ? found.keys.map(({ kid }) => kid) : found.kind;
};

async function unavailable(lookup: KeyLookup | Promise<KeyLookup>): Promise<KeySetUnavailableError> {
  const error: unknown = await Promise.resolve(lookup).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(KeySetUnavailableError);
  expect((error as KeySetUnavailableError).detail).toMatch(/\S/);
  return error as KeySetUnavailableError;
}

describe('A fetched key set', () => {
  it('JWK-16 is fetched when it is first needed, and then serves without waiting', async () => {
    const { find, types, notices } = keySet();
    expect(server.requests).toBe(0);
    expect(await kidsOf(find())).toEqual([known.kid]);
    expect(find()).toMatchObject({ kind: 'keys', keys: [{ kid: known.kid }] });
    expect(server.requests).toBe(1);
    expect(accepted).toEqual(['application/json, application/jwk-set+json']);
    expect(types()).toEqual(['keys.refreshed']);
    expect(notices).toEqual([]);
  });

  it('JWK-16 is read from either type, in any case and with parameters', async () => {
    for (const type of ['application/jwk-set+json', 'Application/JSON; charset=utf-8', ' application/json ; x=y']) {
      handle = answer(200, JSON.stringify({ keys: [known.jwk] }), { 'content-type': type });
      expect(await kidsOf(keySet().find()), type).toEqual([known.kid]);
    }
  });

  it.each<[row: string, what: string, handler: Handler, seconds: number]>([
    ['JWK-13', '500', answer(500), 1],
    ['JWK-13', '500 with a pause', answer(500, '', { 'retry-after': '7' }), 7],
    ['JWK-16', '404', answer(404), 1],
    ['JWK-16', 'a redirect', answer(302, '', { location: '/elsewhere' }), 1],
    ['JWK-16', '201', answer(201, JSON.stringify({ keys: [known.jwk] })), 1],
    ['JWK-16', 'HTML', answer(200, JSON.stringify({ keys: [known.jwk] }), { 'content-type': 'text/html' }), 1],
    ['JWK-16', 'no type', answer(200, JSON.stringify({ keys: [known.jwk] }), {}), 1],
    ['JWK-01', 'no JSON', answer(200, '{'), 1],
    ['JWK-01', 'no UTF-8', answer(200, Buffer.from([0xff])), 1],
    ['JWK-01', 'no keys', answer(200, '{}'), 1],
    ['JWK-02', 'no usable key', answer(200, JSON.stringify({ keys: [{ kty: 'XYZ', kid: known.kid }] })), 1],
    ['JWK-08', 'a secret', answer(200, JSON.stringify({ keys: [{ kty: 'oct', k: 'A'.repeat(50) }] })), 1],
    ['JWK-13', 'a connection that breaks', (response) => response.destroy(), 1],
  ])('%s is not there where the endpoint gives %s', async (_row, _what, handler, seconds) => {
    handle = handler;
    const { find, types, notices } = keySet();
    expect((await unavailable(find())).retryAfterSeconds).toBe(seconds);
    expect(types()).toEqual(['keys.failed']);
    expect(notices).toHaveLength(1);
    for (const text of ['error', ISSUER, 'jwksUri']) expect(notices[0]).toContain(text);
  });

  it('tells the operator apart why it is not there', async () => {
    const handlers = [answer(500), answer(404), answer(200, '{}', { 'content-type': 'text/html' }), answer(200, '{}')];
    const texts: unknown[] = [];
    for (const handler of handlers) {
      handle = handler;
      const { find, notices } = keySet();
      await unavailable(find());
      texts.push(notices[0]);
    }
    expect(new Set(texts).size).toBe(handlers.length);
  });

  it('is not there where its address is not known', async () => {
    const cause = new MetadataError({ detail: 'no metadata' });
    const { find, notices, types } = keySet({ url: () => Promise.reject(cause) });
    expect(await Promise.resolve(find()).catch((error: unknown) => error)).toBe(cause);
    expect(notices[0]).toContain('no metadata');
    expect(types()).toEqual(['keys.failed']);
  });

  it('is waited for no longer than the deadline of each', async () => {
    const held: ServerResponse[] = [];
    handle = (response) => held.push(response);
    const { find } = keySet();
    const patient = find();
    await unavailable(find(known.kid, 'ES256', new Deadline(10)));
    for (const response of held) publish(known)(response);
    expect(await kidsOf(patient)).toEqual([known.kid]);
    expect(server.requests).toBe(1);
  });

  it('is not asked for again in the pause after the third failure', async () => {
    handle = answer(500);
    const { find, clock } = keySet();
    for (let failure = 0; failure < 3; failure += 1) await unavailable(find());
    expect((await unavailable(find())).retryAfterSeconds).toBe(1);
    expect(server.requests).toBe(3);
    clock.advanceSeconds(1);
    handle = publish(known);
    expect(await kidsOf(find())).toEqual([known.kid]);
  });
});

describe('A key set that grows old', () => {
  it('is fetched in the background after three quarters of its time', async () => {
    const { find, clock, fetchEnds } = keySet();
    await find();
    clock.advanceSeconds(449);
    expect(find()).toMatchObject({ kind: 'keys' });
    expect(server.requests).toBe(1);
    clock.advanceSeconds(1);
    handle = publish(known, added);
    const ends = fetchEnds();
    expect(find()).toMatchObject({ kind: 'keys', keys: [{ kid: known.kid }] });
    await ends;
    expect(server.requests).toBe(2);
    expect(find(added.kid)).toMatchObject({ kind: 'keys', keys: [{ kid: added.kid }] });
  });

  it('JWK-12 is waited for when its time is over: keys that are gone verify nothing', async () => {
    const { find, clock } = keySet();
    await find();
    clock.advanceSeconds(600);
    handle = publish(added);
    expect(await kidsOf(find())).toBe('unknown');
    expect(await kidsOf(find(added.kid))).toEqual([added.kid]);
    expect(server.requests).toBe(2);
  });

  it('JWK-13 serves for a bounded time while it cannot be fetched, and only for keys that are in it', async () => {
    const { find, clock } = keySet();
    await find();
    handle = answer(500);
    clock.advanceSeconds(4199);
    expect(await kidsOf(find())).toEqual([known.kid]);
    expect(server.requests).toBe(2);
    await unavailable(find(added.kid));
    clock.advanceSeconds(1);
    await unavailable(find());
  });

  it('JWK-13 keeps nobody waiting long for an endpoint that hangs', async () => {
    const { find, clock } = keySet();
    await find();
    clock.advanceSeconds(700);
    handle = () => undefined;
    const started = performance.now();
    expect(await kidsOf(find())).toEqual([known.kid]);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('JWK-12 counts the fetch for its age as the fetch for an unknown kid', async () => {
    const { find, clock, types } = keySet();
    await find();
    clock.advanceSeconds(600);
    expect(await kidsOf(find('other'))).toBe('unknown');
    expect(await kidsOf(find('other'))).toBe('unknown');
    expect(server.requests).toBe(2);
    expect(types().filter((type) => type === 'keys.unknown_kid')).toHaveLength(2);
    clock.advanceSeconds(30);
    await find('other');
    expect(server.requests).toBe(3);
  });
});

describe('An unknown kid', () => {
  it('JWK-12 causes one fetch per pause', async () => {
    const { find, clock, events } = keySet();
    await find();
    handle = publish(known, added);
    expect(await kidsOf(find(added.kid))).toEqual([added.kid]);
    expect(server.requests).toBe(2);
    expect(events).toContainEqual({ type: 'keys.unknown_kid', issuer: ISSUER });
    clock.advanceSeconds(29);
    for (let round = 0; round < 3; round += 1) expect(await kidsOf(find(`other-${round}`))).toBe('unknown');
    expect(server.requests).toBe(2);
    clock.advanceSeconds(1);
    expect(await kidsOf(find('other'))).toBe('unknown');
    expect(server.requests).toBe(3);
  });

  it('JWK-04 is the same for a token without kid that no key fits', async () => {
    const { keys, find } = keySet();
    await find();
    expect(await kidsOf(keys.find('RS256', undefined, new Deadline(5000)))).toBe('unknown');
    expect(server.requests).toBe(2);
  });

  it('JWK-13 is no verdict while the fetch fails: somebody else may know it', async () => {
    const { find } = keySet();
    await find();
    handle = answer(500);
    await unavailable(find('other'));
    await unavailable(find('other'));
    expect(server.requests).toBe(2);
    expect(await kidsOf(find())).toEqual([known.kid]);
  });

  it('JWK-12 joins the fetch that another has caused', async () => {
    const { find, clock } = keySet();
    await find();
    clock.advanceSeconds(450);
    const held: ServerResponse[] = [];
    let arrived: () => void = () => undefined;
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    handle = (response) => {
      held.push(response);
      arrived();
    };
    await find();
    await arrival;
    const waiting = [find(added.kid), find(added.kid)];
    for (const response of held.splice(0)) publish(known, added)(response);
    expect(await Promise.all(waiting.map(kidsOf))).toEqual([[added.kid], [added.kid]]);
    expect(server.requests).toBe(2);
    // None of them has used up the fetch for an unknown kid.
    handle = publish(known);
    await find('other');
    expect(server.requests).toBe(3);
  });
});

describe('A bad signature under a known key', () => {
  it('JWK-12 causes one fetch per pause, in the background', async () => {
    const { keys, find, clock, fetchEnds } = keySet();
    await find();
    handle = publish(added);
    for (let round = 1; round < 3; round += 1) {
      const ends = fetchEnds();
      keys.noteBadSignature();
      keys.noteBadSignature();
      await ends;
      keys.noteBadSignature();
      await new Promise((resolve) => setImmediate(resolve));
      expect(server.requests).toBe(1 + round);
      clock.advanceSeconds(30);
    }
    expect(find(added.kid)).toMatchObject({ kind: 'keys' });
  });
});
