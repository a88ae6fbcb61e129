import type { Provider } from '@nestjs/common';
import { ConfigurationError } from '../protocol/configuration-error.js';
import { GivenOptions } from './given-options.js';
import { INTROSPECTION_OPTIONS } from './injection-tokens.js';
import type { IntrospectionModuleAsyncOptions, IntrospectionOptionsFactory } from './module-options.js';

/** The providers that make the options of `forRootAsync`. What is wrong with them rejects when the application is created. */
export function optionsProviders(options: IntrospectionModuleAsyncOptions): Provider[] {
  const { useFactory, useClass, useExisting, inject = [] } = options;
  const given = [useFactory, useClass, useExisting].filter((way) => way !== undefined);
  if (given.length !== 1) return [{ provide: INTROSPECTION_OPTIONS, useFactory: refuse }];
  if (useFactory !== undefined)
    return [
      { provide: INTROSPECTION_OPTIONS, inject, useFactory: hidden(useFactory as (...dependencies: unknown[]) => unknown) },
    ];
  const fromClass = {
    provide: INTROSPECTION_OPTIONS,
    useFactory: hidden((factory: unknown) => (factory as IntrospectionOptionsFactory).createIntrospectionOptions()),
  };
  if (useExisting !== undefined) return [{ ...fromClass, inject: [useExisting] }];
  return useClass === undefined ? [] : [useClass, { ...fromClass, inject: [useClass] }];
}

function hidden(useFactory: (...dependencies: unknown[]) => unknown): (...dependencies: unknown[]) => Promise<GivenOptions> {
  return async (...dependencies) => new GivenOptions(await useFactory(...dependencies));
}

function refuse(): never {
  throw new ConfigurationError([
    {
      option: 'forRootAsync',
      given: 'none or several ways to make the options',
      remedy: 'give one of useFactory, useClass and useExisting',
    },
  ]);
}
