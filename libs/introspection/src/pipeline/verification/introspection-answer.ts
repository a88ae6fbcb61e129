import {
  ClientRejectedError,
  IntrospectionResponseError,
  IntrospectionUnavailableError,
} from '../../protocol/authorization-server-errors.js';
import { normalizeMediaType } from '../../protocol/compact-jwt.js';
import {
  INACTIVE,
  type IntrospectionResponse,
  type MalformedResponse,
  parseIntrospectionResponse,
  readIntrospectionResponse,
} from '../../protocol/introspection-response.js';
import { decodeUtf8, parseJsonObject } from '../../protocol/json.js';
import type { Deadline } from '../deadline.js';
import type { ResolvedIssuerOptions } from '../options/resolved-options.js';
import type { OutboundResponse } from '../outbound/transport.js';
import { retryAfterOf } from '../outbound/retry-after-of.js';
import { OutboundError } from '../outbound/outbound-error.js';
import { openSignedResponse, SIGNED_RESPONSE_TYPE, type SignedResponseParts } from './signed-response.js';

/**
 * Reads what an introspection endpoint answered. Only a 200 says something about the token, and a 400
 * `unsupported_token_type`, which means that the server knows no such token.
 *
 * @throws {AuthorizationServerError} for everything else; nothing the server said is repeated
 */
export async function readIntrospectionAnswer(
  response: OutboundResponse,
  options: ResolvedIssuerOptions,
  signed: SignedResponseParts | undefined,
  deadline: Deadline,
  nowMs: number,
): Promise<IntrospectionResponse> {
  if (response.status === 200) return readBody(response, options, signed, deadline);
  if (isUnsupportedTokenType(response)) return INACTIVE;
  const { status } = response;
  const said = `${status} from the introspection endpoint`;
  if (status === 401 || status === 403 || errorCodeOf(response) === 'invalid_client') {
    throw new ClientRejectedError({ detail: `${said}: it refuses our credentials; check clientAuthentication` });
  }
  if (status === 429 || status >= 500) {
    throw new IntrospectionUnavailableError({ detail: said, ...retryAfterOf(response, nowMs) });
  }
  throw new IntrospectionResponseError({ detail: `${said}; is introspectionEndpoint right? Redirects are not followed` });
}

/** Whether the endpoint refused us, as far as a status can say: some servers answer 400 to a bad bearer token. */
export function isRejection(response: OutboundResponse): boolean {
  return response.status === 401 || response.status === 403 || (response.status === 400 && !isUnsupportedTokenType(response));
}

/** What the failure of a call means, in our words. */
export function toIntrospectionFailure(error: unknown): unknown {
  if (!(error instanceof OutboundError)) return error;
  const { failure, message, retryAfterSeconds } = error;
  const Failure = failure === 'too_large' || failure === 'malformed' ? IntrospectionResponseError : IntrospectionUnavailableError;
  const option = OPTIONS[failure];
  const hint = option === undefined ? '' : ` (see ${option})`;
  return new Failure({
    detail: `the call failed: ${message}${hint}`,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/** Where the operator can do something about a failure. */
const OPTIONS: Partial<Record<OutboundError['failure'], string>> = {
  too_large: 'http.maxResponseBytes',
  timeout: 'http.timeoutMs',
  queue_full: 'http.maxConcurrent and http.maxQueued',
  breaker_open: 'http.breaker',
};

async function readBody(
  response: OutboundResponse,
  options: ResolvedIssuerOptions,
  signed: SignedResponseParts | undefined,
  deadline: Deadline,
): Promise<IntrospectionResponse> {
  const type = normalizeMediaType(response.headers.get('content-type')?.split(';', 1)[0]?.trim() ?? '');
  const { compatibility, introspectionResponse } = options;
  if (signed !== undefined && type === SIGNED_RESPONSE_TYPE) {
    const object = await openSignedResponse(decodeUtf8(response.body) ?? '', signed, deadline);
    return wellFormed(readIntrospectionResponse(object, compatibility));
  }
  if (introspectionResponse.type === 'jwt') {
    throw new IntrospectionResponseError({
      detail: "the introspection response is not signed: see introspectionResponse 'jwt-preferred'",
    });
  }
  if (type !== 'application/json' && !compatibility.anyContentType) {
    throw new IntrospectionResponseError({
      detail: 'the introspection response is not application/json: see compatibility.anyContentType',
    });
  }
  return wellFormed(parseIntrospectionResponse(response.body, compatibility));
}

function wellFormed(answer: IntrospectionResponse | MalformedResponse): IntrospectionResponse {
  if (!('malformed' in answer) || 'active' in answer) return answer as IntrospectionResponse;
  throw new IntrospectionResponseError({ detail: `the introspection response is malformed: ${String(answer.malformed)}` });
}

function isUnsupportedTokenType(response: OutboundResponse): boolean {
  return response.status === 400 && errorCodeOf(response) === 'unsupported_token_type';
}

function errorCodeOf(response: OutboundResponse): unknown {
  const text = response.status === 400 ? decodeUtf8(response.body) : undefined;
  return text === undefined ? undefined : parseJsonObject(text)?.error;
}
