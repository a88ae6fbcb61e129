import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { Authenticator, type HttpRequest } from './authenticator.js';
import type { HttpResponse } from './http-response.js';
import { AUTHENTICATOR } from './injection-tokens.js';
import { resolveRouteRequirement, type RouteRequirement } from './route-requirement.js';
import { unsupportedTransport } from './unsupported-transport.js';

type Class = ReturnType<ExecutionContext['getClass']>;
type Handler = ReturnType<ExecutionContext['getHandler']>;

/**
 * Lets requests through that present a valid access token and meet the decorators of their handler; sets
 * `request.user`. Global unless `globalGuard: false`, and then for `@UseGuards(IntrospectionGuard)`.
 *
 * Other transports than HTTP are refused in this version, unless the handler is `@Public()`.
 */
@Injectable()
export class IntrospectionGuard extends AuthGuard('bearer') {
  readonly #authenticator: Authenticator;
  readonly #routes = new WeakMap<Class, WeakMap<Handler, RouteRequirement>>();

  constructor(@Inject(AUTHENTICATOR) authenticator: Authenticator) {
    super();
    this.#authenticator = authenticator;
  }

  /** @throws {ResourceServerException} with its headers on the response already */
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const route = this.#routeOf(context);
    if (route.openness === 'public') return true;
    const transport = context.getType<string>();
    if (transport !== 'http') {
      throw await unsupportedTransport(transport, this.#authenticator);
    }
    const http = context.switchToHttp();
    await this.#authenticator.admit(http.getRequest<HttpRequest>(), route, http.getResponse<HttpResponse>());
    return true;
  }

  #routeOf(context: ExecutionContext): RouteRequirement {
    const controller = context.getClass();
    const handler = context.getHandler();
    let routes = this.#routes.get(controller);
    if (routes === undefined) this.#routes.set(controller, (routes = new WeakMap()));
    let route = routes.get(handler);
    if (route === undefined) {
      route = resolveRouteRequirement(controller, handler as (...args: never[]) => unknown);
      routes.set(handler, route);
    }
    return route;
  }
}
