import { ConsoleLogger, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import type { Platform } from './configuration/configuration.js';

/** The albums API, ready to listen. What it logs is held back until `app.flushLogs()`. */
export async function createApplication(platform: Platform): Promise<INestApplication> {
  // Without this, a client that keeps its connection open would hold up Ctrl-C.
  const forceCloseConnections = true;
  const adapter = platform === 'fastify' ? new FastifyAdapter({ forceCloseConnections }) : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, adapter, {
    forceCloseConnections,
    abortOnError: false,
    // Where the start fails, its caller says why in one sentence, and Nest's stack traces would bury that.
    bufferLogs: true,
    autoFlushLogs: false,
    logger: new ConsoleLogger({ logLevels: ['warn', 'error', 'fatal'] }),
  });
  return app.enableShutdownHooks();
}
