import {
  ClientRejectedError,
  IntrospectionResponseError,
  IntrospectionUnavailableError,
} from '../../protocol/authorization-server-errors.js';
import { formatBasicCredentials } from '../../protocol/client-credentials.js';
import { normalizeMediaType } from '../../protocol/compact-jwt.js';
import { type ResourceServerError } from '../../protocol/errors.js';
import { INACTIVE, type IntrospectionResponse, parseIntrospectionResponse } from '../../protocol/introspection-response.js';
import { decodeUtf8, parseJsonObject } from '../../protocol/json.js';
import { parseRetryAfter } from '../../protocol/retry-after.js';
import { type Clock, stopwatchMs } from '../clock.js';
import type { Deadline } from '../deadline.js';
import type { EventSink } from '../events.js';
import type { NoticeSink } from '../notices.js';
import type { ClientAuthentication, Secret } from '../options/options.js';
import type { HttpClient, OutboundResponse } from '../outbound/http-client.js';
import { OutboundError } from '../outbound/outbound-error.js';

/** What an introspection client works with. */
export interface IntrospectionClientParts {
  readonly issuer: string;
  readonly endpoint: (deadline: Deadline) => string | Promise<string>;
  readonly authentication: ClientAuthentication;
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly emit: EventSink;
  readonly notify: NoticeSink;
}

/** Asks an issuer's introspection endpoint. @see RFC 7662 §2 */
export class IntrospectionClient {
  readonly #parts: IntrospectionClientParts;
  #silentUntilMs = Number.NEGATIVE_INFINITY;

  constructor(parts: IntrospectionClientParts) {
    this.#parts = parts;
  }

  /**
   * Asks about one token. Every answer is for this call alone; nothing is remembered but a `Retry-After`.
   *
   * Not checked: times, issuer, audience and binding of what comes back.
   *
   * @throws {AuthorizationServerError} whenever there is no answer to rely on
   */
  async introspect(token: string, deadline: Deadline): Promise<IntrospectionResponse> {
    const { issuer, clock, emit, notify } = this.#parts;
    const silentMs = this.#silentUntilMs - clock.now();
    if (silentMs > 0) {
      throw new IntrospectionUnavailableError({
        detail: 'the server asked us to wait (Retry-After)',
        retryAfterSeconds: silentMs / 1000,
      });
    }
    const startedMs = stopwatchMs();
    let status: number | undefined;
    try {
      const response = await this.#send(token, deadline);
      ({ status } = response);
      const answer = this.#read(response);
      const outcome = answer.active ? 'active' : 'inactive';
      emit({ type: 'verification.introspected', issuer, outcome, status, durationMs: stopwatchMs() - startedMs });
      return answer;
    } catch (error) {
      const failure = toFailure(error);
      emit({
        type: 'verification.introspected',
        issuer,
        outcome: 'failed',
        ...(status !== undefined && { status }),
        durationMs: stopwatchMs() - startedMs,
      });
      if (failure instanceof ClientRejectedError) emit({ type: 'verification.client_rejected', issuer, status: status ?? 0 });
      notify({
        level: 'error',
        text: `No answer to rely on from the introspection endpoint of ${issuer}: ${failure.detail ?? failure.code}`,
      });
      throw failure;
    }
  }

  async #send(token: string, deadline: Deadline): Promise<OutboundResponse> {
    const { authentication, client } = this.#parts;
    const url = await this.#parts.endpoint(deadline);
    const secret = await readSecret(authentication.clientSecret, deadline);
    const form = new URLSearchParams({ token, token_type_hint: 'access_token' });
    const headers: Record<string, string> = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
    if (authentication.method === 'client_secret_basic') {
      headers.authorization = formatBasicCredentials(authentication.clientId, secret);
    } else {
      form.set('client_id', authentication.clientId);
      form.set('client_secret', secret);
    }
    return client.send({ method: 'POST', url, headers, body: form.toString() }, deadline);
  }

  #read(response: OutboundResponse): IntrospectionResponse {
    const { status } = response;
    if (status === 200) return readAnswer(response);
    const error = status === 400 ? errorCodeOf(response) : undefined;
    if (error === 'unsupported_token_type') return INACTIVE;
    const said = `${status} from the introspection endpoint`;
    if (status === 401 || status === 403 || error === 'invalid_client') {
      throw new ClientRejectedError({ detail: `${said}: it refuses our credentials; check clientAuthentication` });
    }
    if (status === 429 || status >= 500) {
      const retryAfterSeconds = this.#obeyRetryAfter(response);
      throw new IntrospectionUnavailableError({ detail: said, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) });
    }
    throw new IntrospectionResponseError({ detail: `${said}; is introspectionEndpoint right? Redirects are not followed` });
  }

  #obeyRetryAfter(response: OutboundResponse): number | undefined {
    const now = this.#parts.clock.now();
    const seconds = parseRetryAfter(response.headers.get('retry-after'), now);
    if (seconds !== undefined) this.#silentUntilMs = now + seconds * 1000;
    return seconds;
  }
}

function readAnswer(response: OutboundResponse): IntrospectionResponse {
  const type = response.headers.get('content-type')?.split(';', 1)[0]?.trim() ?? '';
  if (normalizeMediaType(type) !== 'application/json') {
    throw new IntrospectionResponseError({ detail: 'the introspection response is not application/json' });
  }
  const answer = parseIntrospectionResponse(response.body);
  if ('malformed' in answer)
    throw new IntrospectionResponseError({ detail: `the introspection response is malformed: ${String(answer.malformed)}` });
  return answer;
}

function errorCodeOf(response: OutboundResponse): unknown {
  const text = decodeUtf8(response.body);
  return text === undefined ? undefined : parseJsonObject(text)?.error;
}

async function readSecret(secret: Secret, deadline: Deadline): Promise<string> {
  if (typeof secret === 'string') return secret;
  const late = () => new IntrospectionUnavailableError({ detail: 'the function clientSecret took longer than the deadline' });
  let value: unknown;
  try {
    value = await deadline.wait(Promise.resolve(secret()), late);
  } catch (error) {
    if (error instanceof IntrospectionUnavailableError) throw error;
    // What it threw may quote the secret.
    throw new IntrospectionUnavailableError({ detail: 'the function clientSecret threw' });
  }
  if (typeof value !== 'string' || value === '')
    throw new IntrospectionUnavailableError({ detail: 'the function clientSecret answered no text' });
  return value;
}

function toFailure(error: unknown): ResourceServerError {
  if (error instanceof OutboundError) {
    const hint =
      error.failure === 'too_large' ? ' (see http.maxResponseBytes)' : error.failure === 'timeout' ? ' (see http.timeoutMs)' : '';
    const Failure =
      error.failure === 'too_large' || error.failure === 'malformed' ? IntrospectionResponseError : IntrospectionUnavailableError;
    return new Failure({ detail: `the call failed: ${error.message}${hint}` });
  }
  return error as ResourceServerError;
}
