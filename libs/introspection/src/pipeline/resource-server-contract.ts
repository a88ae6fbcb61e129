import type { ResourceServerError } from '../protocol/errors.js';
import type { IntrospectionResponse } from '../protocol/introspection-response.js';
import type { Requirement } from '../protocol/requirement.js';
import type { RevocationTarget } from './cache/revocation-target.js';
import type { ChallengeResponse } from './challenge-response.js';
import type { Health } from './health.js';
import type { ResourceRequest } from './extract/resource-request.js';
import type { AccessTokenPrincipal } from './principal/access-token-principal.js';

/** How `introspect` is asked. */
export interface IntrospectOptions {
  /** Asks this configured issuer only. */
  readonly issuer?: string;
  /**
   * How old the authorization server's own word may be, for JWTs too, in milliseconds from the start of the call; 0: a
   * call of its own. @default what `cache` says, and for JWTs that are checked here no call
   */
  readonly maxAgeMs?: number;
}

/** A protected API: checks access tokens and answers refusals. */
export interface ResourceServer {
  /**
   * Verifies the access token of a request and judges it by the requirement.
   *
   * @throws {AccessTokenError} the client's fault; {@link challenge} makes the answer
   * @throws {AccessDeniedError} for a missing role
   * @throws {AuthorizationServerError} when nobody could say what the token is worth
   * @throws {TypeError} for a malformed requirement
   */
  authenticate(request: ResourceRequest, requirement?: Requirement): Promise<AccessTokenPrincipal>;

  /** As {@link authenticate}, but a request without usable credentials resolves to `undefined`. A bad token is refused. */
  authenticateIfPresented(request: ResourceRequest, requirement?: Requirement): Promise<AccessTokenPrincipal | undefined>;

  /**
   * Judges a principal by a requirement.
   *
   * Not checked: whether its token is still valid.
   *
   * @throws {InvalidTokenError} for another issuer or audience
   * @throws {InsufficientScopeError} for a missing scope
   * @throws {AccessDeniedError} for a missing role
   * @throws {TypeError} for a malformed requirement
   */
  authorize(principal: AccessTokenPrincipal, requirement: Requirement): Promise<void>;

  /**
   * Says what a token is worth, by the configured `verification`; for JWTs checked here, its verified claims.
   *
   * Not checked: the binding to a key or certificate, as there is no request.
   *
   * @returns `{ active: false }` for a token that is not valid here, whatever the reason
   * @throws {AuthorizationServerError} only when the authorization server is at fault
   * @throws {TypeError} for a token that is no text, and for an unknown option or issuer
   * @see RFC 7662 §2.2
   */
  introspect(token: string, options?: IntrospectOptions): Promise<IntrospectionResponse>;

  /**
   * Refuses tokens from now on, on every instance that shares `cache.shared`, whatever their `exp`: one token, or all
   * that were issued to a subject, in a session, to a client or by an issuer. A match with `iat` at or before
   * `beforeSeconds` is refused without a call; one without `iat` is never answered from memory, and refused where the
   * verdict would come from here. Wins against a call in flight. Stands for `revocation.markSeconds`.
   *
   * Not done: revoking at the authorization server.
   *
   * @returns when no instance serves the revoked answer any more, after at most `cache.localTtlMs`
   * @throws {TypeError} for anything but exactly one of the forms, and for an issuer that is not configured
   * @throws {Error} when the mark could not be written to `cache.shared`
   */
  revoke(target: RevocationTarget): Promise<void>;

  /** How it stands with the authorization servers and the cache, by what happened last; without a call. */
  health(): Health;

  /** Status, headers and body of the answer to a refused request. */
  challenge(error: ResourceServerError): ChallengeResponse;

  /** Ends connections and calls. A request that still needs the authorization server is refused with 503. */
  close(): Promise<void>;
}
