import type { Deadline } from '../deadline.js';
import { OutboundError } from './outbound-error.js';

/** How many calls may be under way, and how many may wait for their turn. */
export interface SlotLimits {
  readonly maxConcurrent: number;
  readonly maxQueued: number;
}

/** Lets so many calls go out at a time, and the next ones wait, in their order and no longer than their deadlines. */
export class CallSlots {
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  constructor(private readonly limits: SlotLimits) {}

  /** Takes a slot that is free. */
  tryTake(): boolean {
    if (this.#taken >= this.limits.maxConcurrent) return false;
    this.#taken += 1;
    return true;
  }

  /**
   * Takes a slot, or waits for one.
   *
   * @throws {OutboundError} `queue_full`, or `timeout` when no turn came in time
   */
  async take(deadline: Deadline): Promise<void> {
    if (this.tryTake()) return;
    if (this.#waiting.size >= this.limits.maxQueued) throw new OutboundError('queue_full');
    let giveTurn: (() => void) | undefined;
    const turn = new Promise<void>((resolve) => {
      giveTurn = resolve;
      this.#waiting.add(resolve);
    });
    try {
      await deadline.wait(turn, () => new OutboundError('timeout'));
    } catch (error) {
      // A turn that was given in the same moment goes to the next.
      if (giveTurn !== undefined && !this.#waiting.delete(giveTurn)) this.release();
      throw error;
    }
  }

  /** Gives a slot back; whoever has waited longest gets it. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#taken -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
