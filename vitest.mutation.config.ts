import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

// Every mutant runs the tests that reach it: those about tokens, answers and parsers, on one adapter (TEST_ADAPTERS).
// What starts processes, waits for deadlines or goes through Nest's own machinery would only make each mutant slower.
export default mergeConfig(
  base,
  defineConfig({
    test: {
      include: [
        'test/unit/protocol/**/*.spec.ts',
        'test/unit/core/**/*.spec.ts',
        'test/differential/*.spec.ts',
        'test/conformance/{hybrid,hybrid-both,required-claims,remembered-signature,issuers,issuers-routing}.spec.ts',
        'test/conformance/{rfc7516,rfc7517,rfc7519,rfc7523,rfc7662,rfc8414,rfc9068,rfc9701}*.spec.ts',
      ],
    },
  }),
);
