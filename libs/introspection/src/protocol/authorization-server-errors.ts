import { ResourceServerError, type ResourceServerErrorOptions } from './errors.js';

/** What an {@link AuthorizationServerError} may carry. */
export interface AuthorizationServerErrorOptions extends ResourceServerErrorOptions {
  /** Whole seconds until we would ask again. @default 1 */
  readonly retryAfterSeconds?: number;
}

/**
 * The authorization server's fault, or our own at it; never a verdict on the access token. 503 with `Retry-After`,
 * without a challenge, and never remembered as a token's state.
 */
export abstract class AuthorizationServerError extends ResourceServerError {
  readonly status = 503;
  /** Whole seconds until we would ask again, at least 1. */
  readonly retryAfterSeconds: number;

  constructor(options: AuthorizationServerErrorOptions = {}) {
    super('Service Unavailable', options);
    this.retryAfterSeconds = Math.max(1, Math.ceil(options.retryAfterSeconds ?? 1));
  }
}

/** The introspection endpoint could not be reached in time, or answered with a server error. */
export class IntrospectionUnavailableError extends AuthorizationServerError {
  readonly code = 'ERR_INTROSPECTION_UNAVAILABLE';
}

/** The introspection endpoint answered, but not as RFC 7662 §2.2 says. */
export class IntrospectionResponseError extends AuthorizationServerError {
  readonly code = 'ERR_INTROSPECTION_RESPONSE';
}

/** No key set is held and none could be fetched. */
export class KeySetUnavailableError extends AuthorizationServerError {
  readonly code = 'ERR_KEY_SET_UNAVAILABLE';
}

/** The metadata could not be fetched, is not of the configured issuer, or lacks an endpoint that is needed. */
export class MetadataError extends AuthorizationServerError {
  readonly code = 'ERR_METADATA';
}

/** The authorization server refused *our* credentials: nothing will work until an operator mends `clientAuthentication`. */
export class ClientRejectedError extends AuthorizationServerError {
  readonly code = 'ERR_CLIENT_REJECTED';
}
