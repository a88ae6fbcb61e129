import { AuthorizationServerError } from '../protocol/authorization-server-errors.js';
import { AccessTokenError, InvalidTokenError, ResourceServerError, TooManyUnknownTokensError } from '../protocol/errors.js';
import type { EventSink } from './events.js';
import type { NoticeSink } from './notices.js';

/**
 * Tells the operator why a request was refused: an event for each, a line for each reason once a minute. What goes
 * wrong at the authorization server was told where it happened.
 */
export function reportRefusal(error: unknown, emit: EventSink, notify: NoticeSink): void {
  if (!(error instanceof ResourceServerError) || error instanceof AuthorizationServerError) return;
  const { code } = error;
  if (error instanceof InvalidTokenError) {
    emit({ type: 'verification.refused', reason: error.reason });
    if (error.reason === 'audience') emit({ type: 'anomaly.foreign_audience' });
  } else if (code === 'ERR_CREDENTIALS_MISSING' || code === 'ERR_REQUEST_INVALID') emit({ type: 'extract.refused', code });
  else emit({ type: 'policy.refused', code });
  if (error instanceof TooManyUnknownTokensError) {
    notify({ level: 'warn', text: 'A client presents more refused tokens than unknownTokens allows' });
  }
  if (error instanceof AccessTokenError && error.detail !== undefined) {
    const reason = error instanceof InvalidTokenError ? error.reason : error.error;
    notify({ level: 'warn', text: `Refused an access token (${reason}): ${error.detail}` });
  }
}
