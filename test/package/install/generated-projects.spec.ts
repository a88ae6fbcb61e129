import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { repository } from '../support/pack.js';
import { createProject, npmInstall, type Project, type Running, start } from '../support/project.js';
import { readmeModule, readmePackages } from '../support/readme.js';

const tool = (name: string) => join(repository, 'node_modules/.bin', name);
const schematics = createRequire(createRequire(import.meta.url).resolve('@nestjs/cli/package.json')).resolve(
  '@angular-devkit/schematics-cli/bin/schematics.js',
);
const withoutQuestions = ['--skip-git', '--skip-install', '--package-manager', 'npm'];

// Jest cannot load ES modules by itself before Node 24.9. Each is one line of the project's Jest configuration, and stands in the README.
const transformed = `"transformIgnorePatterns": ["/node_modules/(?!(@nestjs|nestjs-introspection|jose)/)"],`;
const asModules = `extensionsToTreatAsEsm: ['.ts'], globals: { 'ts-jest': { useESM: true, tsconfig: { module: 'esnext', isolatedModules: true, experimentalDecorators: true, emitDecoratorMetadata: true } } },`;

interface Generator {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** How the project writes an import of its own files. */
  readonly extension: '' | '.js';
  readonly jest?: { readonly file: string; readonly line: string };
}

const generators: Generator[] = [
  {
    name: 'nest-11',
    command: ['npx', '--yes', '--prefer-offline', '@nestjs/cli@11', 'new', 'app', ...withoutQuestions],
    extension: '',
    jest: { file: 'package.json', line: transformed },
  },
  {
    name: 'nest-12-commonjs',
    // `nest new` asks for the module system and has no option for it; this is what it runs with the answer.
    command: [
      process.execPath,
      schematics,
      '@nestjs/schematics:application',
      '--name=app',
      '--type=cjs',
      '--language=ts',
      '--strict',
      '--package-manager=npm',
    ],
    extension: '',
    jest: { file: 'jest.config.ts', line: asModules },
  },
  {
    name: 'nest-12-esm',
    command: [tool('nest'), 'new', 'app', ...withoutQuestions, '--no-observe'],
    extension: '.js',
  },
];

const spec = (extension: string) => `
import { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { AppModule } from './app.module${extension}';

describe('albums', () => {
  let app: INestApplication;

  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = module.createNestApplication();
    await app.init();
  });
  afterAll(() => app.close());

  it('asks for a token', async () => {
    const response = await request(app.getHttpServer()).get('/albums').expect(401);
    expect(response.headers['www-authenticate']).toBe('Bearer realm="api", scope="read"');
    await request(app.getHttpServer()).get('/albums/health').expect(200, 'ok');
  });
});
`;

describe.each(generators)('a project that nest new generates: $name', ({ name, command, extension, jest }) => {
  let project: Project | undefined;
  let running: Running | undefined;
  afterEach(async () => {
    await running?.stop();
    project?.remove();
  });

  it("builds, starts and answers with the README's module, and a spec passes", async () => {
    const parent = (project = createProject(name));
    const folder = join(parent.folder, 'app');
    const inApp = (program: string, args: readonly string[]) => parent.run(program, args, folder);
    const [program, ...args] = command;
    await parent.run(program, args);
    const packages = readmePackages().map((entry) => (entry === 'nestjs-introspection' ? inject('tarball') : entry));
    await inApp('npm', [...npmInstall, ...packages]);

    writeFileSync(join(folder, 'src/app.module.ts'), readmeModule());
    await inApp('npm', ['run', 'build']);
    const { origin } = (running = await start(folder, 'dist/main.js', { API_SECRET: 'secret' }));
    const health = await fetch(`${origin}/albums/health`);
    expect({ status: health.status, body: await health.text() }).toEqual({ status: 200, body: 'ok' });
    const anonymous = await fetch(`${origin}/albums`);
    expect(anonymous.status).toBe(401);
    expect(anonymous.headers.get('www-authenticate')).toBe('Bearer realm="api", scope="read"');
    // Nobody issues tokens at the README's address, so nobody can say whether this one is good.
    const unknown = await fetch(`${origin}/albums`, { headers: { authorization: 'Bearer opaque' } });
    expect(unknown.status).toBe(503);
    expect(Number(unknown.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);

    writeFileSync(join(folder, 'src/albums.spec.ts'), spec(extension));
    if (jest !== undefined) addLine(join(folder, jest.file), jest.line);
    const output = await parent.run('npm', ['test'], folder, { API_SECRET: 'secret' });
    expect(output).toMatch(/albums\.spec\.ts/);
    expect(output).toMatch(/Tests:?\s+(\d+) passed/);
  });
});

/** Puts the line before the `testEnvironment` of the Jest configuration, where both generators end it. */
function addLine(path: string, line: string): void {
  const before = readFileSync(path, 'utf8');
  const after = before.replace(/^\s*"?testEnvironment"?:/m, (found) => `  ${line}\n${found}`);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
}

it.each([transformed, asModules])('the README shows the line for Jest: %s', (line) => {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  expect(readme.split('\n').some((found) => found.trim() === line)).toBe(true);
});
