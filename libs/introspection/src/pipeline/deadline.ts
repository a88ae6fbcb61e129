import { stopwatchMs } from './clock.js';

/**
 * One bound for all that a request waits for: metadata, keys, call and retry.
 */
export class Deadline {
  readonly #timeoutMs: number;
  readonly #startedMs = stopwatchMs();

  /** By the stopwatch, when the request began that this is a bound of. */
  readonly originMs: number;

  constructor(timeoutMs: number, originMs?: number) {
    this.#timeoutMs = timeoutMs;
    this.originMs = originMs ?? this.#startedMs;
  }

  /** An equal part of the time that is left, for the first of several that are waited for one after the other. */
  share(parts: number): Deadline {
    return new Deadline(this.leftMs / parts, this.originMs);
  }

  /** Milliseconds until the time is over, 0 when it is. */
  get leftMs(): number {
    return Math.max(0, this.#timeoutMs - (stopwatchMs() - this.#startedMs));
  }

  /**
   * Waits for something shared no longer than this deadline; the shared work goes on for the others.
   *
   * @throws what `late` makes, when the time is over first
   */
  async wait<T>(shared: Promise<T>, late: () => Error): Promise<T> {
    let cancel: (() => void) | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      cancel = afterHearing(this.leftMs, () => reject(late()));
    });
    try {
      return await Promise.race([shared, timeout]);
    } finally {
      cancel?.();
    }
  }
}

/** A timer that comes later than this says that the process was busy, and could neither ask nor hear. */
const STALL_MS = 20;
/** What is given back of such a time at most. */
const MAX_GRACE_MS = 100;

/**
 * Calls back when a time is over and what has come in until then was heard: a process that was busy runs its timers
 * before it reads its sockets, and would take its own business for the other's silence. Keeps no process alive.
 *
 * @returns what cancels it
 */
export function afterHearing(durationMs: number, callback: () => void): () => void {
  const dueMs = stopwatchMs() + durationMs;
  let immediate: NodeJS.Immediate | undefined;
  const hear = (): void => {
    immediate = setImmediate(callback);
  };
  let timer = setTimeout(() => {
    const lateMs = stopwatchMs() - dueMs;
    if (lateMs < STALL_MS) hear();
    else timer = setTimeout(hear, Math.min(lateMs, MAX_GRACE_MS)).unref();
  }, Math.ceil(durationMs)).unref();
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}
