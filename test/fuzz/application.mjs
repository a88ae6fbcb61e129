// The application that is fuzzed: plain JavaScript on the built package, in a process of its own, so that a crash is one.
import 'reflect-metadata';
import { All, Controller, Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { IntrospectionGuard, IntrospectionModule } from 'nestjs-introspection';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** While at least one request is at the guard: who was there, and what it cost. */
let period;
let atGuard = 0;
let lastPeriod;
const suspects = [];
const counts = { reached: 0, slowestMs: 0, unhandled: [] };
const delays = monitorEventLoopDelay({ resolution: 1 });
delays.enable();

process.on('unhandledRejection', (reason) => counts.unhandled.push(String(reason?.stack ?? reason)));

function enter(id) {
  if (atGuard === 0) {
    settle();
    period = { ids: [], cpu: process.cpuUsage(), cpuMs: 0, pauseMs: 0 };
  }
  atGuard += 1;
  counts.reached += 1;
  period.ids.push(id);
}

function leave() {
  atGuard -= 1;
  if (atGuard > 0) return;
  const { user, system } = process.cpuUsage(period.cpu);
  period.cpuMs = (user + system) / 1000;
  lastPeriod = period;
}

/** The event loop tells of a pause only after it, so a period is judged when the next one begins. */
function settle() {
  const pauseMs = delays.max / 1e6;
  delays.reset();
  if (lastPeriod === undefined) return;
  const judged = { ids: lastPeriod.ids, cpuMs: lastPeriod.cpuMs, pauseMs };
  lastPeriod = undefined;
  // Where several were there, the cost of each is not known.
  const suspectMs = judged.ids.length === 1 ? 2 : 5;
  if (judged.cpuMs > suspectMs || judged.pauseMs > 20) suspects.push(judged);
  else if (judged.ids.length === 1) counts.slowestMs = Math.max(counts.slowestMs, judged.cpuMs);
  return judged;
}

class Watched {
  constructor(guard) {
    this.guard = guard;
  }

  async canActivate(context) {
    const { headers } = context.switchToHttp().getRequest();
    enter(String(headers['x-id'] ?? ''));
    try {
      return await this.guard.canActivate(context);
    } finally {
      leave();
    }
  }
}

/** Says in a header who was let in, as answers to HEAD have no body. */
class SaysWho {
  intercept(context, next) {
    const http = context.switchToHttp();
    http.getResponse().header('x-subject', http.getRequest().user?.subject ?? '');
    return next.handle();
  }
}

class AnyController {
  any() {
    return { ok: true };
  }
}
All('r')(AnyController.prototype, 'any', Object.getOwnPropertyDescriptor(AnyController.prototype, 'any'));
Controller()(AnyController);

async function serve(adapter, options) {
  class ApplicationModule {}
  Module({
    imports: [IntrospectionModule.forRootAsync({ globalGuard: false, useFactory: () => options })],
    controllers: [AnyController],
    providers: [
      { provide: APP_GUARD, inject: [IntrospectionGuard], useFactory: (guard) => new Watched(guard) },
      { provide: APP_INTERCEPTOR, useClass: SaysWho },
    ],
  })(ApplicationModule);
  const platform = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = await NestFactory.create(ApplicationModule, platform, { logger: false, abortOnError: false });
  await app.listen(0, '127.0.0.1');
  return app.getHttpServer().address().port;
}

const functions = {
  start: async ({ adapter, profiles }) =>
    Object.fromEntries(
      await Promise.all(Object.entries(profiles).map(async ([name, options]) => [name, await serve(adapter, options)])),
    ),
  counts: () => {
    settle();
    return { ...counts, suspects: suspects.splice(0) };
  },
  /** What the last request cost, that was alone. */
  cost: () => settle(),
};

process.on('message', async ({ id, name, argument }) => {
  try {
    process.send({ id, value: await functions[name](argument) });
  } catch (error) {
    process.send({ id, failure: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit());
