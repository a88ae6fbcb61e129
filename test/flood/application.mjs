// The application that is flooded, in a process of its own, so that its heap is its own.
import { serveParent } from '../../bench/processes/child.mjs';
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { IntrospectionModule } from 'nestjs-introspection';

class HotController {
  hot() {
    return { ok: true };
  }
}
Get('hot')(HotController.prototype, 'hot', Object.getOwnPropertyDescriptor(HotController.prototype, 'hot'));
Controller()(HotController);

serveParent({
  start: async ({ adapter, options }) => {
    class ApplicationModule {}
    Module({ imports: [IntrospectionModule.forRoot(options)], controllers: [HotController] })(ApplicationModule);
    const platform = adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const app = await NestFactory.create(ApplicationModule, platform, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    return app.getHttpServer().address().port;
  },
  heapBytes: () => {
    globalThis.gc();
    globalThis.gc();
    return process.memoryUsage().heapUsed;
  },
});
