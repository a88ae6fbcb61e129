import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ResourceServerOptions } from 'nestjs-introspection/core';
import ts from 'typescript';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const fixtures = `${repository}test/fixtures/authorization-servers/`;

/** A block of options on the page about authorization servers. */
export interface Recipe {
  readonly server: string;
  readonly name: string;
  readonly code: string;
}

/** A token in the shape in which one server sends it. Times are seconds from now. */
export interface RecordedToken {
  readonly name: string;
  readonly opaque?: string;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** What introspection answers about it. */
  readonly answer?: Readonly<Record<string, unknown>>;
  readonly principal?: Readonly<Record<string, unknown>>;
}

export interface RecordedServer {
  /** What the key set says of a key besides its numbers. */
  readonly key: Readonly<Record<string, unknown>>;
  readonly accessTokens: readonly RecordedToken[];
  readonly others: readonly RecordedToken[];
}

/** One recipe for each section that has a block; two blocks in one are a mistake of the page. */
export function readRecipes(): Recipe[] {
  const page = readFileSync(`${repository}docs/authorization-servers.md`, 'utf8');
  return page
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const server = section.split('\n', 1)[0] ?? '';
      const blocks = [...section.matchAll(/^```(?:ts|js)\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
      if (blocks.length > 1) throw new Error(`${server} has ${blocks.length} blocks`);
      return blocks.map((code) => ({ server, code, name: /export const (\w+)/.exec(code)?.[1] ?? '' }));
    });
}

export const recordedServers = (): string[] =>
  readdirSync(fixtures)
    .map((file) => file.replace(/\.json$/, ''))
    .sort();

export const readRecorded = (name: string): RecordedServer =>
  JSON.parse(readFileSync(`${fixtures}${name}.json`, 'utf8')) as RecordedServer;

/** Runs a block as an application would have it in a file of its own. */
export async function evaluate({ name, code }: Recipe): Promise<ResourceServerOptions & Record<string, unknown>> {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  const url = `data:text/javascript,${encodeURIComponent(outputText)}`;
  const module = (await import(/* @vite-ignore */ url)) as Record<string, ResourceServerOptions & Record<string, unknown>>;
  const options = module[name];
  if (!options) throw new Error(`the block exports no ${name}`);
  return options;
}

/** What the compiler says of all blocks in one file. */
export function compile(recipes: readonly Recipe[]): string[] {
  const file = `${repository}test/recipes.virtual.ts`;
  const source = [
    `import type { ResourceServerOptions } from '../libs/introspection/src/core.js';`,
    ...recipes.map(({ code }) => code),
  ].join('\n');
  const config = ts.readConfigFile(`${repository}tsconfig.base.json`, (path) => readFileSync(path, 'utf8'));
  const { options } = ts.convertCompilerOptionsFromJson(
    (config.config as { compilerOptions: unknown }).compilerOptions,
    repository,
  );
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => path === file || fileExists(path);
  host.getSourceFile = (path, target, ...rest) =>
    path === file ? ts.createSourceFile(path, source, target, true) : getSourceFile.call(host, path, target, ...rest);
  const program = ts.createProgram([file], { ...options, noEmit: true }, host);
  return [
    ...program.getSyntacticDiagnostics(program.getSourceFile(file)),
    ...program.getSemanticDiagnostics(program.getSourceFile(file)),
  ].map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
