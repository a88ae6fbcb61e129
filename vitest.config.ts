import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`./libs/introspection/src/${path}`, import.meta.url));

export default defineConfig({
  // Tests import the package by its name, as users do, but from its sources: one copy of every class, and coverage.
  resolve: {
    alias: [
      { find: /^nestjs-introspection$/, replacement: source('index.ts') },
      { find: /^nestjs-introspection\/core$/, replacement: source('core.ts') },
      { find: /^nestjs-introspection\/(\w+)$/, replacement: source('integrations/$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.spec.ts'],
    exclude: ['test/package/**', '**/node_modules/**'],
    // One for each of the two cores that the time limit of npm test is meant for.
    maxWorkers: 2,
    // Loading Nest anew for each of some hundred files takes as long as the tests. Nothing here lives at module level.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    coverage: { provider: 'v8', include: ['libs/introspection/src/**/*.ts'] },
  },
});
