import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Waiting {
  row: string;
  issue: string;
  why: string;
}

interface Report {
  rows: { id: string; demands: string }[];
  /** How many test titles name a row. */
  named: Record<string, number>;
  pending: Waiting[];
  partly: Waiting[];
}

const ISSUES = ['The verification engine', 'Nothing gets in', 'later'];

const script = fileURLToPath(new URL('../../scripts/rows.mjs', import.meta.url));
const report = readReport();
const ids = report.rows.map(({ id }) => id);

/** A missing row is for `npm run rows` to report; here the exit code does not matter. */
function readReport(): Report {
  try {
    return JSON.parse(execFileSync(process.execPath, [script, '--json'], { encoding: 'utf8' })) as Report;
  } catch (error) {
    return JSON.parse((error as { stdout: string }).stdout) as Report;
  }
}

describe('the list of rows in scope', () => {
  it('has each row once, with what it demands', () => {
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, demands } of report.rows) {
      expect(id).toMatch(/^[A-Z]+-\d{2}$/);
      expect(demands.length, id).toBeGreaterThan(10);
    }
  });

  it('covers the catalogue’s chapters', () => {
    const chapters = new Set(ids.map((id) => id.split('-')[0]));
    const expected = [
      'HTTP',
      'BEARER',
      'INTRO',
      'CAUTH',
      'IRESP',
      'IERR',
      'ICACHE',
      'META',
      'JWK',
      'JWT',
      'AT',
      'HYB',
      'BCP',
      'RES',
      'CC',
      'JINTRO',
      'PKJ',
      'JWE',
    ];
    expect(chapters).toEqual(new Set(expected));
  });
});

describe('the rows that wait', () => {
  it('are in scope, once', () => {
    for (const table of [report.pending, report.partly]) {
      const waiting = table.map(({ row }) => row);
      expect(waiting.length).toBeGreaterThan(0);
      expect(waiting.filter((row) => !ids.includes(row))).toEqual([]);
      expect(new Set(waiting).size).toBe(waiting.length);
    }
  });

  it('have no test of their name', () => {
    expect(report.pending.filter(({ row }) => report.named[row])).toEqual([]);
  });

  it('have a test of their name where they wait only in part', () => {
    expect(report.partly.filter(({ row }) => !report.named[row])).toEqual([]);
  });

  it('name their issue and say why', () => {
    for (const { row, issue, why } of [...report.pending, ...report.partly]) {
      expect(ISSUES, row).toContain(issue);
      expect(why.length, row).toBeGreaterThan(3);
    }
  });
});
