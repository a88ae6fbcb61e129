import { fieldLines, type ResourceRequest } from '../pipeline/extract/resource-request.js';
import type { AccessTokenPrincipal } from '../pipeline/principal/access-token-principal.js';
import type { ResourceServerEngine } from '../pipeline/resource-server.js';
import { ConfigurationError } from '../protocol/configuration-error.js';
import { ResourceServerError } from '../protocol/errors.js';
import type { Requirement } from '../protocol/requirement.js';
import { forbidStoring, type HttpResponse, responseOf, writeHeaders } from './http-response.js';
import { type Authenticated, authenticatedBy, setPrincipal } from './request-principal.js';
import { ResourceServerException } from './resource-server.exception.js';
import type { RouteRequirement } from './route-requirement.js';

/** A request as Nest's adapters hand it over. */
export type HttpRequest = ResourceRequest & object;

/** What guard, strategy and service share: the resource server of one application, spoken in Nest's terms. */
export class Authenticator {
  constructor(readonly server: ResourceServerEngine) {}

  /**
   * Lets a request through to a route, or throws. The token is verified once for a request, however many guards stand
   * in its way; requirements are judged each time.
   *
   * @throws {ResourceServerException} with its headers on the response already
   */
  async admit(
    request: HttpRequest,
    route: RouteRequirement,
    response = responseOf(request),
  ): Promise<AccessTokenPrincipal | undefined> {
    try {
      const known = authenticatedBy(request, this);
      if (known !== undefined && isEnough(known, route.requirement)) {
        await this.server.authorize(known.principal, route.requirement);
        return known.principal;
      }
      return await this.#authenticate(request, route, response);
    } catch (error) {
      throw this.toException(error, response);
    }
  }

  async #authenticate(
    request: HttpRequest,
    route: RouteRequirement,
    response: HttpResponse | undefined,
  ): Promise<AccessTokenPrincipal | undefined> {
    const isOptional = route.openness === 'optional';
    if (response !== undefined && (isOptional || this.#mayCarryTokenElsewhere(request))) forbidStoring(response);
    const principal = isOptional
      ? await this.server.authenticateIfPresented(request, route.requirement)
      : await this.server.authenticate(request, route.requirement);
    const { audience, introspectMaxAgeMs } = route.requirement;
    if (principal !== undefined) {
      setPrincipal(request, { by: this, principal, isForConfiguredAudience: audience === undefined, introspectMaxAgeMs });
    }
    return principal;
  }

  /** Without an `Authorization` header, shared caches do not know that an answer is somebody's own (RFC 9111 §3.5). */
  #mayCarryTokenElsewhere(request: HttpRequest): boolean {
    const { query, formBody, token } = this.server.options.extract;
    return (query || formBody || token !== undefined) && fieldLines(request, 'authorization').length === 0;
  }

  /** Judges a principal by a requirement. @throws {ResourceServerException} */
  async authorize(principal: AccessTokenPrincipal, requirement: Requirement, response?: HttpResponse): Promise<void> {
    try {
      await this.server.authorize(principal, requirement);
    } catch (error) {
      throw this.toException(error, response);
    }
  }

  /** The exception for a refusal, its headers written; anything else as it is. */
  toException(error: unknown, response: HttpResponse | undefined): unknown {
    if (!(error instanceof ResourceServerError) || error instanceof ConfigurationError) return error;
    const answer = this.server.challenge(error);
    if (response !== undefined) writeHeaders(response, answer.headers);
    return new ResourceServerException(error, answer);
  }
}

/** Whether what was verified for one guard is what another asks for. */
function isEnough(known: Authenticated, { audience, introspectMaxAgeMs }: Requirement): boolean {
  if (!known.isForConfiguredAudience && audience === undefined) return false;
  return introspectMaxAgeMs === undefined || (known.introspectMaxAgeMs ?? Number.POSITIVE_INFINITY) <= introspectMaxAgeMs;
}
