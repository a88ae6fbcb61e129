import { Logger } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { NoticeSink } from '../pipeline/notices.js';
import type { ResourceServerOptions } from '../pipeline/options/options.js';
import { ResourceServerEngine } from '../pipeline/resource-server.js';
import { ConfigurationError } from '../protocol/configuration-error.js';
import { Authenticator } from './authenticator.js';
import { AUTHENTICATOR } from './injection-tokens.js';

/**
 * Creates the application's one authenticator, when the application is created.
 *
 * @throws {ConfigurationError} for options that are wrong, and for a second `forRoot`
 */
export function createAuthenticator(options: ResourceServerOptions, modules: ModulesContainer): Authenticator {
  if ([...modules.values()].filter((module) => module.providers.has(AUTHENTICATOR)).length > 1) {
    throw new ConfigurationError([
      {
        option: 'IntrospectionModule',
        given: 'forRoot or forRootAsync more than once',
        remedy: 'call it once; several authorization servers are listed in the option issuers',
      },
    ]);
  }
  if (typeof options === 'object' && options !== null && 'globalGuard' in options) {
    throw new ConfigurationError([
      {
        option: 'globalGuard',
        given: 'in the result of the factory',
        remedy: 'it is static: write it beside useFactory, useClass or useExisting',
      },
    ]);
  }
  return new Authenticator(new ResourceServerEngine(options, createLoggerNotices()));
}

function createLoggerNotices(): NoticeSink {
  const logger = new Logger('IntrospectionModule');
  return ({ level, text }) => logger[level](text);
}
