import { Logger } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { NoticeSink } from '../pipeline/notices.js';
import type { ResourceServerOptions } from '../pipeline/options/options.js';
import { ResourceServerEngine } from '../pipeline/resource-server.js';
import { ConfigurationError, type ConfigurationProblem } from '../protocol/configuration-error.js';
import { assertAskable } from './assert-askable.js';
import { Authenticator } from './authenticator.js';
import type { GivenOptions } from './given-options.js';
import { AUTHENTICATOR } from './injection-tokens.js';
import type { IntrospectionModuleExtras, IntrospectionModuleOptions } from './module-options.js';

/**
 * Creates the application's one authenticator, when the application is created.
 *
 * @throws {ConfigurationError} for options that are wrong, for a second `forRoot`, and for an `@Introspect` that nobody
 *   could answer
 */
export function createAuthenticator(
  given: GivenOptions,
  extras: IntrospectionModuleExtras,
  modules: ModulesContainer,
): Authenticator {
  if ([...modules.values()].filter((module) => module.providers.has(AUTHENTICATOR)).length > 1) {
    throw new ConfigurationError([
      {
        option: 'IntrospectionModule',
        given: 'forRoot or forRootAsync more than once',
        remedy: 'call it once; several authorization servers are listed in the option issuers',
      },
    ]);
  }
  const options = given.open();
  const problems = globalGuardProblems(options, extras);
  const { globalGuard: _misplaced, ...rest } = isObject(options) ? (options as IntrospectionModuleOptions) : {};
  const checked = (isObject(options) ? rest : options) as ResourceServerOptions;
  const server = new ResourceServerEngine(checked, createLoggerNotices(), problems);
  assertAskable(modules, server.options);
  return new Authenticator(server);
}

function globalGuardProblems(options: unknown, { globalGuard }: IntrospectionModuleExtras): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  if (globalGuard !== undefined && typeof globalGuard !== 'boolean') {
    problems.push({
      option: 'globalGuard',
      given: globalGuard === null ? 'null' : `a ${typeof globalGuard}`,
      remedy: 'give true or false',
    });
  }
  if (isObject(options) && 'globalGuard' in options) {
    const remedy = 'it is static: write it beside useFactory, useClass or useExisting';
    problems.push({ option: 'globalGuard', given: 'in the result of the factory', remedy });
  }
  return problems;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function createLoggerNotices(): NoticeSink {
  const logger = new Logger('IntrospectionModule');
  return ({ level, text }) => logger[level](text);
}
