// npm run fuzz: requests of any bytes, with their cost. `npm run fuzz -- --requests 1000000 --seed 7` sends others.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { values } = parseArgs({
  options: { requests: { type: 'string', default: '100000' }, seed: { type: 'string', default: '20260101' } },
});
const run = (args, env = process.env) => spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' }).status ?? 1;

// The application that is fuzzed runs what is built.
const built = run(['node_modules/typescript/bin/tsc', '-b', 'libs/introspection']);
if (built !== 0) process.exit(built);
const env = { ...process.env, FUZZ_REQUESTS: values.requests, FUZZ_SEED: values.seed };
process.exitCode = run(['node_modules/vitest/vitest.mjs', 'run', 'test/fuzz', '--disable-console-intercept'], env);
