import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADAPTERS, type Adapter } from '../support/resource-server.js';
import { startApplication } from './application.js';
import { Cell, tally, type CellName } from './cell.js';
import { flooded, UPSTREAM_TEXT } from './faults.js';
import { planOf } from './plans.js';
import { formatReport } from './report.js';
import { GROUPS, type Group } from './table.js';
import { testCertificates } from './test-certificates.js';

/** So many cells at a time: enough for the waiting ones to wait together, few enough for the others to be in time. */
const AT_A_TIME = 8;
const MEBIBYTE = 1024 ** 2;

const certificates = testCertificates();
const passed = new Set<CellName>();
const started = performance.now();

/** What went wrong in each cell. */
async function run(adapter: Adapter, { endpoint, state, cells }: Group): Promise<Map<CellName, unknown>> {
  const failures = new Map<CellName, unknown>();
  const application = await startApplication(adapter, certificates.ca);
  const all = await Promise.all(
    cells.filter((name) => name.adapter === adapter).map((name) => Cell.start(name, application, certificates)),
  );
  try {
    for (const { advanceSeconds = 0, act } of planOf(endpoint, state)) {
      application.clock.advanceSeconds(advanceSeconds);
      // The endless ones first: they wait while the others work.
      const queue = all.filter(({ name }) => !failures.has(name)).toSorted((a, b) => slowness(b) - slowness(a));
      const work = async (): Promise<void> => {
        for (let cell = queue.shift(); cell !== undefined; cell = queue.shift())
          await act(cell).catch((error: unknown) => void failures.set((cell as Cell).name, error));
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, work));
    }
  } finally {
    await Promise.all(all.map((cell) => cell.close()));
    await application.close();
  }
  expect(application.logs.filter((line) => line.includes(UPSTREAM_TEXT))).toEqual([]);
  expect(JSON.stringify(application.events)).not.toContain(UPSTREAM_TEXT);
  return failures;
}

const slowness = ({ name }: Cell): number => Number(name.fault.isEndless ?? false);

describe.each(GROUPS)('The $endpoint endpoint fails, $state', (group) => {
  let failures: ReadonlyMap<CellName, unknown>;

  beforeAll(async () => {
    const runs = await Promise.all(ADAPTERS.map((adapter) => run(adapter, group)));
    failures = new Map(runs.flatMap((each) => [...each]));
    for (const name of group.cells) if (!failures.has(name)) passed.add(name);
  });

  it.each(group.cells)('IERR-01 IERR-02 CC-11 CC-13 T122 T124 $fault.name ($adapter)', (name) => {
    if (failures.has(name)) throw failures.get(name);
  });
});

describe('The whole matrix', () => {
  afterAll(() => process.stdout.write(formatReport(passed, performance.now() - started)));

  it('IERR-01 let nobody in', () => {
    expect(tally.requests).toBeGreaterThan(GROUPS.length);
    expect(tally.wrongAccepts).toBe(0);
  });

  it('INTRO-10 T8 ended every flood long before its end', () => {
    expect(flooded.length).toBeGreaterThan(GROUPS.length);
    expect(Math.max(...flooded)).toBeLessThan(64 * MEBIBYTE);
  });
});
