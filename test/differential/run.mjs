// npm run differential: the differential test with enough tokens to matter. `npm run differential -- 100000` makes more.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const count = process.argv[2] ?? '24000';
const vitest = ['node_modules/vitest/vitest.mjs', 'run', 'test/differential', '--disable-console-intercept'];
const env = { ...process.env, DIFFERENTIAL_TOKENS: count };
process.exitCode = spawnSync(process.execPath, vitest, { cwd: root, env, stdio: 'inherit' }).status ?? 1;
