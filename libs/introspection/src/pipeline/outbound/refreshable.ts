import { type Clock, isWithin } from '../clock.js';
import { Deadline } from '../deadline.js';

/**
 * How long after the nth failure in a row nothing is asked: the first two are free, so that recovery shows at once.
 * Shortened by chance, so that instances that failed together do not come back together.
 */
function pauseMs(failures: number): number {
  return failures < 3 ? 0 : Math.min(1000 * 2 ** (failures - 3), 30_000) * (1 - Math.random() / 10);
}

/** The pause that a server asked for by `Retry-After`; every failure asks for a second at least, which is none. */
function askedPauseMs(error: unknown): number {
  const { retryAfterSeconds } = error as { retryAfterSeconds?: unknown };
  return typeof retryAfterSeconds === 'number' && retryAfterSeconds > 1 ? retryAfterSeconds * 1000 : 0;
}

/**
 * A value that is fetched, held, and fetched again: one fetch in the air, the last good value kept when a later fetch
 * fails, and pauses that grow while it fails.
 */
export class Refreshable<T> {
  #value: T | undefined;
  #loadedAtMs = 0;
  #failures = 0;
  #failedAtMs: number | undefined;
  #pauseMs = 0;
  #pending: Promise<T> | undefined;

  constructor(
    private readonly load: (deadline: Deadline) => Promise<T>,
    private readonly clock: Clock,
    private readonly timeoutMs: number,
  ) {}

  /** The last good value, however old. */
  get value(): T | undefined {
    return this.#value;
  }

  /** When the fetch of the held value began; `undefined` where none is held. */
  get loadedAtMs(): number | undefined {
    return this.#value === undefined ? undefined : this.#loadedAtMs;
  }

  /** Milliseconds since the fetch of the held value began; infinite where none is held. */
  get ageMs(): number {
    const ageMs = this.clock.now() - this.#loadedAtMs;
    // A clock that was set back cannot tell how old the value is.
    return this.#value === undefined || ageMs < 0 ? Number.POSITIVE_INFINITY : ageMs;
  }

  /** Whether the latest fetch failed. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  /** Whether a fetch is in the air. */
  get isRefreshing(): boolean {
    return this.#pending !== undefined;
  }

  /** Milliseconds for which nothing is asked because fetches failed; 0 where the next may go out. */
  get pauseLeftMs(): number {
    const now = this.clock.now();
    if (this.#pending !== undefined || !isWithin(this.#failedAtMs, this.#pauseMs, now)) return 0;
    return (this.#failedAtMs ?? now) + this.#pauseMs - now;
  }

  /** Fetches, or joins the fetch in the air. It has a deadline of its own, as many may wait for it. */
  refresh(): Promise<T> {
    this.#pending ??= this.#refresh().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** As {@link refresh}, for nobody in particular: a failure is no unhandled rejection, and pauses are kept. */
  refreshInBackground(): void {
    if (this.pauseLeftMs === 0) this.refresh().catch(() => {});
  }

  async #refresh(): Promise<T> {
    const startedAtMs = this.clock.now();
    try {
      const value = await this.load(new Deadline(this.timeoutMs));
      this.#value = value;
      this.#loadedAtMs = startedAtMs;
      this.#failures = 0;
      this.#failedAtMs = undefined;
      return value;
    } catch (error) {
      this.#failures += 1;
      this.#failedAtMs = this.clock.now();
      this.#pauseMs = Math.max(pauseMs(this.#failures), askedPauseMs(error));
      throw error;
    }
  }
}
