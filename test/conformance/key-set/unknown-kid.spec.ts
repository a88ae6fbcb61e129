import { json } from '../../support/authorization-server.js';
import { ecKey } from '../../support/keys.js';
import { describeProperties, scenario, type World } from './property.js';
import type { Verdict } from './subject.js';

const stranger = ecKey();

/** A thousand forgeries, each with a kid of its own, and a known key in between. */
async function flood({ as, verify, token, known }: World, round: number) {
  const before = as.keySetFetches;
  const forged = new Set<Verdict>();
  const kept = new Set<Verdict>();
  const own = token(known);
  for (let batch = 0; batch < 20; batch += 1) {
    const tokens = Array.from({ length: 50 }, (_value, index) => token(stranger, { kid: `${round}-${batch}-${index}` }));
    const verdicts = Promise.all(tokens.map((each) => verify(each)));
    kept.add(await verify(own));
    for (const verdict of await verdicts) forged.add(verdict);
  }
  return { forged: [...forged], kept: [...kept], fetches: as.keySetFetches - before };
}

async function threeFloods(world: World, begin: () => void) {
  await world.verify(world.token(world.known));
  begin();
  const seen: Awaited<ReturnType<typeof flood>>[] = [];
  for (let round = 0; round < 3; round += 1) {
    world.advance(31);
    seen.push(await flood(world, round));
  }
  const all = (name: 'forged' | 'kept') => [...new Set(seen.flatMap((each) => each[name]))];
  const counts = seen.map(({ fetches }) => fetches);
  return { forged: all('forged'), kept: all('kept'), 'at most one fetch per pause': counts.every((count) => count <= 1) };
}

const floods = [
  scenario('JWK-12 T79 floods of 1,000 random kids: one fetch per pause, and the known key is never locked out', {
    control: 'a fetch per token',
    observe: (world) => threeFloods(world, () => undefined),
    ours: { forged: ['refused'], kept: ['accepted'], 'at most one fetch per pause': true },
    theirs: { 'at most one fetch per pause': false },
  }),

  scenario('JWK-12 T79 the same floods while the endpoint is down: no fetch more', {
    observe: (world) => threeFloods(world, world.outage),
    ours: { forged: ['unavailable'], kept: ['accepted'], 'at most one fetch per pause': true },
    theirs: { 'at most one fetch per pause': false },
  }),

  scenario('JWK-12 T79 T80 the same floods while the endpoint serves an empty set: the known key stays', {
    observe: (world) => threeFloods(world, () => world.as.replace('jwks', (_request, response) => json(response, { keys: [] }))),
    ours: { forged: ['unavailable'], kept: ['accepted'], 'at most one fetch per pause': true },
    theirs: { forged: ['refused'], kept: ['accepted', 'refused'] },
  }),

  scenario('JWK-12 T79 floods of forgeries under the known kid: one fetch per pause, and the known key stays', {
    control: 'a fetch per token',
    observe: async (world) => {
      const { as, verify, token, known, advance, settle } = world;
      await verify(token(known));
      const counts: number[] = [];
      const verdicts = new Set<Verdict>();
      for (let round = 0; round < 3; round += 1) {
        advance(31);
        const before = as.keySetFetches;
        for (let index = 0; index < 300; index += 1) verdicts.add(await verify(token(stranger, { kid: known.kid })));
        const fetches = () => as.keySetFetches - before;
        await settle(() => fetches() > 0);
        counts.push(fetches());
      }
      // A fetch may still be under way when the next pause begins, and then serves for that one too.
      const each = counts[0] === 1 && counts.every((count) => count <= 1);
      return { verdicts: [...verdicts], 'one fetch per pause': each, known: await verify(token(known)) };
    },
    ours: { verdicts: ['refused'], 'one fetch per pause': true, known: 'accepted' },
    theirs: { 'one fetch per pause': false },
  }),

  scenario('JWK-12 all that come with a new key while it is fetched are accepted, by one fetch', {
    control: 'a fetch per token',
    observe: async (world) => {
      const { as, verify, token, known, publish, advance, hold, settle } = world;
      await verify(token(known));
      advance(31);
      const added = ecKey();
      publish(known, added);
      const before = as.keySetFetches;
      const gate = hold();
      const first = verify(token(added));
      await settle(() => gate.held > 0);
      const others = Array.from({ length: 20 }, () => verify(token(added)));
      // Whoever fetches for itself has to be answered, too.
      await settle(() => gate.held > 20, 5);
      const fetches = as.keySetFetches - before;
      gate.release();
      return { verdicts: [...new Set(await Promise.all([first, ...others]))], fetches };
    },
    ours: { verdicts: ['accepted'], fetches: 1 },
    theirs: { fetches: 21 },
  }),

  scenario('JWK-12 a fetch for an unknown kid holds no request of a known one up', {
    observe: async (world) => {
      const { verify, token, known, publish, advance, hold, settle } = world;
      await verify(token(known));
      advance(31);
      const added = ecKey();
      publish(known, added);
      const gate = hold();
      const waiting = verify(token(added));
      const asked = await settle(() => gate.held > 0);
      const meanwhile = await verify(token(known));
      gate.release();
      // Ours has the key now; whoever keeps it only until the set is stale goes on asking.
      const found = await waiting;
      world.outage();
      advance(700);
      return { asked, meanwhile, found, later: await verify(token(added)) };
    },
    ours: { asked: true, meanwhile: 'accepted', found: 'accepted', later: 'accepted' },
    theirs: { later: 'unavailable' },
  }),
];

describeProperties('unknown kids and forgeries', floods);
