import { type Clock, isWithin } from '../clock.js';

/** How a breaker is set. */
export interface BreakerOptions {
  /** So many failures in a row open it. */
  readonly failures: number;
  readonly openMs: number;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

/** What a call came to: trouble with the server, an answer, or neither. */
export type CallOutcome = 'failed' | 'answered' | 'neither';

/** What a call goes out as: one of many, or the one that sees whether the server is back. */
export type Leave = 'call' | 'probe';

/**
 * Leaves a server alone that fails again and again. When the time is over one call goes out to see; until it has come
 * to something, no other does.
 */
export class CircuitBreaker {
  #failures = 0;
  #openedAtMs: number | undefined;
  #isProbing = false;

  constructor(
    private readonly options: BreakerOptions,
    private readonly clock: Clock,
    private readonly onChange: (state: 'opened' | 'closed') => void,
  ) {}

  get state(): BreakerState {
    if (this.#openedAtMs === undefined) return 'closed';
    return isWithin(this.#openedAtMs, this.options.openMs, this.clock.now()) ? 'open' : 'half-open';
  }

  /** Milliseconds until a call may go out again; 0 where one may now. */
  get openLeftMs(): number {
    if (this.state !== 'open') return 0;
    return (this.#openedAtMs ?? 0) + this.options.openMs - this.clock.now();
  }

  /** Takes leave for a call, whose outcome is to be told; `undefined` where none may go out. */
  takeLeave(): Leave | undefined {
    const { state } = this;
    if (state === 'closed') return 'call';
    if (state === 'open' || this.#isProbing) return undefined;
    this.#isProbing = true;
    return 'probe';
  }

  note(leave: Leave, outcome: CallOutcome): void {
    if (leave === 'probe') this.#isProbing = false;
    if (outcome === 'neither') return;
    if (outcome === 'answered') {
      this.#failures = 0;
      if (this.#openedAtMs !== undefined) this.onChange('closed');
      this.#openedAtMs = undefined;
      return;
    }
    this.#failures += 1;
    const isOpen = this.#openedAtMs !== undefined;
    if (leave === 'probe' || (!isOpen && this.#failures >= this.options.failures)) {
      this.#openedAtMs = this.clock.now();
      if (!isOpen) this.onChange('opened');
    }
  }
}
