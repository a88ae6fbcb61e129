import { randomUUID } from 'node:crypto';
import { type DynamicModule, Inject, Module, Optional, type Provider } from '@nestjs/common';
import { APP_GUARD, ModulesContainer } from '@nestjs/core';
import { ConfigurationError } from '../protocol/configuration-error.js';
import { BearerStrategy } from './bearer.strategy.js';
import { createAuthenticator } from './create-authenticator.js';
import { GivenOptions } from './given-options.js';
import { AUTHENTICATOR, INTROSPECTION_EXTRAS, INTROSPECTION_OPTIONS } from './injection-tokens.js';
import { IntrospectionGuard } from './introspection.guard.js';
import { IntrospectionLifecycle } from './introspection.lifecycle.js';
import { IntrospectionService } from './introspection.service.js';
import type { IntrospectionModuleAsyncOptions, IntrospectionModuleOptions } from './module-options.js';
import { optionsProviders } from './options-providers.js';

/**
 * Protects an application with OAuth 2 access tokens. Global; call `forRoot` or `forRootAsync` once.
 *
 * @example
 * IntrospectionModule.forRoot({
 *   issuer: 'https://auth.example.com',
 *   audience: 'https://api.example.com',
 *   clientAuthentication: { method: 'client_secret_basic', clientId: 'api', clientSecret: process.env.API_SECRET! },
 * })
 */
@Module({})
export class IntrospectionModule {
  constructor(@Optional() @Inject(AUTHENTICATOR) authenticator?: unknown) {
    // Imported bare, it would guard nothing while it looks as if it did.
    if (authenticator === undefined) {
      throw new ConfigurationError([
        {
          option: 'IntrospectionModule',
          given: 'the class itself',
          remedy: 'import IntrospectionModule.forRoot(…) or forRootAsync(…)',
        },
      ]);
    }
  }

  /**
   * Registers the module, and unless `globalGuard: false` the global guard: every route needs a valid access token
   * unless it says otherwise.
   *
   * @throws nothing here; {@link ConfigurationError} rejects when the application is created
   */
  static forRoot(options: IntrospectionModuleOptions): DynamicModule {
    const { globalGuard, ...rest } = options ?? {};
    return dynamicModule(globalGuard, [
      { provide: INTROSPECTION_OPTIONS, useFactory: () => new GivenOptions(options === undefined ? options : rest) },
    ]);
  }

  /** As {@link forRoot}, with options that a factory or a class makes. `globalGuard` stands beside the factory. */
  static forRootAsync(options: IntrospectionModuleAsyncOptions): DynamicModule {
    return { ...dynamicModule(options.globalGuard, optionsProviders(options)), imports: options.imports ?? [] };
  }
}

function dynamicModule(globalGuard: boolean | undefined, providers: Provider[]): DynamicModule {
  return {
    module: IntrospectionModule,
    global: true,
    providers: [
      ...providers,
      // The id tells one call from another also where Nest compares modules by what is in them.
      { provide: INTROSPECTION_EXTRAS, useValue: { globalGuard, id: randomUUID() } },
      {
        provide: AUTHENTICATOR,
        inject: [INTROSPECTION_OPTIONS, INTROSPECTION_EXTRAS, ModulesContainer],
        useFactory: createAuthenticator,
      },
      IntrospectionGuard,
      IntrospectionService,
      IntrospectionLifecycle,
      BearerStrategy,
      // Whatever is not written out as `false` guards.
      ...(globalGuard === false ? [] : [{ provide: APP_GUARD, useExisting: IntrospectionGuard }]),
    ],
    exports: [AUTHENTICATOR, IntrospectionGuard, IntrospectionService],
  };
}
