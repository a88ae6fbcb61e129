import { json } from '../../support/authorization-server.js';
import { ecKey, edKey } from '../../support/keys.js';
import { describeProperties, scenario, type World } from './property.js';
import type { Verdict } from './subject.js';

const keySet = { maxAgeSeconds: 60, cooldownSeconds: 10, maxStaleSeconds: 120 };

async function warm({ verify, token, known }: World): Promise<Verdict> {
  return verify(token(known));
}

const lastGoodSet = [
  scenario('JWK-13 T80 in an outage the held keys serve for maxStaleSeconds beyond maxAgeSeconds, no longer', {
    keySet,
    observe: async (world) => {
      const { verify, token, known, advance, outage, publish } = world;
      const kept = token(known);
      const seen: Record<string, Verdict> = { warm: await verify(kept) };
      outage();
      let now = 0;
      for (const at of [30, 61, 100, 140, 179, 181, 400]) {
        advance(at - now);
        now = at;
        seen[`at ${at} s`] = await verify(kept);
      }
      publish(known);
      advance(60);
      return { ...seen, 'when it is over': await verify(kept) };
    },
    ours: {
      warm: 'accepted',
      'at 30 s': 'accepted',
      'at 61 s': 'accepted',
      'at 100 s': 'accepted',
      'at 140 s': 'accepted',
      'at 179 s': 'accepted',
      'at 181 s': 'unavailable',
      'at 400 s': 'unavailable',
      'when it is over': 'accepted',
    },
    theirs: Object.fromEntries([61, 100, 140, 179].map((at) => [`at ${at} s`, 'unavailable'])),
  }),

  scenario('JWK-13 T80 in an outage an unknown kid is no verdict on its token, and a known one still is', {
    keySet,
    observe: async (world) => {
      const { verify, token, known, advance, outage } = world;
      await warm(world);
      outage();
      advance(61);
      const unknown = await verify(token(ecKey()));
      const forged = await verify(token(ecKey(), { kid: known.kid }));
      return { unknown, forged, known: await verify(token(known)) };
    },
    ours: { unknown: 'unavailable', forged: 'refused', known: 'accepted' },
    theirs: { forged: 'unavailable', known: 'unavailable' },
  }),

  scenario('JWK-13 T80 in an outage requests do not queue up at the endpoint', {
    keySet,
    observe: async (world) => {
      const { as, verify, token, known, advance, outage } = world;
      await warm(world);
      outage();
      advance(61);
      const before = as.keySetFetches;
      const verdicts = new Set<Verdict>();
      for (let index = 0; index < 100; index += 1) verdicts.add(await verify(token(known)));
      return { verdicts: [...verdicts], 'a handful of fetches': as.keySetFetches - before <= 5 };
    },
    ours: { verdicts: ['accepted'], 'a handful of fetches': true },
    theirs: { verdicts: ['unavailable'], 'a handful of fetches': false },
  }),

  scenario('JWK-13 cold in an outage: no verdict, and the endpoint is not asked for each request', {
    keySet,
    observe: async ({ as, verify, token, known, outage }) => {
      outage();
      const verdicts = new Set(await Promise.all(Array.from({ length: 50 }, () => verify(token(known)))));
      for (let index = 0; index < 50; index += 1) verdicts.add(await verify(token(known)));
      return { verdicts: [...verdicts], 'a handful of fetches': as.keySetFetches <= 5 };
    },
    ours: { verdicts: ['unavailable'], 'a handful of fetches': true },
    theirs: { 'a handful of fetches': false },
  }),
];

/** What the endpoint answers instead of a good set, and what jose makes of it. */
const stranger = ecKey();
const limits: Record<string, [text: () => string, theirs: Record<string, Verdict>]> = {
  'an empty set': [() => '{"keys":[]}', { known: 'refused' }],
  'a set without a usable key': [() => '{"keys":[{"kty":"XYZ"},{}]}', { known: 'refused' }],
  'an object that is no set': [() => '{"issuer":"x"}', { known: 'unavailable', stranger: 'unavailable' }],
  'a list': [() => `[${JSON.stringify(stranger.jwk)}]`, { known: 'unavailable', stranger: 'unavailable' }],
  HTML: [() => '<!doctype html><title>Maintenance</title>', { known: 'unavailable', stranger: 'unavailable' }],
  'half a set': [() => `{"keys":[${JSON.stringify(stranger.jwk)}`, { known: 'unavailable', stranger: 'unavailable' }],
  'a set of 10 MB': [
    () => JSON.stringify({ keys: [stranger.jwk], filler: 'x'.repeat(10_000_000) }),
    { known: 'refused', stranger: 'accepted' },
  ],
  'a set of 10,000 keys within the size': [
    () => {
      const { x } = edKey().jwk;
      const many = Array.from({ length: 10_000 }, () => ({ kty: 'OKP', crv: 'Ed25519', x }));
      return JSON.stringify({ keys: [stranger.jwk, ...many] });
    },
    { known: 'refused', stranger: 'accepted' },
  ],
};

const unusableSets = Object.entries(limits).map(([what, [text, theirs]]) =>
  scenario(`JWK-16 T80 the last good set outlives ${what}, of which nothing is used`, {
    keySet,
    observe: async (world) => {
      const { as, verify, token, known, advance } = world;
      await warm(world);
      const body = text();
      as.replace('jwks', (_request, response) => json(response, body));
      advance(61);
      const before = as.keySetFetches;
      const seen = { known: await verify(token(known)), stranger: await verify(token(stranger)) };
      return { ...seen, asked: as.keySetFetches > before };
    },
    // Whether the stranger is refused or not judged is decided by whether the fetch counts as failed: it does.
    ours: { known: 'accepted', stranger: 'unavailable', asked: true },
    theirs: { stranger: 'refused', ...theirs },
  }),
);

const redirect = [301, 302, 303, 307, 308].map((status) =>
  scenario(`JWK-16 T76 a ${status} to another place is not followed, and costs no key`, {
    keySet,
    observe: async (world) => {
      const { as, verify, token, known, advance } = world;
      await warm(world);
      as.replace('/elsewhere-keys', (_request, response) => json(response, { keys: [stranger.jwk] }));
      as.replace('jwks', (_request, response) => response.writeHead(status, { location: `${as.origin}/elsewhere-keys` }).end());
      advance(61);
      const seen = { known: await verify(token(known)), stranger: await verify(token(stranger)) };
      return { ...seen, followed: as.requests.some(({ path }) => path === '/elsewhere-keys') };
    },
    ours: { known: 'accepted', stranger: 'unavailable', followed: false },
    theirs: { known: 'unavailable' },
  }),
);

describeProperties('the last good set', lastGoodSet);
describeProperties('sets that nobody should use', unusableSets);
describeProperties('redirected key sets', redirect);
