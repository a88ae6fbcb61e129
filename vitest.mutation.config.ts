import { defineConfig } from 'vitest/config';
import base from './vitest.config.js';

// Every mutant runs the tests that reach it, so only what takes milliseconds is here, and nothing that needs Nest. Not
// mergeConfig: it would add these files to all the others.
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/unit/protocol/**/*.spec.ts', 'test/unit/pipeline/verification/**/*.spec.ts'],
  },
});
