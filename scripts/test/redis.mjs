import { spawnSync } from 'node:child_process';

/** Long enough for a slow mirror, short enough for a run that must not hang. */
const STEP_MS = 120_000;

const works = (command, args) => spawnSync(command, args, { stdio: 'ignore', timeout: STEP_MS }).status === 0;

export const hasRedis = () => works('redis-server', ['--version']);

/**
 * Sees to it that there is a `redis-server` for the tests of the shared store. Where that is impossible they are
 * skipped, and say why in their titles.
 */
export function ensureRedis() {
  if (hasRedis()) return;
  const reason = install();
  console.log(reason === undefined ? '✓ redis-server installed' : `! no redis-server (${reason}): its tests are skipped`);
}

/** Why it is not there afterwards, if it is not. */
function install() {
  if (process.getuid?.() !== 0) return 'not root: install the package redis-server';
  if (!works('apt-get', ['--version'])) return 'no apt-get: install redis';
  const options = ['-o', 'DPkg::Lock::Timeout=60', '-y', '--no-install-recommends'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const run = (args) => spawnSync('apt-get', args, { stdio: 'ignore', timeout: STEP_MS, env }).status === 0;
  // The lists of a fresh image are empty, those of an old one stale: they are fetched only where the package needs it.
  if (!run(['install', ...options, 'redis-server'])) {
    run(['update', '-o', 'DPkg::Lock::Timeout=60']);
    run(['install', ...options, 'redis-server']);
  }
  return hasRedis() ? undefined : 'apt-get install redis-server failed';
}
