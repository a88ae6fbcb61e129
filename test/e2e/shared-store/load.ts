import { setTimeout as delay } from 'node:timers/promises';
import type { RunningInstance } from './running-instance.js';

/** What became of the requests for one token. */
export interface Tally {
  accepted: number;
  refused: number;
  /** Neither: nobody could say. */
  other: number;
}

/** Requests that go on while a test does something else. */
export interface Load {
  /** Resolves when every instance has answered every token this many times more. */
  rounds(count: number): Promise<void>;
  /** From now on, requests for these tokens are counted anew, without those that are under way. */
  countAnew(tokens: readonly string[]): void;
  tally(tokens: readonly string[]): Tally;
  stop(): Promise<void>;
}

const PAUSE_MS = 10;

/** Each instance is asked for all tokens at once, again and again, with short pauses. */
export function startLoad(instances: readonly RunningInstance[], tokens: readonly string[]): Load {
  let tallies = new Map(tokens.map((token): [string, Tally] => [token, { accepted: 0, refused: 0, other: 0 }]));
  const rounds = instances.map(() => 0);
  let failure: unknown;
  let stopped = false;

  const loops = instances.map(async (instance, index) => {
    while (!stopped) {
      const counted = tallies;
      const statuses = await instance.request(tokens);
      for (const [at, status] of statuses.entries()) {
        const tally = counted.get(tokens[at] ?? '');
        if (tally) tally[status === 200 ? 'accepted' : status === 401 ? 'refused' : 'other'] += 1;
      }
      rounds[index] = (rounds[index] ?? 0) + 1;
      await delay(PAUSE_MS);
    }
  });
  const ended = Promise.all(loops).catch((error: unknown) => (failure = error));

  return {
    rounds: async (count) => {
      const wanted = rounds.map((done) => done + count);
      while (rounds.some((done, index) => done < (wanted[index] ?? 0))) {
        if (failure) throw failure;
        await delay(PAUSE_MS);
      }
    },
    countAnew: (again) => {
      tallies = new Map(
        [...tallies].map(([token, tally]): [string, Tally] => [
          token,
          again.includes(token) ? { accepted: 0, refused: 0, other: 0 } : tally,
        ]),
      );
    },
    tally: (of) =>
      of.reduce(
        (sum, token) => {
          const { accepted, refused, other } = tallies.get(token) ?? { accepted: 0, refused: 0, other: 0 };
          return { accepted: sum.accepted + accepted, refused: sum.refused + refused, other: sum.other + other };
        },
        { accepted: 0, refused: 0, other: 0 },
      ),
    stop: async () => {
      stopped = true;
      await ended;
      if (failure) throw failure;
    },
  };
}
