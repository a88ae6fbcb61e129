import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repository } from './pack.js';

/**
 * A project that has the packed library and exactly these packages in its node_modules, without a registry: the others
 * are links to the workspace's. The library itself is a real folder, so that it finds nothing but what lies beside it.
 */
export function createConsumer(folder: string, packages: readonly string[]): string {
  for (const name of packages) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(repository, 'node_modules', name), link);
  }
  return folder;
}
