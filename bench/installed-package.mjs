import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const library = join(here, '../libs/introspection');

/** Where a module in this folder finds a package: its own folder first, then those above. */
export function folderOfPackage(name, from = here) {
  const folder = join(from, 'node_modules', name);
  if (existsSync(join(folder, 'package.json'))) return realpathSync(folder);
  const parent = dirname(from);
  if (parent === from) throw new Error(`${name} is not installed`);
  return folderOfPackage(name, parent);
}

export function versionOfPackage(name) {
  return JSON.parse(readFileSync(join(folderOfPackage(name), 'package.json'), 'utf8')).version;
}

/**
 * Two copies of Nest would not know each other's classes, and two of Passport not each other's strategies.
 *
 * @throws {Error} when the library and the other contestants would load different copies
 */
export function assertSingleCopies() {
  for (const name of ['@nestjs/common', '@nestjs/core', '@nestjs/passport', 'passport', 'undici']) {
    if (folderOfPackage(name) !== folderOfPackage(name, library))
      throw new Error(`${name} is installed twice: remove bench/node_modules`);
  }
}
