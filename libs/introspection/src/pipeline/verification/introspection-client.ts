import { ClientRejectedError, IntrospectionUnavailableError } from '../../protocol/authorization-server-errors.js';
import type { ResourceServerError } from '../../protocol/errors.js';
import type { IntrospectionResponse } from '../../protocol/introspection-response.js';
import { type Clock, isWithin, stopwatchMs } from '../clock.js';
import type { Deadline } from '../deadline.js';
import type { EventSink } from '../events.js';
import type { NoticeSink } from '../notices.js';
import type { ResolvedIssuerOptions } from '../options/resolved-options.js';
import type { EndpointClient } from '../outbound/endpoint-client.js';
import type { OutboundResponse } from '../outbound/transport.js';
import { retryAfterOf } from '../outbound/retry-after-of.js';
import type { ClientAuthenticator, UnauthenticatedCall } from './client-authentication/client-authenticator.js';
import { isRejection, readIntrospectionAnswer, toIntrospectionFailure } from './introspection-answer.js';
import { SIGNED_RESPONSE_TYPE, type SignedResponseParts } from './signed-response.js';

/** What an introspection client works with. */
export interface IntrospectionClientParts {
  readonly options: ResolvedIssuerOptions;
  readonly endpoint: (deadline: Deadline) => string | Promise<string>;
  readonly authenticator: ClientAuthenticator;
  /** Absent where plain JSON is asked for. */
  readonly signedResponse: SignedResponseParts | undefined;
  readonly client: EndpointClient;
  readonly clock: Clock;
  readonly emit: EventSink;
  readonly notify: NoticeSink;
}

type Read<T> = (response: OutboundResponse) => T | Promise<T>;

/** Asks an issuer's introspection endpoint. @see RFC 7662 §2 */
export class IntrospectionClient {
  readonly #parts: IntrospectionClientParts;
  #silence: { readonly sinceMs: number; readonly durationMs: number } | undefined;
  #isFailing = false;
  #lastSuccessAtMs: number | undefined;

  constructor(parts: IntrospectionClientParts) {
    this.#parts = parts;
  }

  /** Whether the latest call brought no answer to rely on. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** When an answer came in for the last time, by the clock. */
  get lastSuccessAtMs(): number | undefined {
    return this.#lastSuccessAtMs;
  }

  /**
   * Asks about one token. Every answer is for this call alone; nothing is remembered but a `Retry-After`.
   *
   * Not checked: times, issuer, audience and binding of what comes back.
   *
   * @throws {AuthorizationServerError} whenever there is no answer to rely on
   */
  async introspect(token: string, deadline: Deadline): Promise<IntrospectionResponse> {
    const { options, clock, emit, notify } = this.#parts;
    const { issuer } = options;
    const now = clock.now();
    if (this.#silence !== undefined && isWithin(this.#silence.sinceMs, this.#silence.durationMs, now)) {
      const leftMs = this.#silence.sinceMs + this.#silence.durationMs - now;
      throw new IntrospectionUnavailableError({
        detail: 'the server asked us to wait (Retry-After)',
        retryAfterSeconds: leftMs / 1000,
      });
    }
    const startedMs = stopwatchMs();
    let status: number | undefined;
    try {
      const answer = await this.#ask(token, deadline, (response) => {
        ({ status } = response);
        this.#obeyRetryAfter(response);
        return readIntrospectionAnswer(response, options, this.#parts.signedResponse, deadline, clock.now());
      });
      this.#isFailing = false;
      this.#lastSuccessAtMs = clock.now();
      const outcome = answer.active ? 'active' : 'inactive';
      emit({ type: 'verification.introspected', issuer, outcome, ...known(status), durationMs: stopwatchMs() - startedMs });
      return answer;
    } catch (error) {
      this.#isFailing = true;
      const failure = toIntrospectionFailure(error) as ResourceServerError;
      emit({
        type: 'verification.introspected',
        issuer,
        outcome: 'failed',
        ...known(status),
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

  /** One call; and another where our credentials were refused and can be renewed. */
  async #ask(token: string, deadline: Deadline, read: Read<IntrospectionResponse>): Promise<IntrospectionResponse> {
    const { authenticator } = this.#parts;
    const first = this.#createCall(token);
    const readFirst: Read<IntrospectionResponse | undefined> = (response) =>
      isRejection(response) && authenticator.renew?.(first) === true ? undefined : read(response);
    return (await this.#send(first, deadline, readFirst)) ?? this.#send(this.#createCall(token), deadline, read);
  }

  async #send<T>(call: UnauthenticatedCall, deadline: Deadline, read: Read<T>): Promise<T> {
    const { authenticator } = this.#parts;
    const endpoint = this.#parts.endpoint(deadline);
    const url = typeof endpoint === 'string' ? endpoint : await endpoint;
    const transport = authenticator.transport && (await authenticator.transport(deadline));
    const prepare = async () => {
      await authenticator.authenticate(call, deadline);
      return { method: 'POST' as const, url, headers: call.headers, body: call.form.toString() };
    };
    return this.#parts.client.send(prepare, deadline, read, transport);
  }

  #createCall(token: string): UnauthenticatedCall {
    const { introspectionParameters, introspectionResponse, compatibility } = this.#parts.options;
    const form = new URLSearchParams(introspectionParameters);
    form.append('token', token);
    if (!compatibility.omitTokenTypeHint && !form.has('token_type_hint')) form.set('token_type_hint', 'access_token');
    const accept = introspectionResponse.type === 'json' ? 'application/json' : SIGNED_RESPONSE_TYPE;
    return { form, headers: { accept, 'content-type': 'application/x-www-form-urlencoded' } };
  }

  #obeyRetryAfter(response: OutboundResponse): void {
    const sinceMs = this.#parts.clock.now();
    const { retryAfterSeconds } = retryAfterOf(response, sinceMs);
    if (retryAfterSeconds !== undefined) this.#silence = { sinceMs, durationMs: retryAfterSeconds * 1000 };
  }
}

function known(status: number | undefined): { readonly status?: number } {
  return status === undefined ? {} : { status };
}
