import { AuthorizationServerError } from '../protocol/authorization-server-errors.js';
import { formatChallenge } from '../protocol/challenge.js';
import {
  AccessTokenError,
  InsufficientScopeError,
  MissingCredentialsError,
  type ResourceServerError,
  TooManyUnknownTokensError,
} from '../protocol/errors.js';

/** What a client is answered when its request is refused. */
export interface ChallengeResponse {
  readonly status: number;
  /** Lower-case names are not needed; a list is several field lines. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: { readonly statusCode: number; readonly error?: string; readonly message: string };
}

/**
 * Turns a refusal into status, headers and body. Nothing in it depends on the token, so that unknown, expired and
 * revoked tokens look alike.
 *
 * @see RFC 6750 §3, RFC 9110 §11.6.1 and §10.2.3
 */
export function toChallengeResponse(error: ResourceServerError, realm: string): ChallengeResponse {
  const headers: Record<string, string> = { 'Cache-Control': 'no-store' };
  if (error instanceof AccessTokenError) headers['WWW-Authenticate'] = bearerChallenge(error, realm);
  if (error instanceof AuthorizationServerError || error instanceof TooManyUnknownTokensError)
    headers['Retry-After'] = String(error.retryAfterSeconds);
  const body = { statusCode: error.status, ...(error.error !== undefined && { error: error.error }), message: error.description };
  return { status: error.status, headers, body };
}

function bearerChallenge(error: AccessTokenError, realm: string): string {
  const isAboutScopes = error instanceof InsufficientScopeError || error instanceof MissingCredentialsError;
  return formatChallenge('Bearer', {
    realm,
    error: error.error,
    error_description: error.error === undefined ? undefined : error.description,
    scope: isAboutScopes && error.scopes.length > 0 ? error.scopes.join(' ') : undefined,
  });
}
