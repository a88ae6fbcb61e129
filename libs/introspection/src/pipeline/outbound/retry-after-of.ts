import { parseRetryAfter } from '../../protocol/retry-after.js';
import type { OutboundResponse } from './transport.js';

/** What a server that is busy (429) or failing (5xx) asks us to wait, for an error's options. @see RFC 9110 §10.2.3 */
export function retryAfterOf(response: OutboundResponse, nowMs: number): { readonly retryAfterSeconds?: number } {
  if (response.status !== 429 && response.status < 500) return {};
  const retryAfterSeconds = parseRetryAfter(response.headers.get('retry-after'), nowMs);
  return retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
}
