// What `npm pack` and `npm publish` run first: a fresh build, and the files that npm takes only from the package's own folder.
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const library = new URL('libs/introspection/', root);

// `tsc -b` never deletes the output of a source that is gone.
rmSync(new URL('dist/', library), { recursive: true, force: true });
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '-b', fileURLToPath(library)], { stdio: ['ignore', 'inherit', 'inherit'] });
for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) copyFileSync(new URL(file, root), new URL(file, library));
