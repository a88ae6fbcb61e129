import { isScopeToken, unique } from '../protocol/scope.js';
import { requirementDecorator } from './requirement-metadata.js';

/**
 * All these scopes are needed; otherwise 403 `insufficient_scope`, naming all of them. On a method it replaces the
 * `@Scopes` or `@AnyScope` of its class.
 *
 * @throws {TypeError} when the class is defined: without a scope, or with an invalid one (RFC 6749 §3.3)
 * @see RFC 6750 §3.1
 * @example
 * @Scopes('albums:read') @Get() list() {}
 */
export function Scopes(...scopes: readonly [string, ...string[]]): ClassDecorator & MethodDecorator {
  return requirementDecorator('Scopes', 'scopes', Object.freeze({ scopes: checkedScopes('Scopes', scopes) }));
}

/**
 * One of these scopes is enough; otherwise 403 `insufficient_scope`, naming all of them. Of one kind with `@Scopes`.
 *
 * @throws {TypeError} when the class is defined: without a scope, or with an invalid one (RFC 6749 §3.3)
 */
export function AnyScope(...scopes: readonly [string, ...string[]]): ClassDecorator & MethodDecorator {
  return requirementDecorator('AnyScope', 'scopes', Object.freeze({ anyScope: checkedScopes('AnyScope', scopes) }));
}

function checkedScopes(decorator: string, scopes: readonly unknown[]): readonly string[] {
  if (scopes.length === 0) throw new TypeError(`@${decorator}() needs at least one scope`);
  if (!scopes.every(isScopeToken)) {
    throw new TypeError(
      `@${decorator}: a scope is printable ASCII without spaces, quotes and backslashes; give several as several arguments`,
    );
  }
  return Object.freeze(unique(scopes));
}
