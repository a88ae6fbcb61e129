import { stopwatchMs } from './clock.js';

/**
 * One bound for all that a request waits for: metadata, keys, call and retry.
 */
export class Deadline {
  readonly #timeoutMs: number;
  readonly #startedMs = stopwatchMs();
  #signal: AbortSignal | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** An equal part of the time that is left, for the first of several that are waited for one after the other. */
  share(parts: number): Deadline {
    return new Deadline(this.#leftMs / parts);
  }

  get #leftMs(): number {
    return Math.max(0, this.#timeoutMs - (stopwatchMs() - this.#startedMs));
  }

  /** Aborts when the time is over. The timer keeps no process alive. */
  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.timeout(Math.ceil(this.#leftMs));
    return this.#signal;
  }

  /**
   * Waits for something shared no longer than this deadline; the shared work goes on for the others.
   *
   * @throws what `late` makes, when the time is over first
   */
  async wait<T>(shared: Promise<T>, late: () => Error): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      // The timer keeps no process alive, and is not kept itself once the wait is over.
      timer = setTimeout(() => reject(late()), Math.ceil(this.#leftMs)).unref();
    });
    try {
      return await Promise.race([shared, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}
