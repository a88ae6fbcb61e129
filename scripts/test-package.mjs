// npm run test:package: the tarball in fresh applications, and the README's code in what `nest new` generates. Needs the registry.
import { seconds } from './test/run.mjs';
import { formatTotals, runVitest } from './test/vitest.mjs';

const started = performance.now();
const totals = await runVitest(['--config', 'vitest.package.config.ts', ...process.argv.slice(2)]);
console.log(`\n${totals.failed === 0 ? '✓' : '✗'} npm run test:package (${seconds(started)})`);
console.log(formatTotals(totals));
process.exitCode = totals.failed === 0 ? 0 : 1;
