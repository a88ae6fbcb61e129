import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IntrospectionModule, IntrospectionService, Principal } from 'nestjs-introspection';
import type { ResourceServerOptions } from 'nestjs-introspection/core';
import type { AddressInfo } from 'node:net';
import type { Instance } from './instance.js';

/** The resource server as a Nest application. */
export async function startNestInstance(options: ResourceServerOptions): Promise<Instance> {
  @Controller()
  class ReadController {
    @Get('r')
    read(@Principal('subject') subject: string): unknown {
      return { subject };
    }
  }

  @Module({ imports: [IntrospectionModule.forRoot(options)], controllers: [ReadController] })
  class ApplicationModule {}

  const app = await NestFactory.create(ApplicationModule, { logger: false, forceCloseConnections: true });
  await app.listen(0, '127.0.0.1');
  const service = app.get(IntrospectionService);
  return {
    port: (app.getHttpServer().address() as AddressInfo).port,
    revoke: (target) => service.revoke(target),
    close: () => app.close(),
  };
}
