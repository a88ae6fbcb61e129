import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigurationError, IntrospectionModule, OptionalAuth, Public, Scopes } from 'nestjs-introspection';
import { describe, expect, it } from 'vitest';
import { resolveRouteRequirement } from '../../libs/introspection/src/nest/route-requirement.js';

type Handler = (...args: never[]) => unknown;

/** What monitoring tools do to a handler: another function of the same name, with the metadata copied. */
function wrap(handler: Handler): Handler {
  const wrapper: Handler = (...args) => handler(...args);
  Object.defineProperty(wrapper, 'name', { value: handler.name });
  for (const key of Reflect.getMetadataKeys(handler) as unknown[])
    Reflect.defineMetadata(key, Reflect.getMetadata(key, handler), wrapper);
  return wrapper;
}

class Base {
  @Scopes('admin')
  remove() {
    return 'removed';
  }
}

class Overriding extends Base {
  @OptionalAuth()
  override remove() {
    return 'removed';
  }
}

@Scopes('read')
class Albums {
  list() {
    return [];
  }

  @Public()
  health() {
    return 'ok';
  }
}

describe('A handler that a monitoring tool has wrapped', () => {
  it.each([
    [Overriding, 'remove'],
    [Albums, 'list'],
    [Albums, 'health'],
    [Base, 'remove'],
  ] as const)('%o %s demands what it demanded', (controller, name) => {
    const handler = (controller.prototype as unknown as Record<string, Handler>)[name] as Handler;
    expect(resolveRouteRequirement(controller, wrap(handler))).toEqual(resolveRouteRequirement(controller, handler));
    expect(resolveRouteRequirement(controller, handler.bind(undefined))).toEqual(resolveRouteRequirement(controller, handler));
  });
});

it('a second forRoot is refused also where Nest compares modules by what is in them', async () => {
  const options = (issuer: string) => ({ issuer, audience: 'https://rs.example.com', verification: 'local' as const });

  @Module({
    imports: [
      IntrospectionModule.forRoot(options('https://a.example')),
      IntrospectionModule.forRoot(options('https://b.example')),
    ],
  })
  class AppModule {}

  for (const moduleIdGeneratorAlgorithm of ['deep-hash', 'reference'] as const) {
    const created = NestFactory.create(AppModule, { logger: false, abortOnError: false, moduleIdGeneratorAlgorithm });
    await expect(created).rejects.toThrow(ConfigurationError);
  }
});
