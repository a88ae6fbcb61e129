import { disregard } from '../../protocol/thenable.js';
import { type Clock, isWithin, stopwatchMs } from '../clock.js';
import { Deadline } from '../deadline.js';
import type { EventSink } from '../events.js';
import type { NoticeSink } from '../notices.js';
import type { Seal } from './seal.js';
import type { Seals } from './seals.js';
import { StoreFailure } from './store-failure.js';
import type { StoreLink } from './store-link.js';

/** After a failure nobody waits for the store for so long: a store that hangs must not slow every request. */
const PAUSE_MS = 1000;
/** The store's part of the time that a request has; the authorization server may have to be asked after it. */
const PARTS_OF_DEADLINE = 4;
/** Less than this is no time for a store to answer in, so long as half of what is left is more. */
const LEAST_MS = 200;

/** What a shared store works with. */
export interface SharedStoreParts {
  readonly link: StoreLink;
  readonly seals: Seals;
  readonly clock: Clock;
  readonly emit: EventSink;
  readonly notify: NoticeSink;
}

/** The store that instances share, within bounds: every call ends, and a store in trouble is left alone for a while. */
export class SharedStore {
  readonly #parts: SharedStoreParts;
  #failedAtMs: number | undefined;
  #outageSinceMs: number | undefined;

  constructor(parts: SharedStoreParts) {
    this.#parts = parts;
  }

  /** Whether the latest call failed. */
  get isFailing(): boolean {
    return this.#failedAtMs !== undefined;
  }

  /** By the stopwatch, when the first call failed of those that failed since one succeeded. */
  get outageSinceMs(): number | undefined {
    return this.#outageSinceMs;
  }

  /**
   * Does something with the store, within the store's part of a deadline.
   *
   * @throws {StoreFailure} when it failed, took too long, or is being left alone
   */
  async use<T>(
    deadline: Deadline,
    work: (link: StoreLink, seals: readonly Seal[]) => Promise<T>,
    when: 'unless failing' | 'even when failing' = 'unless failing',
  ): Promise<T> {
    const { link, seals, clock } = this.#parts;
    if (when === 'unless failing' && isWithin(this.#failedAtMs, PAUSE_MS, clock.now()))
      throw new StoreFailure('the shared store failed a moment ago');
    const running = (async () => work(link, await seals.current()))();
    // Whoever loses the race may fail later, when nobody listens any more.
    disregard(running);
    try {
      const result = await storesPartOf(deadline).wait(
        running,
        () => new StoreFailure('the shared store did not answer in time'),
      );
      this.#failedAtMs = undefined;
      this.#outageSinceMs = undefined;
      return result;
    } catch (error) {
      this.#noteFailure(error);
      throw new StoreFailure('the shared store failed');
    }
  }

  #noteFailure(error: unknown): void {
    const { clock, emit, notify } = this.#parts;
    this.#failedAtMs = clock.now();
    this.#outageSinceMs ??= stopwatchMs();
    emit({ type: 'cache.store_failed' });
    const why = error instanceof StoreFailure ? error.message : 'a call failed';
    notify({
      level: 'error',
      text: `cache.shared: ${why}. Without it every answer is asked for live; check the store and its connection`,
    });
  }
}

function storesPartOf(deadline: Deadline): Deadline {
  const { leftMs } = deadline;
  return new Deadline(Math.max(leftMs / PARTS_OF_DEADLINE, Math.min(LEAST_MS, leftMs / 2)), deadline.originMs);
}
