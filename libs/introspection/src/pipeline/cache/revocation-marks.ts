import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { disregard } from '../../protocol/thenable.js';
import { type Clock, stopwatchMs } from '../clock.js';
import { Deadline } from '../deadline.js';
import { isRecent, type Moment, momentNow } from './moment.js';
import type { Mark, MarksRead, SharedMarks } from './shared-marks.js';
import { StoreFailure } from './store-failure.js';
import type { MarkName, TokenIdentity } from './token-identity.js';

/**
 * What marks say of a token: nothing; that it is revoked; that it may be (it does not say when it was issued), so that
 * only a fresh answer will do; or nothing that can be relied on, as the store cannot be reached.
 */
export type RevocationVerdict = 'clear' | 'revoked' | 'doubtful' | 'unknown';

/** What revocation marks work with. */
export interface RevocationMarksParts {
  readonly clock: Clock;
  readonly markSeconds: number;
  /** How long what the store said of marks holds. */
  readonly localTtlMs: number;
  readonly timeoutMs: number;
  /** Names marks and tokens in tables, so that none of them holds a claim or a token. */
  readonly hashOf: (name: MarkName) => string;
  /** The marks that other instances see; absent where there are none. */
  readonly shared: SharedMarks | undefined;
}

interface KnownMark extends Mark {
  readonly kind: MarkName[0];
}

/** More marks at once mean a mistake of the caller; forgetting one would let a revoked token in. */
const MAX_MARKS = 100_000;
/** JWTs of which it is remembered that no mark was about them. */
const MAX_CLEARED = 10_000;

/** What has been revoked here and, with a shared store, elsewhere. Whatever is known is looked at without a call. */
export class RevocationMarks {
  readonly #parts: RevocationMarksParts;
  readonly #known = new Map<string, KnownMark>();
  readonly #cleared = new LRUCache<string, string>({ max: MAX_CLEARED });
  readonly #refreshing = new Set<string>();
  #learnedMs = 0;
  #epoch: { readonly text: string; readonly moment: Moment } | undefined;

  constructor(parts: RevocationMarksParts) {
    this.#parts = parts;
  }

  /** Whether there is nothing to look at: no mark is known, and nobody else could have one. */
  get isIdle(): boolean {
    return this.#known.size === 0 && this.#parts.shared === undefined;
  }

  /** By the stopwatch, when a mark became known here for the last time. */
  get learnedMs(): number {
    return this.#learnedMs;
  }

  /** What the marks that are known here say of a token. */
  judge(token: TokenIdentity): 'clear' | 'revoked' | 'doubtful' {
    if (this.#known.size === 0) return 'clear';
    const nowMs = this.#parts.clock.now();
    let isDoubtful = false;
    for (const hash of token.hashes(this.#parts.hashOf)) {
      const mark = this.#known.get(hash);
      if (mark === undefined || nowMs >= mark.untilMs) continue;
      // A token and its `jti` are themselves: there is no later one that was not meant.
      if (mark.kind === 'token' || mark.kind === 'jti') return 'revoked';
      if (token.issuedAtSeconds === undefined) isDoubtful = true;
      else if (token.issuedAtSeconds <= mark.beforeSeconds) return 'revoked';
    }
    return isDoubtful ? 'doubtful' : 'clear';
  }

  /** As {@link judge}, after the marks of other instances are known. `unknown`: the store cannot be reached. */
  check(token: TokenIdentity, deadline: Deadline): RevocationVerdict | Promise<RevocationVerdict> {
    if (this.#parts.shared === undefined) return this.judge(token);
    const [hash] = token.hashes(this.#parts.hashOf) as readonly [string];
    const now = momentNow(this.#parts.clock);
    if (!isRecent(this.#epoch?.moment, this.#parts.localTtlMs, now) || this.#cleared.get(hash) !== this.#epoch?.text) {
      return this.#learnOf(token, deadline).then((isKnown) => (isKnown ? this.judge(token) : 'unknown'));
    }
    if (!isRecent(this.#epoch?.moment, this.#parts.localTtlMs / 2, now)) this.#refreshEpoch();
    return this.judge(token);
  }

  /** Whether a token itself is revoked, of which nothing else is known yet. A store that cannot be reached says nothing. */
  async isTokenRevoked(token: string, deadline: Deadline): Promise<boolean> {
    const name: MarkName = ['token', token];
    if (this.#parts.shared !== undefined) await this.#read([name], deadline);
    const mark = this.#known.size === 0 ? undefined : this.#known.get(this.#parts.hashOf(name));
    return mark !== undefined && this.#parts.clock.now() < mark.untilMs;
  }

  /** Learns the marks of a token from the store. @returns `false` when the store cannot be reached */
  async #learnOf(token: TokenIdentity, deadline: Deadline): Promise<boolean> {
    const read = await this.#read(token.names, deadline);
    if (read === undefined) return false;
    const [hash] = token.hashes(this.#parts.hashOf) as readonly [string];
    this.#cleared.set(hash, read.epoch);
    return true;
  }

  /**
   * Revokes tokens by a mark, here at once, and on the other instances before this resolves.
   *
   * @throws {Error} when the mark could not be written
   */
  async revoke(name: MarkName, beforeSeconds: number | undefined): Promise<void> {
    const { clock, markSeconds, localTtlMs, timeoutMs } = this.#parts;
    const nowMs = clock.now();
    const mark = { beforeSeconds: beforeSeconds ?? nowMs / 1000, untilMs: nowMs + markSeconds * 1000 };
    if (!this.#learn(name, mark)) throw new Error('revoke: too many marks are standing; shorten revocation.markSeconds');
    if (this.#parts.shared === undefined) return;
    try {
      await this.#parts.shared.write(name, mark, new Deadline(timeoutMs));
    } catch {
      throw new Error('revoke: the mark could not be written to cache.shared, so other instances do not know it; try again');
    }
    // By then whatever an instance holds is older than it may be without asking the store.
    await sleep(localTtlMs);
  }

  #refreshEpoch(): void {
    if (this.#refreshing.has('epoch')) return;
    this.#refreshing.add('epoch');
    disregard(this.#read([], new Deadline(this.#parts.timeoutMs)).finally(() => this.#refreshing.delete('epoch')));
  }

  async #read(names: readonly MarkName[], deadline: Deadline): Promise<MarksRead | undefined> {
    try {
      const read = await (this.#parts.shared as SharedMarks).read(names, deadline);
      const areKnown = names.every((name, index) => this.#learn(name, read.marks[index]));
      if (!areKnown) return undefined;
      const isNewer = this.#epoch === undefined || read.moment.stopwatchMs >= this.#epoch.moment.stopwatchMs;
      if (isNewer) this.#epoch = { text: read.epoch, moment: read.moment };
      return read;
    } catch (error) {
      if (error instanceof StoreFailure) return undefined;
      throw error;
    }
  }

  /** @returns `false` where there is no room for a mark */
  #learn(name: MarkName, mark: Mark | undefined): boolean {
    if (mark === undefined) return true;
    const hash = this.#parts.hashOf(name);
    const known = this.#known.get(hash);
    if (known === undefined && this.#known.size >= MAX_MARKS) this.#forgetOver(this.#parts.clock.now());
    if (known === undefined && this.#known.size >= MAX_MARKS) return false;
    const isNews = known === undefined || mark.beforeSeconds > known.beforeSeconds;
    if (isNews) this.#learnedMs = stopwatchMs();
    this.#known.set(hash, {
      kind: name[0],
      beforeSeconds: Math.max(mark.beforeSeconds, known?.beforeSeconds ?? 0),
      untilMs: Math.max(mark.untilMs, known?.untilMs ?? 0),
    });
    return true;
  }

  #forgetOver(nowMs: number): void {
    for (const [hash, mark] of this.#known) if (nowMs >= mark.untilMs) this.#known.delete(hash);
  }
}
