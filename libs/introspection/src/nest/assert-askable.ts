import type { ModulesContainer } from '@nestjs/core';
import type { ResolvedOptions } from '../pipeline/options/resolved-options.js';
import { canBeAsked } from '../pipeline/trusted-issuer.js';
import { ConfigurationError, type ConfigurationProblem } from '../protocol/configuration-error.js';
import { resolveRouteRequirement } from './route-requirement.js';

type Class = abstract new (...args: never[]) => unknown;
type Handler = (...args: never[]) => unknown;

/**
 * Refuses an application with a route that needs the authorization server's word where nobody can be asked for it: the
 * route would answer nothing but errors.
 *
 * @throws {ConfigurationError} naming the routes
 */
export function assertAskable(modules: ModulesContainer, { issuers }: ResolvedOptions): void {
  if (typeof issuers === 'function' || issuers.every(canBeAsked)) return;
  const problems: ConfigurationProblem[] = [];
  for (const controller of controllersOf(modules)) {
    for (const [name, handler] of methodsOf(controller)) {
      if (resolveRouteRequirement(controller, handler).requirement.introspectMaxAgeMs === undefined) continue;
      problems.push({
        option: `@Introspect of ${controller.name}.${name}`,
        given: 'an issuer that cannot be asked',
        remedy: 'give clientAuthentication, and introspectionEndpoint or discovery; or take @Introspect away',
      });
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
}

/** Controllers, and gateways and resolvers, which are providers. */
function controllersOf(modules: ModulesContainer): Set<Class> {
  const wrappers = [...modules.values()].flatMap((module) => [...module.controllers.values(), ...module.providers.values()]);
  const classes = wrappers.map(({ metatype }) => metatype as unknown).filter((type) => typeof type === 'function');
  return new Set(classes.filter((type) => type.prototype !== undefined) as unknown as Class[]);
}

function methodsOf(controller: Class): Map<string, Handler> {
  const methods = new Map<string, Handler>();
  let prototype = controller.prototype as object | null;
  for (; prototype !== null && prototype !== Object.prototype; prototype = Object.getPrototypeOf(prototype) as object | null) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (name !== 'constructor' && typeof value === 'function' && !methods.has(name)) methods.set(name, value as Handler);
    }
  }
  return methods;
}
