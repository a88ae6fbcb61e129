import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../../', import.meta.url));

export interface PackedLibrary {
  /** A temporary folder that holds everything below. */
  readonly folder: string;
  /** The path of the tarball. */
  readonly tarball: string;
  /** Where the tarball has been extracted: its `package/` folder. */
  readonly extracted: string;
  remove(): void;
}

/**
 * Packs the library as a release would, in a copy of the workspace: the workspace's own `dist` stays as it is for the
 * tests that run beside this one.
 */
export function packLibrary(): PackedLibrary {
  const folder = mkdtempSync(join(tmpdir(), 'introspection-package-'));
  const workspace = join(folder, 'workspace');
  const library = join(workspace, 'libs/introspection');
  mkdirSync(library, { recursive: true });
  for (const file of ['tsconfig.base.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'scripts']) {
    cpSync(join(repository, file), join(workspace, file), { recursive: true });
  }
  for (const file of ['package.json', 'tsconfig.json', 'src']) {
    cpSync(join(repository, 'libs/introspection', file), join(library, file), { recursive: true });
  }
  symlinkSync(join(repository, 'node_modules'), join(workspace, 'node_modules'));
  // What the build of a source since deleted leaves behind.
  mkdirSync(join(library, 'dist'));
  writeFileSync(join(library, 'dist/stale.js'), 'export {};\n');

  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: library,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const { name, version } = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8')) as { name: string; version: string };
  const tarball = join(folder, `${name}-${version}.tgz`);
  execFileSync('tar', ['-xzf', tarball, '-C', folder]);
  return { folder, tarball, extracted: join(folder, 'package'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
