// npm run bench [-- --quick] [-- --only=hotJwt,stampede]: installs what is missing, builds the library, measures, reports.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const bench = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } } });

if (!existsSync(`${root}node_modules`)) fail('Run npm ci first.');
if (!existsSync(`${bench}node_modules`)) {
  console.log('Installing what is compared (npm ci in bench)');
  npm(['ci'], bench);
}
npm(['run', 'build', '--silent'], root);

// Only now, as this loads what was just installed and built.
const { runAll } = await import('./run-all.mjs');
process.exitCode = await runAll({ isQuick: options.quick, only: options.only?.split(',') });

function npm(args, cwd) {
  const { status } = spawnSync('npm', args, { cwd, stdio: 'inherit' });
  if (status !== 0) fail(`npm ${args.join(' ')} failed.`);
}

function fail(text) {
  console.error(text);
  process.exit(1);
}
