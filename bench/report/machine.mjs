import { cpus, loadavg } from 'node:os';
import { versionOfPackage } from '../installed-package.mjs';

const SHARED = [
  'nestjs-introspection',
  '@nestjs/core',
  '@nestjs/passport',
  '@nestjs/platform-express',
  '@nestjs/platform-fastify',
  'undici',
];

/** What others do on this machine, before we begin; undefined while it is quiet. */
export function describeOtherLoad() {
  const [load] = loadavg();
  if (load < cpus().length / 2) return undefined;
  return `This machine is busy (load ${load.toFixed(1)} on ${cpus().length} cores): figures are rougher than on a quiet one.`;
}

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
