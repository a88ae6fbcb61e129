import { mkdir, writeFile } from 'node:fs/promises';
import { Bench } from './bench.mjs';
import { CONTESTANTS } from './contestants/contestants.mjs';
import { judgeGoals } from './goals.mjs';
import { assertSingleCopies } from './installed-package.mjs';
import { PLANS } from './plan.mjs';
import { casesOf, probeAll } from './probe/probe.mjs';
import { Progress } from './progress.mjs';
import { drawChart } from './report/chart.mjs';
import { describeMachine, describeOtherLoad } from './report/machine.mjs';
import { writePage } from './report/page.mjs';
import { tablesOf } from './report/tables.mjs';
import { formatFaults, formatForTerminal } from './report/terminal.mjs';
import { WORKLOADS } from './workloads/workloads.mjs';

const RESULTS = new URL('./results/', import.meta.url);
const CHART = new URL('../docs/performance.svg', import.meta.url);
const probeSize = (contestant) => casesOf(contestant).length;

/**
 * Measures and reports. Only a complete run, which is not quick either, writes what the documentation shows.
 *
 * @param {{ isQuick: boolean, only?: string[] }} options `only`: ids of workloads
 * @returns {Promise<number>} the exit code
 */
export async function runAll({ isQuick, only }) {
  assertSingleCopies();
  const unknown = only?.filter((id) => !WORKLOADS.some((workload) => workload.id === id)) ?? [];
  if (unknown.length > 0) {
    console.error(`No workload ${unknown.join(', ')}; there are ${WORKLOADS.map(({ id }) => id).join(', ')}`);
    return 1;
  }
  const plan = isQuick ? PLANS.quick : PLANS.full;
  const otherLoad = describeOtherLoad();
  if (otherLoad !== undefined) console.log(otherLoad);
  const results = { otherLoad, ...(await measure(plan, only)) };
  const tables = tablesOf(results);
  console.log(formatFaults(CONTESTANTS, results.faults, probeSize));
  for (const table of tables) console.log(formatForTerminal(table));

  const isPublished = !isQuick && only === undefined;
  await mkdir(RESULTS, { recursive: true });
  const name = isPublished ? 'latest' : 'unpublished';
  await writeFile(new URL(`${name}.json`, RESULTS), `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(isPublished ? CHART : new URL(`${name}.svg`, RESULTS), drawChart(results));
  if (isPublished) await writePage(results, tables, probeSize);
  console.log(`\nWritten to bench/results/${name}.json${isPublished ? ', docs/performance.md and docs/performance.svg' : ''}`);
  return 0;
}

async function measure(plan, only) {
  const progress = new Progress();
  const bench = new Bench(plan, progress);
  const workloads = WORKLOADS.filter(({ id }) => only === undefined || only.includes(id));
  try {
    progress.begin('starting');
    await bench.start(CONTESTANTS);
    progress.begin('probing');
    const faults = await probeAll(bench);
    const figures = {};
    for (const [index, workload] of workloads.entries()) {
      progress.begin(`[${index + 1} of ${workloads.length}] ${workload.title}`);
      figures[workload.id] = await workload.run(bench);
    }
    const machine = describeMachine(CONTESTANTS);
    return { plan, machine, contestants: CONTESTANTS, faults, goals: judgeGoals(figures), figures };
  } finally {
    progress.end();
    bench.stop();
  }
}
