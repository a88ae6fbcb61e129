import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ADAPTERS } from '../support/resource-server.js';
import { fuzz, type FuzzReport } from './fuzz.js';

/** Set by `npm run fuzz`, which sends more, measures and reports. */
const LONG = process.env['FUZZ_REQUESTS'];
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_101);
const PER_ADAPTER = 2000;

// `npm test` builds before it tests; a lone run on a fresh clone has nothing to start.
describe.runIf(existsSync(new URL('../../libs/introspection/dist/index.js', import.meta.url)))(
  'T52 T82 requests of any bytes',
  () => {
    it(
      'are answered by the rules, and let nobody in by mistake',
      { timeout: LONG === undefined ? 60_000 : 3_600_000 },
      async () => {
        const requests = LONG === undefined ? PER_ADAPTER * ADAPTERS.length : Number(LONG);
        let nextMs = 0;
        const onProgress = (report: FuzzReport): void => {
          if (performance.now() < nextMs) return;
          nextMs = performance.now() + 5000;
          console.log(`  ${report.requests} of ${requests} sent, ${report.reachedGuard} reached the guard`);
        };
        const isLong = LONG !== undefined;
        const report = await fuzz({ adapters: ADAPTERS, requests, seed: SEED, isTimed: isLong, ...(isLong && { onProgress }) });
        if (isLong) console.log(formatReport(report));
        expect(report.crashes).toEqual([]);
        expect(report.unhandled).toEqual([]);
        expect(report.wrongAccepts.slice(0, 5)).toEqual([]);
        expect(report.wrongRefusals.slice(0, 5)).toEqual([]);
        expect(report.faults.slice(0, 5)).toEqual([]);
        expect(report.slow.slice(0, 5)).toEqual([]);
        // What is refused before the guard tests nothing of ours; where nobody gets in, no accept can be wrong.
        expect(report.requests).toBeGreaterThanOrEqual(requests);
        expect(report.reachedGuard).toBeGreaterThan(report.requests / 2);
        expect(report.rightAccepts).toBeGreaterThan(report.requests / 50);
      },
    );
  },
);

function formatReport(report: FuzzReport): string {
  const { requests, reachedGuard, statuses, rightAccepts, slowest } = report;
  const byStatus = [...statuses].toSorted(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  return [
    `requests: ${requests} (seed ${SEED})`,
    `reached the guard: ${reachedGuard} (${((100 * reachedGuard) / requests).toFixed(1)} %)`,
    `answers: ${byStatus.join(', ')}`,
    `good requests let in: ${rightAccepts}, refused: ${report.wrongRefusals.length}`,
    `wrong accepts: ${report.wrongAccepts.length}`,
    `crashes: ${report.crashes.length}, unhandled rejections: ${report.unhandled.length}, faults: ${report.faults.length}`,
    `slow: ${report.slow.length} of ${report.retried} tried again alone; slowest: ${slowest.cpuMs.toFixed(2)} ms of CPU (${slowest.what})`,
  ].join('\n');
}
