import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import base from './vitest.config.js';

/** A mutant is dead with the first test that fails: those that need no connection are tried before the others. */
class CheapFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const cost = ({ moduleId }: TestSpecification): number =>
      moduleId.includes('/protocol/') ? 0 : /verify-|client|remote|mutual/.test(moduleId) ? 2 : 1;
    return Promise.resolve(files.toSorted((left, right) => cost(left) - cost(right)));
  }
}

// Every mutant runs the tests that reach it, so only what takes milliseconds is here, and nothing that needs Nest. Not
// mergeConfig: it would add these files to all the others.
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/unit/protocol/**/*.spec.ts', 'test/unit/pipeline/verification/**/*.spec.ts'],
    sequence: { sequencer: CheapFirst },
  },
});
