import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runNode } from './run.mjs';

/** Runs vitest and counts what its JSON report says; a run that proves nothing counts as a failure. */
export async function runVitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'introspection-report-'));
  const report = join(folder, 'report.json');
  try {
    const code = await runNode([
      'node_modules/vitest/vitest.mjs',
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...args,
    ]);
    return countReport(readReport(report), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** `report` is vitest's JSON report, `code` the exit code of the run that wrote it. */
export function countReport(report, code) {
  const tests = report?.testResults?.flatMap((file) => file.assertionResults ?? []);
  if (tests === undefined) return failure('vitest left no readable report');
  const count = (...statuses) => tests.filter((test) => statuses.includes(test.status)).length;
  const passed = count('passed');
  // A file that cannot be loaded, or whose hook throws, has failed although none of its tests did.
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = count('failed') + brokenFiles;
  const skipped = tests.length - passed - count('failed');
  if (passed + failed === 0) return failure('vitest ran no test');
  if (code !== 0 && failed === 0) return { ...failure(`vitest exited with ${code} although no test failed`), passed, skipped };
  return { passed, failed, skipped };
}

function failure(reason) {
  console.error(`✗ ${reason}`);
  return { passed: 0, failed: 1, skipped: 0 };
}

/** The totals line, read by CI: keep its form. */
export function formatTotals({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
