import { describe, expect, it } from 'vitest';
import { Deadline } from '../../../../libs/introspection/src/pipeline/deadline.js';
import type { KeyLookup } from '../../../../libs/introspection/src/pipeline/verification/key-set.js';
import {
  KeySetUnavailableError,
  MetadataError,
} from '../../../../libs/introspection/src/protocol/authorization-server-errors.js';
import { ISSUER } from '../../../support/issuer-options.js';
import { ecKey } from '../../../support/keys.js';
import { answer, type Handler, inOrder, keySetEndpoint, publish } from '../../../support/key-set-endpoint.js';

const [known, added] = [ecKey(), ecKey()];
const endpoint = keySetEndpoint(publish(known), known.kid);

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
    const { find, types, notices } = endpoint.keySet();
    expect(endpoint.requests).toBe(0);
    expect(await kidsOf(find())).toEqual([known.kid]);
    expect(find()).toMatchObject({ kind: 'keys', keys: [{ kid: known.kid }] });
    expect(endpoint.requests).toBe(1);
    expect(endpoint.accepted).toEqual(['GET application/json, application/jwk-set+json']);
    expect(types()).toEqual(['keys.refreshed']);
    expect(notices).toEqual([]);
  });

  it('JWK-16 is read from either type, in any case and with parameters', async () => {
    for (const type of ['application/jwk-set+json', 'Application/JSON; charset=utf-8', ' application/json ; x=y']) {
      endpoint.handle = answer(200, JSON.stringify({ keys: [known.jwk] }), { 'content-type': type });
      expect(await kidsOf(endpoint.keySet().find()), type).toEqual([known.kid]);
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
    endpoint.handle = handler;
    const { find, types, notices } = endpoint.keySet();
    expect((await unavailable(find())).retryAfterSeconds).toBe(seconds);
    expect(types()).toEqual(['keys.failed']);
    expect(notices).toHaveLength(1);
    for (const text of ['error', ISSUER, 'jwksUri']) expect(notices[0]).toContain(text);
  });

  it('says whether the latest fetch failed, and when keys came in for the last time', async () => {
    const { keys, find, clock } = endpoint.keySet();
    expect([keys.isFailing, keys.loadedAtMs]).toEqual([false, undefined]);
    await find();
    const loadedAtMs = clock.now();
    expect([keys.isFailing, keys.loadedAtMs]).toEqual([false, loadedAtMs]);
    clock.advanceSeconds(600);
    endpoint.handle = answer(500);
    await find();
    expect([keys.isFailing, keys.loadedAtMs]).toEqual([true, loadedAtMs]);
  });

  it('tells the operator apart why it is not there', async () => {
    const handlers = [answer(500), answer(404), answer(200, '{}', { 'content-type': 'text/html' }), answer(200, '{}')];
    const texts: unknown[] = [];
    for (const handler of handlers) {
      endpoint.handle = handler;
      const { find, notices } = endpoint.keySet();
      await unavailable(find());
      texts.push(notices[0]);
    }
    expect(new Set(texts).size).toBe(handlers.length);
  });

  it('is not there where its address is not known', async () => {
    const cause = new MetadataError({ detail: 'no metadata' });
    const { find, notices, types } = endpoint.keySet({ url: () => Promise.reject(cause) });
    expect(await Promise.resolve(find()).catch((error: unknown) => error)).toBe(cause);
    expect(notices[0]).toContain('no metadata');
    expect(types()).toEqual(['keys.failed']);

    const unforeseen = endpoint.keySet({ url: () => Promise.reject(new Error('something else')) });
    await expect(Promise.resolve(unforeseen.find())).rejects.toThrow('something else');
    expect(unforeseen.notices).toEqual([expect.stringMatching(/: \w+ .*jwksUri/)]);
    expect(unforeseen.notices[0]).not.toContain('something else');
  });

  it('is waited for no longer than the deadline of each', async () => {
    const { arrival, release } = endpoint.hold();
    const { find } = endpoint.keySet();
    const patient = find();
    await unavailable(find(known.kid, 'ES256', new Deadline(10)));
    await arrival;
    release(publish(known));
    expect(await kidsOf(patient)).toEqual([known.kid]);
    expect(endpoint.requests).toBe(1);
  });

  it('is not asked for again in the pause after the third failure', async () => {
    endpoint.handle = answer(500);
    const { find, clock } = endpoint.keySet();
    for (let failure = 0; failure < 3; failure += 1) await unavailable(find());
    expect((await unavailable(find())).retryAfterSeconds).toBe(1);
    expect(endpoint.requests).toBe(3);
    clock.advanceSeconds(1);
    endpoint.handle = publish(known);
    expect(await kidsOf(find())).toEqual([known.kid]);
  });
});

describe('A key set that grows old', () => {
  it('is fetched in the background after three quarters of its time', async () => {
    const { find, clock, fetchEnds } = endpoint.keySet();
    await find();
    clock.advanceSeconds(449);
    expect(find()).toMatchObject({ kind: 'keys' });
    expect(endpoint.requests).toBe(1);
    clock.advanceSeconds(1);
    endpoint.handle = publish(known, added);
    const ends = fetchEnds();
    expect(find()).toMatchObject({ kind: 'keys', keys: [{ kid: known.kid }] });
    await ends;
    expect(endpoint.requests).toBe(2);
    expect(find(added.kid)).toMatchObject({ kind: 'keys', keys: [{ kid: added.kid }] });
  });

  it('is current as long as nothing has to be fetched', async () => {
    const { keys, find, clock } = endpoint.keySet();
    expect(keys.current).toBeUndefined();
    await find();
    const first = keys.current;
    expect(first).toMatchObject([{ kid: known.kid }]);
    clock.advanceSeconds(449);
    expect(keys.current).toBe(first);
    clock.advanceSeconds(1);
    expect(keys.current).toBeUndefined();
    clock.advanceSeconds(150);
    await find();
    expect(keys.current).toMatchObject([{ kid: known.kid }]);
    expect(keys.current).not.toBe(first);
  });

  it('JWK-12 is waited for when its time is over: keys that are gone verify nothing', async () => {
    const { find, clock } = endpoint.keySet();
    await find();
    clock.advanceSeconds(600);
    endpoint.handle = publish(added);
    expect(await kidsOf(find())).toBe('unknown');
    expect(await kidsOf(find(added.kid))).toEqual([added.kid]);
    expect(endpoint.requests).toBe(2);
  });

  it('JWK-13 serves for a bounded time while it cannot be fetched, and only for keys that are in it', async () => {
    const { find, clock } = endpoint.keySet();
    await find();
    endpoint.handle = answer(500);
    clock.advanceSeconds(4199);
    expect(await kidsOf(find())).toEqual([known.kid]);
    expect(endpoint.requests).toBe(2);
    await unavailable(find(added.kid));
    clock.advanceSeconds(1);
    await unavailable(find());
  });

  it('JWK-13 keeps nobody waiting long for an endpoint that hangs', async () => {
    const { find, clock } = endpoint.keySet();
    await find();
    clock.advanceSeconds(700);
    endpoint.handle = () => undefined;
    const started = performance.now();
    expect(await kidsOf(find())).toEqual([known.kid]);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('JWK-12 counts the fetch for its age as the fetch for an unknown kid', async () => {
    const { find, clock, types } = endpoint.keySet();
    await find();
    clock.advanceSeconds(600);
    expect(await kidsOf(find('other'))).toBe('unknown');
    expect(await kidsOf(find('other'))).toBe('unknown');
    expect(endpoint.requests).toBe(2);
    expect(types().filter((type) => type === 'keys.unknown_kid')).toHaveLength(2);
    clock.advanceSeconds(30);
    await find('other');
    expect(endpoint.requests).toBe(3);
  });
});

describe('An unknown kid', () => {
  it('JWK-12 causes one fetch per pause', async () => {
    const { find, clock, events } = endpoint.keySet();
    await find();
    endpoint.handle = publish(known, added);
    expect(await kidsOf(find(added.kid))).toEqual([added.kid]);
    expect(endpoint.requests).toBe(2);
    expect(events).toContainEqual({ type: 'keys.unknown_kid', issuer: ISSUER });
    clock.advanceSeconds(29);
    for (let round = 0; round < 3; round += 1) expect(await kidsOf(find(`other-${round}`))).toBe('unknown');
    expect(endpoint.requests).toBe(2);
    clock.advanceSeconds(1);
    expect(await kidsOf(find('other'))).toBe('unknown');
    expect(endpoint.requests).toBe(3);
  });

  it('JWK-04 is the same for a token without kid that no key fits', async () => {
    const { keys, find } = endpoint.keySet();
    await find();
    expect(await kidsOf(keys.find('RS256', undefined, new Deadline(5000)))).toBe('unknown');
    expect(endpoint.requests).toBe(2);
  });

  it('JWK-13 is no verdict while the fetch fails: somebody else may know it', async () => {
    const { find } = endpoint.keySet();
    await find();
    endpoint.handle = answer(500);
    await unavailable(find('other'));
    await unavailable(find('other'));
    expect(endpoint.requests).toBe(2);
    expect(await kidsOf(find())).toEqual([known.kid]);
  });

  it('JWK-12 joins the fetch that another has caused', async () => {
    const { find, clock } = endpoint.keySet();
    await find();
    clock.advanceSeconds(450);
    const { arrival, release } = endpoint.hold();
    await find();
    await arrival;
    const waiting = [find(added.kid), find(added.kid)];
    release(publish(known, added));
    expect(await Promise.all(waiting.map(kidsOf))).toEqual([[added.kid], [added.kid]]);
    expect(endpoint.requests).toBe(2);
    // None of them has used up the fetch for an unknown kid.
    endpoint.handle = publish(known);
    await find('other');
    expect(endpoint.requests).toBe(3);
  });
});

describe('A kid that the fetch of another does not bring', () => {
  it('JWK-12 causes one of its own', async () => {
    const { find, clock } = endpoint.keySet();
    await find();
    clock.advanceSeconds(450);
    endpoint.handle = publish(known);
    await find();
    const waiting = find(added.kid);
    endpoint.handle = inOrder(publish(known), publish(known, added));
    expect(await kidsOf(waiting)).toEqual([added.kid]);
    expect(endpoint.requests).toBe(3);
  });
});

describe('A bad signature under a known key', () => {
  it('JWK-12 causes one fetch per pause, in the background', async () => {
    const { keys, find, clock, fetchEnds } = endpoint.keySet();
    await find();
    endpoint.handle = publish(added);
    for (let round = 1; round < 3; round += 1) {
      const ends = fetchEnds();
      keys.noteBadSignature();
      keys.noteBadSignature();
      await ends;
      keys.noteBadSignature();
      // Whatever is being fetched would be waited for.
      expect(await kidsOf(find('other'))).toBe('unknown');
      expect(endpoint.requests).toBe(1 + round);
      clock.advanceSeconds(30);
    }
    expect(find(added.kid)).toMatchObject({ kind: 'keys' });
  });
});
