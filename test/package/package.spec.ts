import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareApiReport } from './support/api-report.js';
import { createConsumer } from './support/consumer.js';
import { packLibrary, type PackedLibrary, repository } from './support/pack.js';

interface Manifest {
  name: string;
  exports: Record<string, string | { types: string; default: string }>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional?: boolean }>;
}

const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;
const manifest = readJson<Manifest>(join(repository, 'libs/introspection/package.json'));
const entries = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
  typeof target === 'string' ? [] : [{ subpath, ...target }],
);
const specifier = (subpath: string) => manifest.name + subpath.slice(1);
const specifiers = Object.keys(manifest.exports).map(specifier);
const dependencies = Object.keys(manifest.dependencies);
const peers = Object.keys(manifest.peerDependencies);

let packed: PackedLibrary;
/** A project with every peer, and one with none. */
let nest: string;
let bare: string;
/** The package outside any node_modules: what lies in one counts as external to the API reports. */
let reviewed: string;

const createProject = (name: string, packages: string[]) => {
  const folder = join(packed.folder, name);
  cpSync(packed.extracted, join(folder, 'node_modules', manifest.name), { recursive: true });
  return createConsumer(folder, packages);
};

const runIn = (folder: string, code: string) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};

beforeAll(() => {
  packed = packLibrary();
  nest = createProject('nest', [...dependencies, ...peers, '@types/node']);
  bare = createProject('bare', dependencies);
  reviewed = join(createConsumer(join(packed.folder, 'reviewed'), [...dependencies, ...peers, '@types/node']), 'package');
  cpSync(packed.extracted, reviewed, { recursive: true });
});

afterAll(() => packed?.remove());

const packedFiles = () =>
  readdirSync(packed.extracted, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(packed.extracted.length + 1))
    .toSorted();

describe('the tarball', () => {
  it('holds the README, the LICENSE and the CHANGELOG of the repository', () => {
    for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) {
      expect(readFileSync(join(packed.extracted, file), 'utf8'), file).toBe(readFileSync(join(repository, file), 'utf8'));
    }
  });

  it('holds the sources and what was built from them, and nothing else', () => {
    const files = packedFiles();
    const sources = files.filter((file) => file.startsWith('src/'));
    expect(sources.length).toBeGreaterThan(10);
    const outputs = sources
      .map((file) => file.replace(/^src\//, 'dist/').replace(/\.ts$/, ''))
      .flatMap((file) => (file.endsWith('.d') ? [] : [`${file}.d.ts`, `${file}.d.ts.map`, `${file}.js`, `${file}.js.map`]));
    expect(files).toEqual([...sources, ...outputs, 'CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'].toSorted());
    expect(sources.filter((file) => /\.(spec|test)\./.test(file))).toEqual([]);
  });

  it('is what publint accepts', async () => {
    const { messages } = await publint({ pkgDir: join(nest, 'node_modules', manifest.name), pack: false, strict: true });
    const published = readJson<Record<string, unknown>>(join(packed.extracted, 'package.json'));
    expect(messages.map((message) => formatMessage(message, published, { color: false }))).toEqual([]);
  });

  it.each([
    ['esm-only', ['--profile', 'esm-only']],
    ['also moduleResolution node10', ['--ignore-rules', 'cjs-resolves-to-esm']],
  ])('is what attw accepts: %s', (_profile, options) => {
    const attw = join(repository, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [attw, packed.tarball, '--format', 'ascii', '--no-color', ...options],
      { encoding: 'utf8' },
    );
    expect(status, stdout + stderr).toBe(0);
    for (const { subpath } of entries) expect(stdout).toContain(`"${specifier(subpath)}"`);
  });
});

describe('its exports', () => {
  it('name every entry point that typesVersions names, and the other way round', () => {
    const { typesVersions } = readJson<{ typesVersions: Record<string, Record<string, string[]>> }>(
      join(packed.extracted, 'package.json'),
    );
    const versioned = Object.entries(typesVersions['*'] ?? {}).map(([name, [types]]) => [`./${name}`, types]);
    expect(versioned).toEqual(entries.filter(({ subpath }) => subpath !== '.').map(({ subpath, types }) => [subpath, types]));
  });

  it.each(specifiers)('%s resolves for import', (name) => {
    const attributes = name.endsWith('.json') ? `, { with: { type: 'json' } }` : '';
    const { status, stdout, stderr } = runIn(nest, `console.log(Object.keys(await import('${name}'${attributes})).length > 0);`);
    expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'true\n' });
  });

  // `require()` refuses a module graph with a top-level await (ERR_REQUIRE_ASYNC_MODULE): this is the check for that, too.
  it.each(specifiers)('%s resolves for require(), so it has no top-level await', (name) => {
    const code = `import { createRequire } from 'node:module'; console.log(Object.keys(createRequire(import.meta.url)('${name}')).length > 0);`;
    const { status, stdout, stderr } = runIn(nest, code.replace('import.meta.url', JSON.stringify(join(nest, 'main.cjs'))));
    expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'true\n' });
  });

  const { ESNext, NodeNext, CommonJS } = ts.ModuleKind;
  it.each([
    ['an ES module, nodenext', 'main.mts', NodeNext, ts.ModuleResolutionKind.NodeNext],
    ['a CommonJS module, nodenext', 'main.cts', NodeNext, ts.ModuleResolutionKind.NodeNext],
    ['bundler', 'main.ts', ESNext, ts.ModuleResolutionKind.Bundler],
    ['node10', 'main.ts', CommonJS, ts.ModuleResolutionKind.Node10],
  ])('resolve for types: %s', (_title, file, module, moduleResolution) => {
    const path = join(nest, file);
    const code = entries
      .map(({ subpath }, i) => `import * as entry${i} from '${specifier(subpath)}';\nexport const keys${i}: never = entry${i};`)
      .join('\n');
    const options: ts.CompilerOptions = {
      module,
      moduleResolution,
      target: ts.ScriptTarget.ES2023,
      lib: ['lib.es2023.d.ts'],
      strict: true,
      noEmit: true,
      types: ['node'],
      esModuleInterop: true,
      // Deprecated, and still what older projects have.
      ignoreDeprecations: '6.0',
    };
    const host = ts.createCompilerHost(options);
    const { getSourceFile, fileExists, readFile } = host;
    host.fileExists = (name) => name === path || fileExists.call(host, name);
    host.readFile = (name) => (name === path ? code : readFile.call(host, name));
    host.getSourceFile = (name, version, ...rest) =>
      name === path ? ts.createSourceFile(name, code, version) : getSourceFile.call(host, name, version, ...rest);
    host.getCurrentDirectory = () => nest;
    const program = ts.createProgram([path], options, host);
    // Errors in the peers' own declarations are theirs: @nestjs/passport needs @types/passport for its.
    const ours = ts
      .getPreEmitDiagnostics(program)
      .filter(({ file: where }) => where === undefined || where.fileName.startsWith(packed.folder));
    const found = ours.map(({ code: number, file: where, messageText }) => ({
      number,
      where: where?.fileName,
      text: ts.flattenDiagnosticMessageText(messageText, '\n').slice(0, 200),
    }));
    // A namespace is not `never`: one such error per entry says that its types were found, and are not `any`.
    expect(
      found.map(({ number }) => number),
      JSON.stringify(found, undefined, 2),
    ).toEqual(entries.map(() => 2322));
  });
});

describe('its optional peers', () => {
  it('are all optional', () => {
    expect(peers.filter((peer) => manifest.peerDependenciesMeta[peer]?.optional !== true)).toEqual([]);
  });

  it('are not needed by ./core', () => {
    const { status, stdout, stderr } = runIn(
      bare,
      `console.log(typeof (await import('${manifest.name}/core')).createResourceServer);`,
    );
    expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'function\n' });
  });

  it('are missing where ./core is tried: the main entry point does not load there', () => {
    const { status, stderr } = runIn(bare, `await import('${manifest.name}');`);
    expect(status).toBe(1);
    expect(stderr).toContain('ERR_MODULE_NOT_FOUND');
    expect(stderr).toMatch(/Cannot find package '(@nestjs\/|passport|rxjs)/);
  });
});

describe('its declarations', () => {
  it('keep the docstrings', () => {
    const program = ts.createProgram(
      entries.map(({ types }) => join(nest, 'node_modules', manifest.name, types)),
      {
        module: ts.ModuleKind.NodeNext,
        moduleResolution: ts.ModuleResolutionKind.NodeNext,
        noEmit: true,
        types: [],
        skipLibCheck: true,
      },
    );
    const checker = program.getTypeChecker();
    const silent = entries.flatMap(({ subpath, types }) => {
      const source = program.getSourceFile(join(nest, 'node_modules', manifest.name, types));
      const symbol = source && checker.getSymbolAtLocation(source);
      const exported = symbol ? checker.getExportsOfModule(symbol) : [];
      expect(exported.length, subpath).toBeGreaterThan(5);
      return exported
        .map((entry) => (entry.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(entry) : entry))
        .filter((entry) => entry.getDocumentationComment(checker).length === 0)
        .map((entry) => `${subpath}: ${entry.name}`);
    });
    expect(silent).toEqual([]);
  });

  it.each(entries)('of $subpath are those of the committed API report', ({ subpath, types }) => {
    const name = subpath === '.' ? 'index' : subpath.slice(2);
    const { changed, report } = compareApiReport({ project: reviewed, types, name });
    expect(changed, `the public API changed; when that is meant, run \`npm run api\` and commit:\n${report}`).toBe(false);
  });
});
