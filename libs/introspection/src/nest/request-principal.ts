import type { ExecutionContext } from '@nestjs/common';
import type { AccessTokenPrincipal } from '../pipeline/principal/access-token-principal.js';

// Symbol.for: what one copy of this package wrote must be found by another.
const AUTHENTICATED = Symbol.for('nestjs-introspection.authenticated');

/** Who was authenticated on a request, and by whom: another application's word does not count. */
export interface Authenticated {
  readonly by: object;
  readonly principal: AccessTokenPrincipal;
  /** Whether its token was found to be for the configured audience, and not only for another that was asked for. */
  readonly isForConfiguredAudience: boolean;
  /** How old the issuer's word was allowed to be; absent where it was not asked for. */
  readonly introspectMaxAgeMs: number | undefined;
}

/** A request whose `user` is the principal, for handlers that take `@Req()`. */
export type RequestWithPrincipal<T = AccessTokenPrincipal> = { user: T };

type MarkedRequest = { [AUTHENTICATED]?: Authenticated; user?: unknown };

/** Keeps the principal with its request, and sets `request.user`. */
export function setPrincipal(request: object, authenticated: Authenticated): void {
  (request as MarkedRequest)[AUTHENTICATED] = authenticated;
  (request as MarkedRequest).user = authenticated.principal;
}

/** The principal that this authenticator found on the request before. */
export function authenticatedBy(request: object, by: object): Authenticated | undefined {
  const authenticated = (request as MarkedRequest)[AUTHENTICATED];
  return authenticated?.by === by ? authenticated : undefined;
}

/**
 * The verified principal of a request or an execution context; `undefined` where none was authenticated.
 *
 * @example
 * principalOf(context)?.subject
 */
export function principalOf(source: ExecutionContext | object): AccessTokenPrincipal | undefined {
  const request: unknown = isExecutionContext(source) ? source.switchToHttp().getRequest() : source;
  return typeof request === 'object' && request !== null ? (request as MarkedRequest)[AUTHENTICATED]?.principal : undefined;
}

function isExecutionContext(source: object): source is ExecutionContext {
  return typeof (source as Partial<ExecutionContext>).switchToHttp === 'function';
}
