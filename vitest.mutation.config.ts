import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

// Every mutant runs the tests that reach it: those about tokens and protocols, on one adapter (TEST_ADAPTERS).
export default mergeConfig(
  base,
  defineConfig({
    test: {
      include: ['test/unit/protocol/**/*.spec.ts', 'test/unit/pipeline/**/*.spec.ts', 'test/conformance/**/*.spec.ts'],
      exclude: ['test/conformance/pending.spec.ts'],
    },
  }),
);
