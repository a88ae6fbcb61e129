// npm run api: writes the API reports anew, after a change of the public declarations that is meant.
import { runNode } from './test/run.mjs';

process.exitCode = await runNode(
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'vitest.package.config.ts',
    'test/package/package.spec.ts',
    '-t',
    'API report',
  ],
  {
    env: { ...process.env, API_REPORT: 'update' },
  },
);
