import 'reflect-metadata';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

export const ALBUMS_PATH = '/albums';

/**
 * What protects the API: a contestant's answer to `setUp`.
 *
 * @typedef {object} Protection
 * @property {unknown[]} [imports] modules
 * @property {unknown[]} [guards] instances for `@UseGuards`, in order
 * @property {unknown[]} [globalGuards] classes that the modules register as global guards themselves
 * @property {ClassDecorator[]} [decorators] of the controller
 * @property {Function[]} [middleware] of Express, in order
 */

/**
 * The API that every contestant protects: one route that answers a small JSON object.
 *
 * @param {Protection} protection
 * @param {'express' | 'fastify'} adapter
 */
export async function createAlbumsApp(protection, adapter) {
  const { imports = [], guards = [], decorators = [], middleware = [] } = protection;

  class AlbumsController {
    list() {
      return { albums: ['Blue', 'Kind of Blue', 'Blue Train'] };
    }
  }
  Get()(AlbumsController.prototype, 'list', Object.getOwnPropertyDescriptor(AlbumsController.prototype, 'list'));
  for (const decorate of decorators) decorate(AlbumsController);
  if (guards.length > 0) UseGuards(...guards)(AlbumsController);
  Controller(ALBUMS_PATH)(AlbumsController);

  class AppModule {}
  Module({ imports, controllers: [AlbumsController] })(AppModule);

  const platform = adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, platform, { logger: false, abortOnError: false });
  for (const use of middleware) app.use(use);
  return { app, controller: AlbumsController };
}
