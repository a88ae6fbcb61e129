import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { AUDIENCE, type AuthorizationServer, startAuthorizationServer } from '../../support/authorization-server.js';
import { readmePackages } from '../support/readme.js';
import { createProject, npmInstall, type Project, type Running, start } from '../support/project.js';

const applications = [
  { name: 'nest-12-express', major: 12, platform: 'express', module: ts.ModuleKind.ESNext },
  { name: 'nest-12-fastify', major: 12, platform: 'fastify', module: ts.ModuleKind.ESNext },
  { name: 'nest-11-commonjs', major: 11, platform: 'express', module: ts.ModuleKind.CommonJS },
] as const;

const application = (platform: 'express' | 'fastify') => `
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
${platform === 'fastify' ? "import { FastifyAdapter } from '@nestjs/platform-fastify';" : ''}
import { AccessTokenPrincipal, IntrospectionModule, Principal, Scopes } from 'nestjs-introspection';

@Controller('albums')
@Scopes('albums:read')
class AlbumsController {
  @Get() list(@Principal() principal: AccessTokenPrincipal) { return { for: principal.subject }; }
}

@Module({
  imports: [IntrospectionModule.forRoot({
    issuer: process.env.ISSUER!,
    audience: process.env.AUDIENCE!,
    verification: 'remote',
    allowInsecureHttp: true,
    clientAuthentication: { method: 'client_secret_basic', clientId: 'api', clientSecret: 'secret' },
  })],
  controllers: [AlbumsController],
})
class AppModule {}

NestFactory.create(AppModule${platform === 'fastify' ? ', new FastifyAdapter()' : ''}, { logger: ['error', 'warn'] })
  .then((app) => app.listen(process.env.PORT!, '127.0.0.1'));
`;

let authorizationServer: AuthorizationServer;
beforeAll(async () => {
  authorizationServer = await startAuthorizationServer();
});
afterAll(() => authorizationServer?.close());

describe.each(applications)('a fresh application: $name', ({ name, major, platform, module }) => {
  let project: Project | undefined;
  let running: Running | undefined;
  afterEach(async () => {
    await running?.stop();
    project?.remove();
  });

  it('installs the tarball, starts, and answers 401, 200 and 403', async () => {
    project = createProject(name);
    writeFileSync(
      join(project.folder, 'package.json'),
      JSON.stringify({ name, private: true, type: major === 12 ? 'module' : 'commonjs' }),
    );
    const nest = ['common', 'core', `platform-${platform}`].map((part) => `@nestjs/${part}@^${major}`);
    const packages = readmePackages().map((entry) => (entry === 'nestjs-introspection' ? inject('tarball') : entry));
    await project.run('npm', [...npmInstall, ...nest, 'reflect-metadata', 'rxjs', ...packages]);
    const lock = JSON.parse(readFileSync(join(project.folder, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, unknown>;
    };
    expect(Object.keys(lock.packages).filter((path) => path.endsWith('node_modules/@nestjs/core'))).toEqual([
      'node_modules/@nestjs/core',
    ]);
    expect(existsSync(join(project.folder, 'node_modules/nestjs-introspection/dist/index.js'))).toBe(true);

    const { outputText } = ts.transpileModule(application(platform), {
      compilerOptions: { module, target: ts.ScriptTarget.ES2022, experimentalDecorators: true, emitDecoratorMetadata: true },
    });
    writeFileSync(join(project.folder, 'main.js'), outputText);
    const { origin } = (running = await start(project.folder, 'main.js', { ISSUER: authorizationServer.issuer, AUDIENCE }));
    const request = (token?: string) =>
      fetch(`${origin}/albums`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });

    const anonymous = await request();
    expect(anonymous.status).toBe(401);
    expect(anonymous.headers.get('www-authenticate')).toBe('Bearer realm="api", scope="albums:read"');
    const allowed = await request(authorizationServer.token({ sub: 'alice', scope: 'albums:read' }));
    expect({ status: allowed.status, body: await allowed.json() }).toEqual({ status: 200, body: { for: 'alice' } });
    const narrow = await request(authorizationServer.token({ scope: 'other' }));
    expect(narrow.status).toBe(403);
    expect(narrow.headers.get('www-authenticate')).toMatch(/^Bearer .*error="insufficient_scope".*scope="albums:read"/);
  });
});
