import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './pack.js';

/** Fenced code blocks of README.md, in their order. */
export function readmeBlocks(language: string): string[] {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  return [...readme.matchAll(/^```(\w+)[^\n]*\n(.*?)^```$/gms)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] ?? '');
}

/** The README's module and controller: its first TypeScript block that declares a module. */
export function readmeModule(): string {
  const block = readmeBlocks('ts').find((code) => /^export class AppModule\b/m.test(code));
  if (block === undefined) throw new Error('README.md has no ts block that exports AppModule');
  return block;
}

/** The packages that the README's first `npm install` line names. */
export function readmePackages(): string[] {
  const line = readmeBlocks('sh')
    .flatMap((block) => block.split('\n'))
    .find((command) => command.startsWith('npm install '));
  if (line === undefined) throw new Error('README.md has no npm install line');
  return line.replace(/#.*$/, '').trim().split(/\s+/).slice(2);
}
