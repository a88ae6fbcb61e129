import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { expect401Token, expect503 } from '../support/expectations.js';
import { eventually } from '../support/remembering.js';
import { ADAPTERS, type Adapter } from '../support/resource-server.js';
import { CACHE_SECRET, FaultyStore, type Fault as StoreFault } from '../support/shared-stores.js';
import { startApplication, TIMEOUT_MS, TTL_SECONDS, type Application } from './application.js';
import { Cell } from './cell.js';
import { FAULTS, type Fault } from './faults.js';
import { testCertificates } from './test-certificates.js';

const certificates = testCertificates();
const SLACK_MS = 1000;
/** Past `localTtlMs`, so that what the process holds needs the store's word. */
const LOCAL_SECONDS = 1;

/** A store that answers after a while. */
class SlowStore extends FaultyStore {
  isSlow = false;
  override async get(key: string): Promise<unknown> {
    if (this.isSlow) await delay(20);
    return super.get(key);
  }
}

function everyOther(fault: StoreFault): () => StoreFault {
  let count = 0;
  return () => (++count % 2 === 0 ? undefined : fault);
}

interface StoreCell {
  readonly what: string;
  breakStore(store: SlowStore): void;
  /** A request may end with its deadline. */
  readonly mayEnd?: boolean;
}

const CELLS: readonly StoreCell[] = [
  { what: 'refused', breakStore: (store) => store.break('rejects') },
  { what: 'throwing', breakStore: (store) => store.break('throws') },
  { what: 'slow', breakStore: (store) => void (store.isSlow = true) },
  { what: 'hung', breakStore: (store) => store.break('hangs'), mayEnd: true },
  { what: 'flapping', breakStore: (store) => store.break(everyOther('rejects')) },
  { what: 'flapping, and hung when down', breakStore: (store) => store.break(everyOther('hangs')), mayEnd: true },
  { what: 'corrupt, with garbage', breakStore: (store) => void (store.served = () => 'garbage') },
  { what: 'corrupt, with objects', breakStore: (store) => void (store.served = () => ({ active: true })) },
  {
    what: 'corrupt, with the entries of others',
    breakStore: (store) => void (store.served = (_value, key) => [...store.entries].find(([other]) => other !== key)?.[1]),
  },
  {
    what: 'corrupt, with a bit flipped',
    breakStore: (store) =>
      void (store.served = (value) =>
        typeof value === 'string' ? `${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}` : value),
  },
];
const DOWN = FAULTS.find(({ name }) => name === '500') as Fault;

interface World {
  store: SlowStore;
  application: Application;
  cell: Cell;
}

async function withStore(adapter: Adapter, run: (world: World) => Promise<void>): Promise<void> {
  const store = new SlowStore();
  const application = await startApplication(adapter, certificates.ca, { shared: store, secret: CACHE_SECRET, localTtlMs: 500 });
  const name = { adapter, endpoint: 'introspection', state: 'warm cache', fault: DOWN } as const;
  const cell = await Cell.start(name, application, certificates);
  try {
    await run({ store, application, cell });
  } finally {
    await cell.close();
    await application.close();
  }
}

const counted = { run: 0, passed: 0 };

describe.each(ADAPTERS)('The store of the cache fails (%s)', (adapter) => {
  /** In time, whatever it is; a deadline that is over is a 503 and nothing else. */
  async function statusOf({ application, cell }: World, token: string, mayEnd: boolean): Promise<number> {
    const { answer, elapsedMs } = await application.get(cell.issuer, token);
    expect(elapsedMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
    if (answer.status === 503 && mayEnd) expect503(answer);
    else if (answer.status !== 200) expect401Token(answer);
    return answer.status;
  }

  it.each(CELLS)(
    'IERR-01 ICACHE-09 T43 $what: live answers, and nobody who should not gets in',
    async ({ breakStore, mayEnd }) => {
      counted.run += 1;
      await withStore(adapter, async (world) => {
        const { store, application, cell } = world;
        const isEither = mayEnd ?? false;
        const [warm, revoked] = [cell.opaque(), cell.opaque()];
        for (const token of [warm, revoked]) await cell.expectServed(token, { calls: 1 });
        await eventually(() => expect(store.entries.size).toBeGreaterThanOrEqual(2));

        breakStore(store);
        cell.revoke(revoked);
        const seen: number[] = [];
        for (let round = 0; round < 4; round += 1) {
          application.clock.advanceSeconds(LOCAL_SECONDS);
          for (const token of [warm, cell.opaque()]) seen.push(await statusOf(world, token, isEither));
          expect(await statusOf(world, 'never-issued-token', isEither)).not.toBe(200);
        }
        expect(seen.filter((status) => status !== 200 && !(isEither && status === 503))).toEqual([]);
        expect(seen).toContain(200);

        // The answer of before is too old, and the server has another now.
        application.clock.advanceSeconds(TTL_SECONDS);
        expect(await statusOf(world, revoked, isEither)).not.toBe(200);

        // The server is in trouble as well: what needs it is 503, whatever the store says.
        await cell.break();
        application.clock.advanceSeconds(TTL_SECONDS);
        for (const token of [warm, revoked, cell.opaque()]) await cell.expectUnavailable(token, { calls: [0, 1] });

        await cell.recover();
        Object.assign(store, { isSlow: false, reading: undefined, writing: undefined, served: (value: unknown) => value });
        application.clock.advanceSeconds(TTL_SECONDS);
        await eventually(async () => {
          application.clock.advanceSeconds(2);
          await cell.expectServed(warm);
          application.clock.advanceSeconds(2);
          await cell.expectServed(warm, { calls: 0 });
        });
        expect(await statusOf(world, revoked, false)).toBe(401);
      });
      counted.passed += 1;
    },
  );
});

afterAll(() => process.stdout.write(`faults of the store: ${counted.passed}/${counted.run} cells passed\n`));
