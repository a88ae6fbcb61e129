import { readFile, writeFile } from 'node:fs/promises';
import { groupFaults } from './group-faults.mjs';

const PAGE = new URL('../../docs/performance.md', import.meta.url);
const BEGIN = '<!-- figures: written by npm run bench -->';
const END = '<!-- end of figures -->';

/**
 * Writes tables and faults between the markers of the page.
 *
 * @param {{ machine: any, otherLoad?: string, contestants: any[], faults: Record<string, string[]> }} results
 * @param {import('./tables.mjs').Table[]} tables
 * @param {(contestant: any) => number} probeSize
 */
export async function writePage({ machine, otherLoad, contestants, faults }, tables, probeSize) {
  const page = await readFile(PAGE, 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end === -1) throw new Error('docs/performance.md has lost its markers');
  const figures = [machineLine(machine, otherLoad), ...tables.map(formatTable), faultTable(contestants, faults, probeSize)].join(
    '\n\n',
  );
  await writeFile(PAGE, `${page.slice(0, begin + BEGIN.length)}\n\n${figures}\n\n${page.slice(end)}`);
}

function machineLine({ cpu, cores, node, date, versions }, otherLoad) {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const measured = `Measured on ${date.slice(0, 10)} with Node ${node} on ${cores} cores of ${cpu}.`;
  return [measured, otherLoad, `Versions: ${list.join(', ')}.`].filter((text) => text !== undefined).join(' ');
}

function formatTable({ title, columns, rows }) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const rule = `|---|${columns
    .slice(1)
    .map(() => '---:|')
    .join('')}`;
  return [`### ${title}`, '', line(columns), rule, ...rows.map(line)].join('\n');
}

function faultTable(contestants, faults, probeSize) {
  const rows = contestants
    .filter(({ isFloor }) => !isFloor)
    .map((contestant) => {
      const wrong = faults[contestant.id];
      return `| ${contestant.name} | ${wrong.length} of ${probeSize(contestant)} | ${groupFaults(wrong).join('; ') || '–'} |`;
    });
  return [
    '### What the probe found',
    '',
    '| | wrong | what was answered, what the RFCs ask for, and to which requests |',
    '|---|---:|---|',
    ...rows,
  ].join('\n');
}
