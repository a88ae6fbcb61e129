import { ADAPTERS } from '../support/resource-server.js';
import { tally, type CellName } from './cell.js';
import { GROUPS, NOT_RUN } from './table.js';

/** The matrix with its counts: cells that passed, of those that ran. */
export function formatReport(passed: ReadonlySet<CellName>, elapsedMs: number): string {
  const counts = (cells: readonly CellName[]): string => `${cells.filter((cell) => passed.has(cell)).length}/${cells.length}`;
  const rows = GROUPS.map(({ endpoint, state, cells }) => {
    const columns = ADAPTERS.map((adapter) => `${adapter} ${counts(cells.filter((cell) => cell.adapter === adapter))}`);
    return `  ${`${endpoint}, ${state}`.padEnd(28)}${columns.map((column) => column.padEnd(16)).join('')}`;
  });
  const reasons = [...new Set(NOT_RUN.map(({ reason }) => reason))];
  return [
    `fault matrix: ${counts(GROUPS.flatMap(({ cells }) => cells))} cells passed, ${NOT_RUN.length} not run; ` +
      `${tally.requests} requests, ${tally.wrongAccepts} wrongly accepted; ${(elapsedMs / 1000).toFixed(1)} s`,
    ...rows,
    ...reasons.map((reason) => {
      const skipped = NOT_RUN.filter((each) => each.reason === reason);
      const names = new Set(skipped.map(({ cell }) => cell.fault.name));
      return `  not run, ${skipped.length}: ${reason} (${[...names].join(', ')})`;
    }),
    '',
  ].join('\n');
}
