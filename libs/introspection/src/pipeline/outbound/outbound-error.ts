import { isPartial } from './tracked-connector.js';

/** What went wrong with an outbound call, as a word for logs. */
export type OutboundFailure =
  'refused' | 'reset' | 'timeout' | 'unreachable' | 'too_large' | 'malformed' | 'queue_full' | 'breaker_open';

/** An outbound call that brought no usable answer. Holds a code of the platform, never upstream text. */
export class OutboundError extends Error {
  constructor(
    readonly failure: OutboundFailure,
    readonly platformCode?: string,
    /** When asking again may be worth it, where that is known. */
    readonly retryAfterSeconds?: number,
  ) {
    super(platformCode === undefined ? failure : `${failure} (${platformCode})`);
  }
}

/** A failure as the options of the error that it becomes. */
export function asDetails({ message, retryAfterSeconds }: OutboundError): {
  readonly detail: string;
  readonly retryAfterSeconds?: number;
} {
  return { detail: message, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}

const REFUSED = ['ECONNREFUSED'];
const RESET = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'];
const TIMEOUT = [
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_ABORTED',
  'ABORT_ERR',
];

/** Classifies what the HTTP client threw. Only codes in capitals are kept: messages may quote what came over the wire. */
export function toOutboundError(error: unknown): OutboundError {
  if (error instanceof OutboundError) return error;
  const code = platformCodeOf(error);
  if (code === undefined) return new OutboundError('unreachable');
  if (REFUSED.includes(code)) return new OutboundError('refused', code);
  if (RESET.includes(code)) return new OutboundError(isPartial(error) ? 'malformed' : 'reset', code);
  if (TIMEOUT.includes(code)) return new OutboundError('timeout', code);
  if (code.startsWith('HPE_') || code.startsWith('Z_') || code === 'UND_ERR_HEADERS_OVERFLOW')
    return new OutboundError('malformed', code);
  return new OutboundError('unreachable', code);
}

function platformCodeOf(error: unknown): string | undefined {
  const code: unknown = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(code) ? code : undefined;
}
