import { Controller, Get, Module, type INestApplication, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { IntrospectionModule } from 'nestjs-introspection';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../../support/authorization-server.js';
import { ADAPTERS, defaultOptions } from '../../support/resource-server.js';
import { send } from '../../support/raw-http.js';

let as: AuthorizationServer;
beforeEach(async () => {
  as = await startAuthorizationServer();
});
afterEach(() => as.close());

/** Plain JavaScript on the built package, as nothing here may keep a process alive but the library. */
const PROGRAM = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IntrospectionModule, IntrospectionService } from 'nestjs-introspection';
import { createResourceServer } from 'nestjs-introspection/core';
const [issuer, how] = process.argv.slice(1);
const options = {
  issuer, audience: 'https://rs.example.com', allowInsecureHttp: true, verification: 'hybrid',
  clientAuthentication: { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 's' },
};
if (how === 'core') {
  const server = createResourceServer(options);
  await server.introspect('opaque-token');
  await server.close();
} else {
  class App {}
  Module({ imports: [IntrospectionModule.forRoot(options)] })(App);
  const app = await NestFactory.create(App, { logger: false, abortOnError: false });
  await app.listen(0, '127.0.0.1');
  if (how === 'used') await app.get(IntrospectionService).introspect('opaque-token');
  await app.close();
}
console.log('closed');
`;

function run(how: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, as.issuer, how], { timeout: 15_000 });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('close', (code) => resolve({ code, output }));
  });
}

// `npm test` builds before it tests; a lone run on a fresh clone has nothing to start.
describe.runIf(existsSync(new URL('../../../libs/introspection/dist/index.js', import.meta.url)))('a process', () => {
  it.each(['core', 'used', 'unused'])('ends by itself after close() (%s)', async (how) => {
    expect(await run(how)).toMatchObject({ code: 0, output: expect.stringContaining('closed') });
  });

  it('ends by itself while the authorization server does not answer', async () => {
    as.replace('metadata', () => undefined);
    as.replace('openidConfiguration', () => undefined);
    expect(await run('unused')).toMatchObject({ code: 0, output: expect.stringContaining('closed') });
  });
});

describe.each(ADAPTERS)('app.close() (%s)', (adapter) => {
  it('lets a request in flight end with its verdict', async () => {
    let noteDestroyed = (): void => undefined;
    const destroyed = new Promise<void>((resolve) => (noteDestroyed = resolve));
    @Controller()
    class SlowController implements OnModuleDestroy {
      @Get('any') any(): string {
        return 'handled';
      }
      onModuleDestroy(): void {
        noteDestroyed();
      }
    }
    @Module({ imports: [IntrospectionModule.forRoot(defaultOptions(as))], controllers: [SlowController] })
    class ApplicationModule {}
    // Connections are not forced to close here, as that would cut the very request that this is about.
    const platform = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
    const app: INestApplication = await NestFactory.create(ApplicationModule, platform, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    const token = as.token();
    const asked = new Promise<() => void>((resolve) => {
      const body = JSON.stringify({ active: true, ...as.claims() });
      as.answer(token, (_request, response) =>
        resolve(() => response.writeHead(200, { 'content-type': 'application/json' }).end(body)),
      );
    });
    const { port } = app.getHttpServer().address() as AddressInfo;
    const answer = send(port, { path: '/any', headers: [['Authorization', `Bearer ${token}`]] });
    const release = await asked;
    const closing = app.close();
    await destroyed;
    release();
    expect(await answer).toMatchObject({ status: 200, body: 'handled' });
    await closing;
  });
});
