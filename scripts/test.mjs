// npm test: every check that needs nothing but `npm ci`, and a redis-server, which is installed where it is missing and can be. `npm test -- <filter>` narrows vitest, not the other steps.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureRedis } from './test/redis.mjs';
import { root, runQuietly, seconds } from './test/run.mjs';
import { formatTotals, runVitest } from './test/vitest.mjs';

const started = performance.now();
const steps = [
  ['lint', ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings']],
  ['format', ['node_modules/prettier/bin/prettier.cjs', '--check', '.']],
  // Builds too: apps and package checks run what it emits.
  ['types', ['node_modules/typescript/bin/tsc', '-b']],
  ['rows', ['scripts/rows.mjs']],
];

let failedSteps = 0;
for (const [name, command] of steps) {
  const start = performance.now();
  if (!existsSync(join(root, command[0]))) {
    failedSteps += 1;
    console.log(`✗ ${name}: ${command[0]} is missing`);
    continue;
  }
  const { code, output } = await runQuietly(command);
  if (code === 0) {
    console.log(`✓ ${name} (${seconds(start)})`);
  } else {
    failedSteps += 1;
    console.log(`${output.trimEnd()}\n✗ ${name} failed with ${code} (${seconds(start)})`);
  }
}

ensureRedis();
const tests = await runVitest(process.argv.slice(2));
const totals = { ...tests, failed: tests.failed + failedSteps };
console.log(`\n${totals.failed === 0 ? '✓' : '✗'} npm test (${seconds(started)})`);
console.log(formatTotals(totals));
process.exitCode = totals.failed === 0 ? 0 : 1;
