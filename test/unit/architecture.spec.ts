import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const source = 'libs/introspection/src';

const listSources = (): string[] =>
  readdirSync(join(repository, source), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .toSorted();
const readSource = (path: string) => readFileSync(join(repository, source, path), 'utf8');

/** Every module that a file names: static and dynamic imports, re-exports and `import('…')` types. */
function namedModules(path: string, code: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      if (node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) names.push(node.moduleSpecifier.text);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      names.push(node.argument.literal.text);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [name] = node.arguments;
      names.push(name && ts.isStringLiteralLike(name) ? name.text : '(computed)');
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, code, ts.ScriptTarget.Latest));
  return names;
}

const layers: Record<string, { below: RegExp; packages: RegExp }> = {
  protocol: { below: /^protocol\//, packages: /^$/ },
  pipeline: { below: /^(protocol|pipeline)\//, packages: /^(jose|undici|lru-cache|node:.+)$/ },
  nest: {
    below: /^(protocol|pipeline|nest)\//,
    packages: /^(@nestjs\/.+|passport|passport-http-bearer|rxjs|reflect-metadata|node:.+)$/,
  },
};

/** The imports of a file that its layer may not have. What oxlint's rule does not see, an `import('…')` type, is seen here. */
function forbiddenImports(path: string, code: string): string[] {
  const layer = layers[path.split('/')[0] ?? ''];
  if (layer === undefined) return [];
  return namedModules(path, code).filter((name) =>
    name.startsWith('.') ? !layer.below.test(posix.join(dirname(path), name)) : !layer.packages.test(name),
  );
}

const stations = ['extract', 'issuer', 'verification', 'cache', 'policy', 'principal'];
const stationOf = (path: string) => stations.find((station) => path.startsWith(`pipeline/${station}/`));

/** The stations that a station's file imports. The principal is what `policy` judges, so everyone may know it. */
function foreignStations(path: string, code: string): string[] {
  const own = stationOf(path);
  if (own === undefined) return [];
  return namedModules(path, code).filter((name) => {
    const station = name.startsWith('.') ? stationOf(posix.join(dirname(path), name)) : undefined;
    return station !== undefined && station !== own && station !== 'principal';
  });
}

/** Where oxlint sees the offence, its rule. */
const offences: [title: string, path: string, code: string, rule: string | undefined][] = [
  [
    'protocol imports Nest',
    'protocol/a.ts',
    `import { Injectable } from '@nestjs/common';\nexport const a = Injectable;`,
    'no-restricted-imports',
  ],
  [
    'protocol imports a type of Nest',
    'protocol/b.ts',
    `import type { Type } from '@nestjs/common';\nexport type B = Type;`,
    'no-restricted-imports',
  ],
  ['protocol re-exports Nest', 'protocol/c.ts', `export { Injectable } from '@nestjs/common';`, 'no-restricted-imports'],
  ['protocol imports Nest for its side effects', 'protocol/d.ts', `import '@nestjs/common';`, 'no-restricted-imports'],
  ['protocol loads Nest', 'protocol/e.ts', `export const e = () => import('@nestjs/common');`, 'no-restricted-imports'],
  [
    'protocol imports node:fs',
    'protocol/f.ts',
    `import { readFileSync } from 'node:fs';\nexport const f = readFileSync;`,
    'no-restricted-imports',
  ],
  [
    'protocol imports fs',
    'protocol/g.ts',
    `import { readFileSync } from 'fs';\nexport const g = readFileSync;`,
    'prefer-node-protocol',
  ],
  [
    'protocol imports jose',
    'protocol/h.ts',
    `import { jwtVerify } from 'jose';\nexport const h = jwtVerify;`,
    'no-restricted-imports',
  ],
  [
    'protocol imports the pipeline',
    'protocol/i.ts',
    `import { x } from '../pipeline/x.js';\nexport const i = x;`,
    'no-restricted-imports',
  ],
  [
    'pipeline imports Nest',
    'pipeline/j.ts',
    `import { Injectable } from '@nestjs/common';\nexport const j = Injectable;`,
    'no-restricted-imports',
  ],
  ['pipeline imports nest/', 'pipeline/k.ts', `import { x } from '../nest/x.js';\nexport const k = x;`, 'no-restricted-imports'],
  [
    'a station imports nest/',
    'pipeline/extract/l.ts',
    `import type { X } from '../../nest/x.js';\nexport type L = X;`,
    'no-restricted-imports',
  ],
  [
    'pipeline imports fs',
    'pipeline/m.ts',
    `import { readFileSync } from 'fs';\nexport const m = readFileSync;`,
    'prefer-node-protocol',
  ],
  ['nest imports jose', 'nest/n.ts', `import { jwtVerify } from 'jose';\nexport const n = jwtVerify;`, 'no-restricted-imports'],
  [
    'nest imports an integration',
    'nest/o.ts',
    `import { x } from '../integrations/cli/index.js';\nexport const o = x;`,
    'no-restricted-imports',
  ],
  ['protocol names a type of Nest', 'protocol/p.ts', `export type P = import('@nestjs/common').Type;`, undefined],
  ['pipeline names a type of nest/', 'pipeline/q.ts', `export type Q = import('../nest/x.js').X;`, undefined],
];
const clean: [path: string, code: string][] = [
  ['protocol/clean.ts', `import { x } from './x.js';\nexport const clean = x;`],
  ['protocol/x.ts', `export const x = 1;`],
  [
    'pipeline/clean.ts',
    `import { createHash } from 'node:crypto';\nimport { jwtVerify } from 'jose';\nimport { x } from '../protocol/x.js';\nexport const clean = [createHash, jwtVerify, x];`,
  ],
  [
    'nest/clean.ts',
    `import { Injectable } from '@nestjs/common';\nimport { clean } from '../pipeline/clean.js';\nexport const nestClean = [Injectable, clean];`,
  ],
];

const folders: string[] = [];

/** Runs oxlint, as the repository configures it, on a copy of its layout; resolves with the rules broken by file. */
function lint(files: readonly (readonly [path: string, code: string])[]): {
  status: number | null;
  rules: Map<string, string[]>;
} {
  const folder = mkdtempSync(join(tmpdir(), 'introspection-lint-'));
  folders.push(folder);
  copyFileSync(join(repository, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  for (const [path, code] of files) {
    mkdirSync(dirname(join(folder, source, path)), { recursive: true });
    writeFileSync(join(folder, source, path), `${code}\n`);
  }
  const oxlint = join(repository, 'node_modules/oxlint/bin/oxlint');
  const { status, stdout, stderr } = spawnSync(process.execPath, [oxlint, '--deny-warnings', '--format', 'json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (!stdout.startsWith('{')) throw new Error(`oxlint did not report: ${stdout}${stderr}`);
  const rules = new Map<string, string[]>();
  for (const { code, filename } of (JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] }).diagnostics) {
    const path = filename.slice(filename.indexOf(source) + source.length + 1);
    rules.set(path, [...(rules.get(path) ?? []), code]);
  }
  return { status, rules };
}

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

describe('imports point one way', () => {
  let linted: ReturnType<typeof lint>;
  beforeAll(() => {
    linted = lint([...offences.map(([, path, code]) => [path, code] as const), ...clean]);
  });

  it.each(offences.filter(([, , , rule]) => rule !== undefined))('oxlint refuses: %s', (_title, path, _code, rule) => {
    expect(linted.status).not.toBe(0);
    expect(linted.rules.get(path)?.join()).toContain(rule);
  });

  it.each(offences)('the check of all named modules refuses: %s', (_title, path, code) => {
    expect(forbiddenImports(path, code)).toHaveLength(1);
  });

  it('oxlint and the check accept what the layers allow', () => {
    const { status, rules } = lint(clean);
    expect({ status, rules: [...rules] }).toEqual({ status: 0, rules: [] });
    expect(clean.flatMap(([path, code]) => forbiddenImports(path, code))).toEqual([]);
  });

  it('holds in every file of the library', () => {
    const sources = listSources();
    for (const layer of Object.keys(layers))
      expect(sources.filter((path) => path.startsWith(`${layer}/`)).length).toBeGreaterThan(3);
    expect(sources.flatMap((path) => forbiddenImports(path, readSource(path)).map((name) => `${path}: ${name}`))).toEqual([]);
  });
});

describe('the stations of the pipeline', () => {
  it('do not know each other', () => {
    const planted = `import { a } from './a.js';\nimport type { B } from '../policy/b.js';\nimport { c } from '../deadline.js';`;
    expect(foreignStations('pipeline/verification/x.ts', planted)).toEqual(['../policy/b.js']);
    expect(listSources().flatMap((path) => foreignStations(path, readSource(path)).map((name) => `${path}: ${name}`))).toEqual(
      [],
    );
  });
});

const isCommandLine = (path: string) => path.startsWith('integrations/cli/');
const isClock = (path: string) => /(^|\/)[^/]*clock[^/]*$/.test(path);
const bans: [what: string, pattern: RegExp, allowed: (path: string) => boolean, planted: string][] = [
  ['the console', /\bconsole\s*\./, isCommandLine, `console.log(1)`],
  ['the environment', /\bprocess\s*\.\s*env\b/, isCommandLine, `process.env.X`],
  ['the wall clock', /\bDate\s*\.\s*now\b|\bnew Date\(\s*\)|\bperformance\s*\.\s*now\b/, isClock, `performance.now()`],
  ['suppressed types', /@ts-(ignore|nocheck|expect-error)/, () => false, `// @ts-ignore`],
];

/** Without comments, except for the directives that live in them; strings stay, as code may stand in templates. */
const withoutComments = (code: string) =>
  code.replace(/\/\*.*?\*\/|(?<=^|\s)\/\/[^\n]*/gs, (comment) => (comment.includes('@ts-') ? comment : ''));

function usesAny(path: string, code: string): boolean {
  const visit = (node: ts.Node): boolean =>
    node.kind === ts.SyntaxKind.AnyKeyword || ts.forEachChild(node, (child) => visit(child) || undefined) === true;
  return visit(ts.createSourceFile(path, code, ts.ScriptTarget.Latest));
}

describe('the library', () => {
  it.each(bans)('does without %s', (_what, pattern, allowed, planted) => {
    expect(withoutComments(planted)).toMatch(pattern);
    const offenders = listSources().filter((path) => !allowed(path) && pattern.test(withoutComments(readSource(path))));
    expect(offenders).toEqual([]);
  });

  it('does without any', () => {
    expect(usesAny('planted.ts', 'export const many = (x: unknown) => x as any;')).toBe(true);
    expect(usesAny('planted.ts', '// any\nexport const any = { any: "any" };')).toBe(false);
    expect(listSources().filter((path) => usesAny(path, readSource(path)))).toEqual([]);
  });

  it('has no file of more than 300 lines', () => {
    const long = listSources().filter((path) => readSource(path).trimEnd().split('\n').length > 300);
    expect(long).toEqual([]);
  });
});

describe('the workspace', () => {
  const lock = readFileSync(join(repository, 'package-lock.json'), 'utf8');
  const installed = Object.keys((JSON.parse(lock) as { packages: Record<string, unknown> }).packages);

  // A second one breaks dependency injection: its Reflector is another class.
  it.each(['@nestjs/common', '@nestjs/core', '@nestjs/passport', 'passport'])('has one copy of %s', (name) => {
    expect(installed.filter((path) => path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`))).toEqual([
      `node_modules/${name}`,
    ]);
    const workspaces = ['libs/introspection', 'apps/sample', 'apps/authorization-server'];
    expect(workspaces.filter((workspace) => existsSync(join(repository, workspace, 'node_modules', name)))).toEqual([]);
  });

  it('locks no registry host', () => {
    expect(lock).not.toContain('"resolved": "http');
  });

  // Newer ones could not be installed from a lock file on every platform.
  it('pins the linters exactly', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    expect(devDependencies).toMatchObject({ oxlint: '1.89.0', 'oxlint-tsgolint': '7.0.2004' });
  });
});
