import { groupFaults } from './group-faults.mjs';

/** @param {import('./tables.mjs').Table} table */
export function formatForTerminal({ title, columns, rows }) {
  const lines = [columns, ...rows];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const format = (line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd();
  return [`\n${title}`, format(columns), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(format)].join('\n');
}

/** What each contestant gets wrong. */
export function formatFaults(contestants, faults, probeSize) {
  const lines = contestants
    .filter(({ isFloor }) => !isFloor)
    .map((contestant) => {
      const wrong = faults[contestant.id];
      return `${contestant.name}: ${wrong.length} of ${probeSize(contestant)} wrong${groupFaults(wrong)
        .map((fault) => `\n    ${fault}`)
        .join('')}`;
    });
  return ['\nThe probe', ...lines].join('\n');
}
