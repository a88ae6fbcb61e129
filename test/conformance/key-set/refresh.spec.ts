import { createRemoteJWKSet } from 'jose';
import { createResourceServer } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { AUDIENCE, startAuthorizationServer } from '../../support/authorization-server.js';
import { ecKey } from '../../support/keys.js';
import { describeProperties, scenario, type World } from './property.js';
import type { Verdict } from './subject.js';

/**
 * A request every thirty seconds. The endpoint answers only after the requests of that moment have their answers, so that
 * whoever waits for it is found out.
 */
async function live(world: World, token: string, seconds: number) {
  const { as, verify, advance, hold, settle, fetchEnds } = world;
  const gate = hold();
  const before = as.keySetFetches;
  const verdicts = new Set<Verdict>();
  for (let at = 0; at < seconds && !verdicts.has('unavailable'); at += 30) {
    advance(30);
    verdicts.add(await verify(token));
    if (!(await settle(() => gate.held > 0, 2))) continue;
    verdicts.add(await verify(token));
    const ended = fetchEnds();
    gate.release();
    await ended;
  }
  as.replace('jwks');
  return { verdicts: [...verdicts], fetches: as.keySetFetches - before };
}

const refresh = [
  scenario('JWK-12 the set is refreshed ahead of its end: no request of two hours waits for a fetch', {
    observe: async (world) => {
      const { verify, token, known } = world;
      const kept = token(known);
      const cold = await verify(kept);
      const { verdicts, fetches } = await live(world, kept, 7200);
      return { cold, verdicts, 'one or two fetches per life': fetches >= 12 && fetches <= 24 };
    },
    ours: { cold: 'accepted', verdicts: ['accepted'], 'one or two fetches per life': true },
    theirs: { verdicts: ['accepted', 'unavailable'], 'one or two fetches per life': false },
  }),

  scenario('JWK-12 T81 a removed key stops within the refresh time, without an unknown kid, and nobody waits for it', {
    observe: async (world) => {
      const { verify, token, known, publish } = world;
      const removed = ecKey();
      publish(known, removed);
      const [kept, withdrawn] = [token(known), token(removed)];
      const before = [await verify(kept), await verify(withdrawn)];
      publish(known);
      const { verdicts } = await live(world, kept, 600);
      return { before, verdicts, after: [await verify(kept), await verify(withdrawn)] };
    },
    ours: { before: ['accepted', 'accepted'], verdicts: ['accepted'], after: ['accepted', 'refused'] },
    theirs: { verdicts: ['accepted', 'unavailable'] },
  }),

  scenario('JWK-12 T81 a key removed during an outage stops with the first fetch after it, and the others never do', {
    observe: async ({ verify, token, known, publish, outage, advance }) => {
      const removed = ecKey();
      publish(known, removed);
      const [kept, withdrawn] = [token(known), token(removed)];
      await verify(kept);
      outage();
      advance(700);
      const meanwhile = [await verify(kept), await verify(withdrawn)];
      publish(known);
      advance(300);
      // A stale set is not waited for without end, so the removal may take one request to be seen.
      await verify(kept);
      advance(31);
      return { meanwhile, afterwards: [await verify(kept), await verify(withdrawn)] };
    },
    ours: { meanwhile: ['accepted', 'accepted'], afterwards: ['accepted', 'refused'] },
    theirs: { meanwhile: ['unavailable', 'unavailable'] },
  }),

  scenario('JWK-12 a key replaced under its kid is found by the bad signature, with one fetch per pause', {
    observe: async ({ as, verify, token, known, publish, advance, fetchEnds }) => {
      await verify(token(known));
      advance(31);
      const renewed = ecKey('P-256', known.kid);
      publish(renewed);
      const before = as.keySetFetches;
      const ended = fetchEnds();
      const first = await verify(token(renewed));
      await ended;
      const second = await verify(token(renewed));
      for (let index = 0; index < 50; index += 1) await verify(token(ecKey(), { kid: known.kid }));
      return { first, second, old: await verify(token(known)), fetches: as.keySetFetches - before };
    },
    ours: { first: 'refused', second: 'accepted', old: 'refused', fetches: 1 },
    theirs: { second: 'refused', old: 'accepted', fetches: 0 },
  }),

  scenario('JWK-12 one fetch is in the air, however many cold requests wait for it', {
    control: 'a fetch per token',
    observe: async ({ as, verify, token, known }) => {
      const verdicts = await Promise.all(Array.from({ length: 50 }, () => verify(token(known))));
      return { verdicts: [...new Set(verdicts)], fetches: as.keySetFetches };
    },
    ours: { verdicts: ['accepted'], fetches: 1 },
    theirs: { fetches: 50 },
  }),
];

describeProperties('the life of a key set', refresh);

describe('where keys may come from', () => {
  it('JWK-16 an http address is refused at start-up | ours refuses it, jose fetches it', async () => {
    const as = await startAuthorizationServer();
    try {
      const options = {
        issuer: 'https://as.example.com',
        audience: AUDIENCE,
        verification: 'local',
        jwksUri: as.jwksUri,
      } as const;
      expect(() => createResourceServer(options)).toThrow(expect.objectContaining({ code: 'ERR_CONFIGURATION' }));
      expect(() => createResourceServer(options)).toThrow(/jwksUri/);
      expect(as.requests).toEqual([]);
      await createRemoteJWKSet(new URL(as.jwksUri)).reload();
      expect(as.keySetFetches).toBe(1);
    } finally {
      await as.close();
    }
  });
});
