import type { Provider } from '@nestjs/common';
import { ConfigurationError } from '../protocol/configuration-error.js';
import { INTROSPECTION_OPTIONS } from './injection-tokens.js';
import type { IntrospectionModuleAsyncOptions, IntrospectionOptionsFactory } from './module-options.js';

/** The providers that make the options of `forRootAsync`. What is wrong with them rejects when the application is created. */
export function optionsProviders(options: IntrospectionModuleAsyncOptions): Provider[] {
  const { useFactory, useClass, useExisting, inject = [] } = options;
  const given = [useFactory, useClass, useExisting].filter((way) => way !== undefined);
  if (given.length !== 1) return [{ provide: INTROSPECTION_OPTIONS, useFactory: refuse }];
  if (useFactory !== undefined)
    return [{ provide: INTROSPECTION_OPTIONS, inject, useFactory: useFactory as (...dependencies: unknown[]) => unknown }];
  const fromClass = {
    provide: INTROSPECTION_OPTIONS,
    useFactory: (factory: IntrospectionOptionsFactory) => factory.createIntrospectionOptions(),
  };
  if (useExisting !== undefined) return [{ ...fromClass, inject: [useExisting] }];
  return useClass === undefined ? [] : [useClass, { ...fromClass, inject: [useClass] }];
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
