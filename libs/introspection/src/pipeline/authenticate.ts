import { MissingCredentialsError } from '../protocol/errors.js';
import { type Requirement, scopesOf } from '../protocol/requirement.js';
import { extractCredentials } from './extract/extract-credentials.js';
import type { ResourceRequest } from './extract/resource-request.js';
import { assertRequirement } from './policy/assert-requirement.js';
import { assertSenderConstraint } from './policy/sender-constraint.js';
import type { AccessTokenPrincipal } from './principal/access-token-principal.js';
import { PresentedToken } from './presented-token.js';
import type { ResourceServerState } from './resource-server.js';
import { verifyInOrder } from './verification/verify-in-order.js';

/**
 * The journey of an access token, from a request to the principal: read this first.
 *
 * @returns `undefined` for a request without usable credentials, which is for the caller to judge
 * @throws {ResourceServerError} for whatever refuses it; never resolves to a principal that does not meet the requirement
 */
export async function authenticateIfPresented(
  server: ResourceServerState,
  request: ResourceRequest,
  requirement: Requirement,
): Promise<AccessTokenPrincipal | undefined> {
  const deadline = server.createDeadline();
  const credentials = await extractCredentials(request, server.options.extract, deadline);
  if (credentials === undefined) return undefined;
  server.unknownTokens?.assertWithin(request);
  const presented = new PresentedToken(credentials.token, server.nameOf);
  const issuers = await server.issuers.route(presented, request, deadline);
  const verified = await verifyInOrder(issuers, presented, server.conditions(requirement, deadline, assertSenderConstraint));
  assertSenderConstraint(verified.facts);
  const principal = server.principals.of(verified, presented.token);
  assertRequirement(principal, requirement);
  return principal;
}

/**
 * As {@link authenticateIfPresented}, where a token is needed.
 *
 * @throws {MissingCredentialsError} without usable credentials
 */
export async function authenticate(
  server: ResourceServerState,
  request: ResourceRequest,
  requirement: Requirement,
): Promise<AccessTokenPrincipal> {
  const principal = await authenticateIfPresented(server, request, requirement);
  if (principal === undefined) throw new MissingCredentialsError(scopesOf(requirement));
  return principal;
}
