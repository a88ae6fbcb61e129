import { LRUCache } from 'lru-cache';
import { TooManyUnknownTokensError } from '../../protocol/errors.js';
import { type Clock, isWithin } from '../clock.js';
import type { EventSink } from '../events.js';

/** How many refused tokens one client may present. */
export interface UnknownTokenLimits {
  readonly perClient: number;
  readonly windowMs: number;
}

/** What unknown tokens are counted with. */
export interface UnknownTokensParts {
  /** Absent: nobody is kept off, and only bursts are told. */
  readonly limits: UnknownTokenLimits | undefined;
  /** Who sent a request; `undefined` where that cannot be told. */
  readonly clientOf: (request: object) => string | undefined;
  readonly clock: Clock;
  readonly emit: EventSink;
}

interface Window {
  readonly sinceMs: number;
  count: number;
}

/** So many clients are remembered; one that is forgotten starts anew. */
const MAX_CLIENTS = 10_000;
/** Without limits, what counts as a burst. */
const BURST: UnknownTokenLimits = { perClient: 20, windowMs: 60_000 };

/**
 * Counts refused tokens by client. Trying tokens until one fits costs the authorization server a call for each; a client
 * that does so is kept off for the rest of its window.
 *
 * @see RFC 7662 §4 (token scanning)
 */
export class UnknownTokens {
  readonly #parts: UnknownTokensParts;
  readonly #limits: UnknownTokenLimits;
  readonly #windows = new LRUCache<string, Window>({ max: MAX_CLIENTS });

  constructor(parts: UnknownTokensParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? BURST;
  }

  /** @throws {TooManyUnknownTokensError} for a client that has presented too many */
  assertWithin(request: object): void {
    const { limits, clock, clientOf } = this.#parts;
    const client = limits === undefined ? undefined : clientOf(request);
    const window = client === undefined ? undefined : this.#current(client);
    if (window === undefined || window.count < this.#limits.perClient) return;
    throw new TooManyUnknownTokensError((window.sinceMs + this.#limits.windowMs - clock.now()) / 1000);
  }

  /** Counts a refused token; the operator hears of every burst, and again whenever it has doubled. */
  note(request: object): void {
    const { clientOf, clock, emit } = this.#parts;
    const client = clientOf(request);
    if (client === undefined) return;
    const window = this.#current(client) ?? { sinceMs: clock.now(), count: 0 };
    window.count += 1;
    this.#windows.set(client, window);
    const bursts = Math.log2(window.count / this.#limits.perClient);
    if (Number.isInteger(bursts) && bursts >= 0) emit({ type: 'anomaly.invalid_tokens', client, count: window.count });
  }

  #current(client: string): Window | undefined {
    const window = this.#windows.get(client);
    return window !== undefined && isWithin(window.sinceMs, this.#limits.windowMs, this.#parts.clock.now()) ? window : undefined;
  }
}
