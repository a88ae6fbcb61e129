/** Stable codes of every error this package throws; compare these, not classes, when two copies of it may be loaded. */
export type ResourceServerErrorCode =
  | 'ERR_CREDENTIALS_MISSING'
  | 'ERR_REQUEST_INVALID'
  | 'ERR_TOKEN_INVALID'
  | 'ERR_SCOPE_INSUFFICIENT'
  | 'ERR_ACCESS_DENIED'
  | 'ERR_UNKNOWN_TOKENS'
  | 'ERR_INTROSPECTION_UNAVAILABLE'
  | 'ERR_INTROSPECTION_RESPONSE'
  | 'ERR_KEY_SET_UNAVAILABLE'
  | 'ERR_METADATA'
  | 'ERR_CLIENT_REJECTED'
  | 'ERR_CONFIGURATION';

/** Why an access token was refused. For operators (`onEvent`, logs); a client never sees it. */
export type InvalidTokenReason =
  | 'malformed'
  | 'inactive'
  | 'expired'
  | 'not_yet_valid'
  | 'signature'
  | 'algorithm'
  | 'type'
  | 'issuer'
  | 'audience'
  | 'binding'
  | 'claim'
  | 'principal';

/** What an error may carry besides its code. */
export interface ResourceServerErrorOptions {
  /** For the operator only: a constant text, never a token, a claim value or upstream text. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/**
 * The root of all errors of this package. `description` is a public constant; `detail` is private and says to the
 * operator what to do.
 */
export abstract class ResourceServerError extends Error {
  /** Stable code. */
  abstract readonly code: ResourceServerErrorCode;
  /** HTTP status that the client gets. */
  abstract readonly status: number;
  /** The challenge's `error` (RFC 6750 §3.1), when there is one. */
  readonly error: string | undefined = undefined;
  /** Public text, the same for every error of its class. */
  readonly description: string;
  /** Private text for the operator. In no response, and in no JSON of this error. */
  declare readonly detail: string | undefined;

  constructor(description: string, options: ResourceServerErrorOptions = {}) {
    // A refusal is an answer and no accident: where in this package it was made helps nobody, and costs most of it.
    const { stackTraceLimit } = Error;
    Reflect.set(Error, 'stackTraceLimit', 0);
    super(description, options.cause === undefined ? undefined : { cause: options.cause });
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
    this.description = description;
    Object.defineProperty(this, 'name', { value: new.target.name, enumerable: false });
    Object.defineProperty(this, 'detail', { value: options.detail, enumerable: false });
  }
}

/** The client's fault: answered with a challenge (RFC 6750 §3). */
export abstract class AccessTokenError extends ResourceServerError {}

/** No usable credentials: 401 with a challenge that has no `error` (RFC 6750 §3.1). */
export class MissingCredentialsError extends AccessTokenError {
  readonly code = 'ERR_CREDENTIALS_MISSING';
  readonly status = 401;
  /** The scopes that the resource needs, for the challenge. */
  readonly scopes: readonly string[];

  constructor(scopes: readonly string[] = []) {
    super('Unauthorized');
    this.scopes = scopes;
  }
}

/** The request is malformed: broken `Authorization` syntax or more than one token. 400 `invalid_request`. */
export class InvalidRequestError extends AccessTokenError {
  readonly code = 'ERR_REQUEST_INVALID';
  readonly status = 400;
  override readonly error = 'invalid_request';

  constructor(options?: ResourceServerErrorOptions) {
    super('The request must carry one well-formed access token', options);
  }
}

/** The access token gives no access, for whatever private `reason`. 401 `invalid_token`, always with the same description. */
export class InvalidTokenError extends AccessTokenError {
  readonly code = 'ERR_TOKEN_INVALID';
  readonly status = 401;
  override readonly error = 'invalid_token';
  /** Private: for events and logs. In no response, and in no JSON of this error. */
  declare readonly reason: InvalidTokenReason;

  constructor(reason: InvalidTokenReason, options?: ResourceServerErrorOptions) {
    super('The access token is not valid for this resource', options);
    Object.defineProperty(this, 'reason', { value: reason, enumerable: false });
  }
}

/** The token is good but lacks a scope. 403 `insufficient_scope`, naming what the resource needs (RFC 6750 §3.1). */
export class InsufficientScopeError extends AccessTokenError {
  readonly code = 'ERR_SCOPE_INSUFFICIENT';
  readonly status = 403;
  override readonly error = 'insufficient_scope';
  readonly scopes: readonly string[];

  constructor(scopes: readonly string[]) {
    super('The access token lacks a scope that this resource needs');
    this.scopes = scopes;
  }
}

/** Refused for a reason that no other access token scope would mend (a role, an application's policy). 403, no challenge. */
export class AccessDeniedError extends ResourceServerError {
  readonly code = 'ERR_ACCESS_DENIED';
  readonly status = 403;

  constructor(options?: ResourceServerErrorOptions) {
    super('Forbidden', options);
  }
}

/** One client has presented too many tokens that were refused. 429 with `Retry-After`, no challenge (RFC 6585 §4). */
export class TooManyUnknownTokensError extends ResourceServerError {
  readonly code = 'ERR_UNKNOWN_TOKENS';
  readonly status = 429;
  /** Whole seconds until the client is listened to again, at least 1. */
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number, options?: ResourceServerErrorOptions) {
    super('Too Many Requests', options);
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterSeconds));
  }
}
