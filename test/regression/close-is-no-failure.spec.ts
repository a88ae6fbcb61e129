import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type IntrospectionEvent, IntrospectionModule } from 'nestjs-introspection';
import { expect, it } from 'vitest';

it('closing an application while its metadata is being fetched is reported as nobody’s failure', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const asked = once(silent, 'connection');
  const events: IntrospectionEvent[] = [];
  const lines: string[] = [];
  const log = (line: unknown) => lines.push(String(line));

  @Module({
    imports: [
      IntrospectionModule.forRoot({
        issuer: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
        audience: 'https://rs.example.com',
        verification: 'local',
        allowInsecureHttp: true,
        onEvent: (event) => events.push(event),
      }),
    ],
  })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: { log: () => {}, warn: log, error: log, fatal: log } });
  await app.init();
  const [socket] = (await asked) as [import('node:net').Socket];
  await app.close();
  await once(socket, 'close').catch(() => {});
  silent.close();
  expect(lines).toEqual([]);
  expect(events).toEqual([]);
});
