import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { AccessTokenPrincipal } from '../pipeline/principal/access-token-principal.js';
import type { RevocationTarget } from '../pipeline/cache/revocation-target.js';
import type { Health } from '../pipeline/health.js';
import type { IntrospectOptions } from '../pipeline/resource-server-contract.js';
import type { IntrospectionResponse } from '../protocol/introspection-response.js';
import type { Requirement } from '../protocol/requirement.js';
import { Authenticator, type HttpRequest } from './authenticator.js';
import { type HttpResponse, responseOf } from './http-response.js';
import { AUTHENTICATOR } from './injection-tokens.js';
import { resolveRouteRequirement } from './route-requirement.js';

/** Access tokens for code that is no guard: other guards, interceptors, services. */
@Injectable()
export class IntrospectionService {
  readonly #authenticator: Authenticator;

  constructor(@Inject(AUTHENTICATOR) authenticator: Authenticator) {
    this.#authenticator = authenticator;
  }

  /**
   * Says what a token is worth, by the configured `verification`; for JWTs checked here, its verified claims, without a
   * call.
   *
   * Not checked: the binding to a key or certificate, as there is no request.
   *
   * @returns `{ active: false }` for a token that is not valid here
   * @throws {ResourceServerException} 503, only when the authorization server is at fault
   * @throws {TypeError} for a token that is no text, and for an unknown option or issuer
   * @see RFC 7662 §2.2
   */
  async introspect(token: string, options?: IntrospectOptions): Promise<IntrospectionResponse> {
    try {
      return await this.#authenticator.server.introspect(token, options);
    } catch (error) {
      throw this.#authenticator.toException(error, undefined);
    }
  }

  /**
   * Authenticates a request as the guard does, without the decorators of its handler.
   *
   * @param options `audience` replaces the configured one
   * @throws {ResourceServerException} with its headers on the response already; never resolves without a principal
   */
  async authenticate(request: HttpRequest, options: Pick<Requirement, 'audience'> = {}): Promise<AccessTokenPrincipal> {
    const principal = await this.#authenticator.admit(request, { openness: undefined, requirement: options });
    if (principal === undefined) throw new TypeError('authenticated without a principal');
    return principal;
  }

  /**
   * Judges a principal by a requirement, or by the decorators of the handler that a context leads to.
   *
   * Not checked: whether its token is still valid.
   *
   * @throws {ResourceServerException} the exact refusal, its headers on the response where there is one
   */
  async authorize(principal: AccessTokenPrincipal, target: Requirement | ExecutionContext): Promise<void> {
    if (!isExecutionContext(target)) return this.#authenticator.authorize(principal, target);
    const route = resolveRouteRequirement(target.getClass(), target.getHandler() as (...args: never[]) => unknown);
    if (route.openness === 'public') return undefined;
    return this.#authenticator.authorize(principal, route.requirement, responseIn(target));
  }

  /**
   * Refuses tokens from now on, on every instance that shares `cache.shared`: one token, or all that were issued at or
   * before a time (now, unless said otherwise) to a subject, in a session, to a client or by an issuer. Wins against a
   * call in flight.
   *
   * Not done: revoking at the authorization server.
   *
   * @returns when no instance serves the revoked answer any more, after at most `cache.localTtlMs`
   * @throws {TypeError} for anything but exactly one of the forms, and for an issuer that is not configured
   * @throws {Error} when the mark could not be written to `cache.shared`
   * @example
   * await introspection.revoke({ issuer: 'https://auth.example.com', subject: user.id });
   */
  async revoke(target: RevocationTarget): Promise<void> {
    await this.#authenticator.server.revoke(target);
  }

  /** How it stands with the authorization servers and the cache, by what happened last; without a call. */
  health(): Health {
    return this.#authenticator.server.health();
  }
}

function isExecutionContext(target: Requirement | ExecutionContext): target is ExecutionContext {
  return typeof (target as Partial<ExecutionContext>).getHandler === 'function';
}

function responseIn(context: ExecutionContext): HttpResponse | undefined {
  if (context.getType<string>() !== 'http') return undefined;
  return (
    context.switchToHttp().getResponse<HttpResponse | undefined>() ?? responseOf(context.switchToHttp().getRequest<object>())
  );
}
