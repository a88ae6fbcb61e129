import { defineConfig } from 'vitest/config';

// No alias here: these tests see the packed tarball and nothing of the sources.
export default defineConfig({
  test: {
    include: ['test/package/**/*.spec.ts'],
    globalSetup: ['test/package/support/packed-once.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // The work is in child processes: two at a time, as on the two cores of a CI machine.
    maxWorkers: 2,
    // One line of progress per step, not three.
    disableConsoleIntercept: true,
  },
});
