import { cpus } from 'node:os';
import { versionOfPackage } from '../installed-package.mjs';

const SHARED = [
  'nestjs-introspection',
  '@nestjs/core',
  '@nestjs/passport',
  '@nestjs/platform-express',
  '@nestjs/platform-fastify',
  'undici',
];

/** What the figures depend on. */
export function describeMachine(contestants) {
  const packages = [...SHARED, ...contestants.flatMap((contestant) => contestant.packages ?? [])];
  return {
    cpu: cpus()[0].model,
    cores: cpus().length,
    node: process.versions.node,
    date: new Date().toISOString(),
    versions: Object.fromEntries(packages.map((name) => [name, versionOfPackage(name)])),
  };
}
