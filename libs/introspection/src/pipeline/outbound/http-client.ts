import { Agent, type Dispatcher, request } from 'undici';
import type { Deadline } from '../deadline.js';
import type { ResolvedHttpOptions } from '../options/resolved-options.js';
import { OutboundError, toOutboundError } from './outbound-error.js';
import { readBody } from './read-body.js';
import { trackedConnector } from './tracked-connector.js';

/** A call to the authorization server. */
export interface OutboundRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Its answer, read whole. Header names are lower case; a repeated field is its first line. */
export interface OutboundResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

const MAX_CONNECTIONS = 256;
const RETRIED_STATUSES = [502, 503, 504];

/**
 * The only way out of this package: a keep-alive pool with a deadline and a size limit on every call.
 *
 * Redirects are not followed: a 3xx is an answer like any other, and neither token nor credentials go elsewhere.
 * At most one retry, on a fresh connection, where nothing can have been processed or the server says it was not.
 */
export class HttpClient {
  readonly #options: ResolvedHttpOptions;
  readonly #pool: Agent;
  readonly #fresh: Agent;

  /** @param certificate PEM of our own, for mutual TLS */
  constructor(options: ResolvedHttpOptions, certificate?: { readonly cert: string; readonly key: string }) {
    this.#options = options;
    const connect = trackedConnector({
      timeout: options.timeoutMs,
      ...(options.ca !== undefined && { ca: [...options.ca] }),
      ...certificate,
    });
    this.#pool = new Agent({ connect, connections: MAX_CONNECTIONS });
    this.#fresh = new Agent({ connect, connections: MAX_CONNECTIONS, pipelining: 0 });
  }

  /**
   * @param prepare makes the request, for each attempt anew: credentials may be good for one
   * @throws {OutboundError} when no whole answer came in time
   */
  async send(prepare: () => OutboundRequest | Promise<OutboundRequest>, deadline: Deadline): Promise<OutboundResponse> {
    if (this.#options.retries === 0) return this.#attempt(await prepare(), deadline, this.#pool);
    const first = await prepare();
    let response: OutboundResponse;
    try {
      response = await this.#attempt(first, deadline, this.#pool);
    } catch (error) {
      if (!isSafeToRetry(error)) throw error;
      return this.#attempt(await prepare(), deadline, this.#fresh);
    }
    const again = RETRIED_STATUSES.includes(response.status) && !response.headers.has('retry-after');
    return again ? this.#attempt(await prepare(), deadline, this.#fresh) : response;
  }

  /** Ends when the calls under way have ended. */
  async drain(): Promise<void> {
    await Promise.all([this.#pool.close(), this.#fresh.close()]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.destroy(), this.#fresh.destroy()]);
  }

  async #attempt(call: OutboundRequest, deadline: Deadline, dispatcher: Dispatcher): Promise<OutboundResponse> {
    const { signal } = deadline;
    let hasAnswered = false;
    try {
      const response = await request(call.url, {
        dispatcher,
        signal,
        method: call.method,
        headers: { 'user-agent': 'nestjs-introspection', ...call.headers },
        ...(call.body !== undefined && { body: call.body }),
      });
      hasAnswered = true;
      const headers = firstLines(response.headers);
      const body = await readBody(response.body, headers.get('content-encoding'), this.#options.maxResponseBytes);
      return { status: response.statusCode, headers, body };
    } catch (error) {
      const failure = toOutboundError(error, signal.aborted);
      const isBrokenAnswer = hasAnswered && failure.failure !== 'timeout' && failure.failure !== 'too_large';
      throw isBrokenAnswer ? new OutboundError('malformed', failure.platformCode) : failure;
    }
  }
}

function isSafeToRetry(error: unknown): boolean {
  return error instanceof OutboundError && (error.failure === 'refused' || error.failure === 'reset');
}

function firstLines(headers: Readonly<Record<string, string | string[] | undefined>>): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const line = Array.isArray(value) ? value[0] : value;
    if (line !== undefined) lines.set(name, line);
  }
  return lines;
}
