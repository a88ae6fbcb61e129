import { expect } from 'vitest';
import { FAILURES, OPEN_SECONDS, TTL_SECONDS } from './application.js';
import { NEW_KEY, type Cell, type State } from './cell.js';
import type { Endpoint } from './misbehaving-server.js';

/** All cells of an application take a step before the clock, which they share, goes on. */
export interface Step {
  readonly advanceSeconds?: number;
  act(cell: Cell): Promise<void>;
}

const step = (act: (cell: Cell) => Promise<void>, advanceSeconds = 0): Step => ({ act, advanceSeconds });
/** Past every pause that a failure may cause. */
const REST_SECONDS = 61;

const tokens = new WeakMap<Cell, string>();
/** The token of a cell that the server was well for. */
const known = (cell: Cell): string => {
  const token = tokens.get(cell) ?? (cell.name.endpoint === 'introspection' ? cell.opaque() : cell.jwt());
  tokens.set(cell, token);
  return token;
};
/** One that needs the broken endpoint. */
const unknown = (cell: Cell): string => (cell.name.endpoint === 'key set' ? cell.jwt(NEW_KEY) : cell.opaque());

const isNowhere = (cell: Cell): boolean => cell.name.fault.misbehaviour === 'no such host';
const recovers = (work: (cell: Cell) => Promise<void>, seconds: number): Step =>
  step(async (cell) => {
    if (isNowhere(cell)) return;
    await cell.recover();
    await work(cell);
  }, seconds);

/** The start is no part of what is tested: on a busy machine the first answer may come too late. */
const well = step(async (cell) => {
  for (let left = 3; left > 0; left -= 1) {
    const isLast = left === 1;
    const isServed = await cell.expectServed(known(cell)).then(
      () => true,
      (error: unknown) => {
        if (isLast) throw error;
        return false;
      },
    );
    if (isServed) return;
  }
});

/** A probe, when the breaker lets one out; what it finds decides nothing about the token. */
const probe = async (cell: Cell): Promise<void> => void (await cell.expectUnavailable(unknown(cell)));

function introspection(state: State): Step[] {
  if (state === 'cold')
    return [
      step(async (cell) => {
        await cell.break();
        await cell.expectUnavailable(known(cell));
      }),
      // No pause after a failure: the next request asks.
      recovers((cell) => cell.expectServed(known(cell), { calls: 1 }), 0),
    ];
  if (state === 'warm cache')
    return [
      well,
      step(async (cell) => {
        await cell.break();
        await cell.expectServed(known(cell), { calls: 0 });
        await cell.expectUnavailable(unknown(cell));
      }),
      step(async (cell) => void (await cell.expectUnavailable(known(cell))), TTL_SECONDS),
      recovers((cell) => cell.expectServed(known(cell), { calls: 1 }), 0),
    ];
  return [
    step(async (cell) => {
      if (!isNowhere(cell)) {
        await well.act(cell);
        cell.fail();
      }
      for (let count = 0; count < FAILURES; count += 1) await cell.expectUnavailable(unknown(cell), { calls: [0, 2] });
      expect(cell.hasOpened, 'the breaker has opened').toBe(true);
    }),
    step(async (cell) => {
      await cell.break();
      expect(await cell.expectUnavailable(unknown(cell), { calls: 0 })).toBeLessThanOrEqual(OPEN_SECONDS);
      if (!isNowhere(cell)) await cell.expectServed(known(cell), { calls: 0 });
    }, 1),
    step(probe, OPEN_SECONDS),
    recovers(async (cell) => {
      await cell.expectServed(unknown(cell), { calls: 1 });
      await cell.expectServed(unknown(cell), { calls: 1 });
    }, OPEN_SECONDS + 1),
  ];
}

function keySet(state: State): Step[] {
  const recovered = recovers(async (cell) => {
    await cell.expectServed(cell.jwt());
    await cell.expectServed(unknown(cell));
  }, REST_SECONDS);
  if (state === 'cold')
    return [
      step(async (cell) => {
        await cell.break();
        await cell.expectUnavailable(known(cell));
      }),
      recovered,
    ];
  if (state === 'warm cache')
    return [
      well,
      step(async (cell) => {
        await cell.break();
        await cell.expectServed(cell.jwt(), { calls: 0 });
        await cell.expectUnavailable(unknown(cell), { calls: [0, 2] });
      }, 31),
      // Past `maxAgeSeconds`, and at the end of `maxStaleSeconds`.
      step((cell) => cell.expectServed(cell.jwt(), { calls: [0, 2] }), 600),
      step((cell) => cell.expectServed(cell.jwt(), { calls: [0, 2] }), 3500),
      step(async (cell) => void (await cell.expectUnavailable(cell.jwt(), { calls: [0, 2] })), 200),
      recovered,
    ];
  return [
    step(async (cell) => {
      if (isNowhere(cell)) return;
      await well.act(cell);
      cell.fail();
    }),
    ...Array.from({ length: FAILURES }, () =>
      step(async (cell) => void (await cell.expectUnavailable(unknown(cell), { calls: [0, 2] })), 2),
    ),
    step(async (cell) => {
      expect(cell.hasOpened, 'the breaker has opened').toBe(true);
      await cell.break();
      expect(await cell.expectUnavailable(unknown(cell), { calls: 0 })).toBeLessThanOrEqual(OPEN_SECONDS);
      if (!isNowhere(cell)) await cell.expectServed(cell.jwt(), { calls: 0 });
    }, 2),
    step(probe, OPEN_SECONDS),
    recovered,
  ];
}

function discovery(state: State): Step[] {
  const recovered = recovers(async (cell) => {
    await cell.expectServed(cell.jwt());
    await cell.expectServed(cell.opaque());
  }, REST_SECONDS);
  if (state === 'cold')
    return [
      step(async (cell) => {
        await cell.break();
        await cell.expectUnavailable(cell.opaque());
        await cell.expectUnavailable(cell.jwt(), { calls: [0, 4] });
      }),
      recovered,
    ];
  if (state === 'warm cache')
    return [
      well,
      ...[1, 601, 4000].map((seconds) =>
        step(async (cell) => {
          await cell.break();
          // What is known of the issuer stays known.
          await cell.expectServed(cell.jwt(), { calls: [0, 2] });
          await cell.expectServed(cell.opaque(), { calls: [0, 2] });
        }, seconds),
      ),
      recovered,
    ];
  return [
    ...Array.from({ length: FAILURES }, () =>
      step(async (cell) => {
        if (!isNowhere(cell)) cell.fail();
        await cell.expectUnavailable(cell.opaque(), { calls: [0, 2] });
      }, REST_SECONDS),
    ),
    step(async (cell) => {
      expect(cell.hasOpened, 'the breaker has opened').toBe(true);
      await cell.break();
      expect(await cell.expectUnavailable(cell.jwt(), { calls: 0 })).toBeLessThanOrEqual(60);
    }),
    step(async (cell) => void (await cell.expectUnavailable(cell.jwt())), REST_SECONDS),
    recovered,
  ];
}

export function planOf(endpoint: Endpoint, state: State): readonly Step[] {
  return { introspection, 'key set': keySet, discovery }[endpoint](state);
}
