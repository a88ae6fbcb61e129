import type { Dispatcher } from 'undici';
import { afterHearing } from '../deadline.js';
import { decodeBody } from './decode-body.js';
import { OutboundError, toOutboundError } from './outbound-error.js';
import type { AttemptLimits, OutboundResponse } from './transport.js';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Collects one response as it comes in, within its limits. A stream for each response costs more than the rest of the
 * call.
 */
export class ResponseCollector implements Dispatcher.DispatchHandler {
  readonly response: Promise<OutboundResponse>;
  readonly #chunks: Buffer[] = [];
  readonly #stopTimer: () => void;
  #size = 0;
  #status = 0;
  #headers: Headers = {};
  #controller: Dispatcher.DispatchController | undefined;
  #failure: OutboundError | undefined;
  #resolve!: (response: OutboundResponse | Promise<OutboundResponse>) => void;
  #reject!: (error: OutboundError) => void;

  constructor(private readonly limits: AttemptLimits) {
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#stopTimer = afterHearing(limits.timeoutMs, () => this.fail(new OutboundError('timeout')));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The time may have been over while the connection was made.
    if (this.#failure !== undefined) controller.abort(this.#failure);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.byteLength;
    if (this.#size > this.limits.maxBytes) this.fail(new OutboundError('too_large'));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#stopTimer();
    if (this.#failure === undefined) this.#resolve(this.#assemble());
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const failure = toOutboundError(error);
    const isBrokenAnswer = this.#status !== 0 && failure.failure !== 'timeout';
    this.fail(isBrokenAnswer ? new OutboundError('malformed', failure.platformCode) : failure);
  }

  /** Ends the call, with the first reason that was given. */
  fail(failure: OutboundError): void {
    this.#stopTimer();
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#reject(failure);
    this.#controller?.abort(failure);
  }

  #assemble(): OutboundResponse | Promise<OutboundResponse> {
    const headers = firstLines(this.#headers);
    const sent = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#size);
    const encoding = headers.get('content-encoding');
    const status = this.#status;
    if (encoding === undefined) return { status, headers, body: sent };
    return decodeBody(sent, encoding, this.limits.maxBytes).then((body) => ({ status, headers, body }));
  }
}

function firstLines(headers: Headers): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    const line = Array.isArray(value) ? value[0] : value;
    if (line !== undefined) lines.set(name, line);
  }
  return lines;
}
