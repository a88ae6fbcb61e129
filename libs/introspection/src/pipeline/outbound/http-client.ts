import type { Deadline } from '../deadline.js';
import type { ResolvedHttpOptions } from '../options/resolved-options.js';
import { createFetchTransport } from './fetch-transport.js';
import { OutboundError } from './outbound-error.js';
import type { OutboundRequest, OutboundResponse, Transport } from './transport.js';
import { createDispatcherTransport, createPoolTransport } from './undici-transport.js';

const RETRIED_STATUSES = [502, 503, 504];

/**
 * The only way out of this package, with a deadline and a size limit on every call.
 *
 * Redirects are not followed: a 3xx is an answer like any other, and neither token nor credentials go elsewhere.
 * At most one retry, on a fresh connection, where nothing can have been processed or the server says it was not.
 */
export class HttpClient {
  readonly #options: ResolvedHttpOptions;
  readonly #transport: Transport;

  /** @param certificate PEM of our own, for mutual TLS */
  constructor(options: ResolvedHttpOptions, certificate?: { readonly cert: string; readonly key: string }) {
    this.#options = options;
    const { timeoutMs, maxConcurrent, ca, fetch, dispatcher } = options;
    if (fetch !== undefined) this.#transport = createFetchTransport(fetch);
    else if (dispatcher !== undefined) this.#transport = createDispatcherTransport(dispatcher);
    else this.#transport = createPoolTransport({ timeoutMs, maxConnections: maxConcurrent, ca, certificate });
  }

  /**
   * @param prepare makes the request, for each attempt anew: credentials may be good for one
   * @throws {OutboundError} when no whole answer came in time
   */
  async send(prepare: () => OutboundRequest | Promise<OutboundRequest>, deadline: Deadline): Promise<OutboundResponse> {
    const first = await prepare();
    let response: OutboundResponse;
    try {
      response = await this.#attempt(first, deadline, false);
    } catch (error) {
      if (this.#options.retries === 0 || !isSafeToRetry(error)) throw error;
      return this.#attempt(await prepare(), deadline, true);
    }
    const isWorthIt = RETRIED_STATUSES.includes(response.status) && !response.headers.has('retry-after');
    return this.#options.retries > 0 && isWorthIt ? this.#attempt(await prepare(), deadline, true) : response;
  }

  /** Ends when the calls under way have ended. */
  drain(): Promise<void> {
    return this.#transport.drain();
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #attempt(request: OutboundRequest, deadline: Deadline, isRetry: boolean): Promise<OutboundResponse> {
    const timeoutMs = deadline.leftMs;
    if (timeoutMs <= 0) throw new OutboundError('timeout');
    const headers = { 'user-agent': this.#options.userAgent, ...request.headers };
    return this.#transport.send({ ...request, headers }, { timeoutMs, maxBytes: this.#options.maxResponseBytes }, isRetry);
  }
}

function isSafeToRetry(error: unknown): boolean {
  return error instanceof OutboundError && (error.failure === 'refused' || error.failure === 'reset');
}
