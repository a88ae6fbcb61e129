import { AccessDeniedError, InsufficientScopeError, InvalidTokenError } from '../../protocol/errors.js';
import { listOf, type Requirement, scopesOf } from '../../protocol/requirement.js';
import type { AccessTokenPrincipal } from '../principal/access-token-principal.js';

/**
 * Asserts that a principal may do what a route does: issuer and audience first, as they are about the token, then
 * scopes, then roles.
 *
 * @throws {InvalidTokenError} for another issuer or audience
 * @throws {InsufficientScopeError} naming all scopes that are needed, at once
 * @throws {AccessDeniedError} for a missing role
 */
export function assertRequirement(principal: AccessTokenPrincipal, requirement: Requirement): void {
  const { issuer, audience, scopes, anyScope, anyRole } = requirement;
  if (issuer !== undefined && !listOf(issuer).includes(principal.issuer)) {
    throw new InvalidTokenError('issuer', { detail: 'the route accepts tokens of other issuers only' });
  }
  if (audience !== undefined && !listOf(audience).some((identifier) => principal.audience.includes(identifier))) {
    throw new InvalidTokenError('audience', { detail: 'the route asks for another audience' });
  }
  const hasScopes = scopes === undefined || scopes.every((scope) => principal.hasScope(scope));
  if (!hasScopes || (anyScope !== undefined && !anyScope.some((scope) => principal.hasScope(scope)))) {
    throw new InsufficientScopeError(scopesOf(requirement));
  }
  if (anyRole !== undefined && !anyRole.some((role) => principal.hasRole(role))) {
    throw new AccessDeniedError({ detail: 'the principal has none of the roles that the route asks for' });
  }
}
