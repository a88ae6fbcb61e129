import type { Clock } from '../clock.js';
import type { Deadline } from '../deadline.js';
import type { EventSink } from '../events.js';
import { CallSlots, type SlotLimits } from './call-slots.js';
import { type BreakerOptions, type CallOutcome, CircuitBreaker, type Leave } from './circuit-breaker.js';
import type { HttpClient } from './http-client.js';
import { OutboundError } from './outbound-error.js';
import type { OutboundRequest, OutboundResponse } from './transport.js';

/** What an endpoint client works with. */
export interface EndpointClientParts {
  readonly issuer: string;
  readonly endpoint: 'introspection' | 'keys' | 'metadata';
  readonly client: HttpClient;
  readonly limits: SlotLimits & { readonly breaker: BreakerOptions };
  readonly clock: Clock;
  readonly emit: EventSink;
}

const TROUBLE: readonly OutboundError['failure'][] = ['refused', 'reset', 'timeout', 'unreachable'];
const TROUBLE_STATUSES = [429, 502, 503, 504];

/** One endpoint of one issuer: as many calls as it may have at a time, and none while it is in trouble. */
export class EndpointClient {
  readonly #parts: EndpointClientParts;
  readonly #slots: CallSlots;
  readonly breaker: CircuitBreaker;

  constructor(parts: EndpointClientParts) {
    const { issuer, endpoint, limits, clock, emit } = parts;
    this.#parts = parts;
    this.#slots = new CallSlots(limits);
    this.breaker = new CircuitBreaker(limits.breaker, clock, (state) => emit({ type: `breaker.${state}`, issuer, endpoint }));
  }

  /**
   * @param read reads the response; a 200 that it cannot read is no answer, and no trouble either
   * @param client where the connection itself is a credential, the one that has it
   * @throws {OutboundError} when no whole answer came in time, or no call went out
   * @throws whatever `read` throws
   */
  async send<T>(
    prepare: () => OutboundRequest | Promise<OutboundRequest>,
    deadline: Deadline,
    read: (response: OutboundResponse) => T | Promise<T>,
    client = this.#parts.client,
  ): Promise<T> {
    this.#refuseWhileOpen();
    if (!this.#slots.tryTake()) await this.#slots.take(deadline);
    let outcome: CallOutcome = 'neither';
    let leave: Leave | undefined;
    try {
      leave = this.breaker.takeLeave();
      if (leave === undefined) throw this.#openError();
      const response = await client.send(prepare, deadline);
      outcome = outcomeOf(response.status, false);
      const result = await read(response);
      outcome = outcomeOf(response.status, true);
      return result;
    } catch (error) {
      if (error instanceof OutboundError && TROUBLE.includes(error.failure)) outcome = 'failed';
      throw error;
    } finally {
      if (leave !== undefined) this.breaker.note(leave, outcome);
      this.#slots.release();
    }
  }

  /** Before waiting for a slot, which would be in vain. */
  #refuseWhileOpen(): void {
    if (this.breaker.state === 'open') throw this.#openError();
  }

  #openError(): OutboundError {
    return new OutboundError('breaker_open', undefined, this.breaker.openLeftMs / 1000);
  }
}

/** A 500, or a 200 that makes no sense, says no more than that one request failed. */
function outcomeOf(status: number, isRead: boolean): CallOutcome {
  if (TROUBLE_STATUSES.includes(status)) return 'failed';
  const isAnswer = status >= 400 && status < 500;
  return isAnswer || (status === 200 && isRead) ? 'answered' : 'neither';
}
