import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { disregard } from '../../protocol/thenable.js';
import { type Clock, stopwatchMs } from '../clock.js';
import { Deadline } from '../deadline.js';
import { isRecent, type Moment, momentNow } from './moment.js';
import type { Mark, MarksRead, SharedMarks } from './shared-marks.js';
import type { TokenHash } from './token-hash.js';
import { StoreFailure } from './store-failure.js';
import type { MarkName, RevocableToken } from './token-identity.js';

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
  /** Names tokens in tables, so that none of them holds one. */
  readonly nameOf: TokenHash;
  /** The same for marks, which may be about a claim. */
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

  /** By the stopwatch, since when the marks of other instances cannot be had; `undefined` while they can. */
  get outageSinceMs(): number | undefined {
    return this.#parts.shared?.outageSinceMs;
  }

  /** By the stopwatch, when a mark became known here for the last time. */
  get learnedMs(): number {
    return this.#learnedMs;
  }

  /**
   * What is known here of a token; `undefined` where the marks of other instances have to be looked at, by
   * {@link check}.
   */
  judge(revocable: RevocableToken): 'clear' | 'revoked' | 'doubtful' | undefined {
    if (this.#parts.shared !== undefined && !this.#isLearned(revocable.name)) return undefined;
    return this.#judgeKnown(revocable);
  }

  /** As {@link judge}, after the marks of other instances are known. `unknown`: the store cannot be reached. */
  async check(revocable: RevocableToken, deadline: Deadline): Promise<RevocationVerdict> {
    const verdict = this.judge(revocable);
    if (verdict !== undefined) return verdict;
    const { token, name, identity } = revocable;
    const read = await this.#read([['token', token], ...identity.names], deadline);
    if (read === undefined) return this.#judgeKnown(revocable) === 'revoked' ? 'revoked' : 'unknown';
    this.#cleared.set(name, read.epoch);
    return this.#judgeKnown(revocable);
  }

  /** Whether a token itself is revoked, of which nothing else is known yet. A store that cannot be reached says nothing. */
  async isTokenRevoked(token: string, name: string, deadline: Deadline): Promise<boolean> {
    if (this.isIdle) return false;
    if (this.#parts.shared !== undefined) await this.#read([['token', token]], deadline);
    return this.#standing(name, this.#parts.clock.now()) !== undefined;
  }

  /** Whether nothing was revoked anywhere since the marks of a token were looked at. */
  #isLearned(name: string): boolean {
    const epoch = this.#epoch;
    if (epoch === undefined || this.#cleared.get(name) !== epoch.text) return false;
    const { clock, localTtlMs } = this.#parts;
    const now = momentNow(clock);
    if (!isRecent(epoch.moment, localTtlMs, now)) return false;
    if (!isRecent(epoch.moment, localTtlMs / 2, now)) this.#refreshEpoch();
    return true;
  }

  #judgeKnown({ name, identity }: RevocableToken): 'clear' | 'revoked' | 'doubtful' {
    if (this.#known.size === 0) return 'clear';
    const nowMs = this.#parts.clock.now();
    if (this.#standing(name, nowMs) !== undefined) return 'revoked';
    let isDoubtful = false;
    for (const hash of identity.hashes(this.#parts.hashOf)) {
      const mark = this.#standing(hash, nowMs);
      if (mark === undefined) continue;
      // A token and its `jti` are themselves: there is no later one that was not meant.
      if (mark.kind === 'jti') return 'revoked';
      if (identity.issuedAtSeconds === undefined) isDoubtful = true;
      else if (identity.issuedAtSeconds <= mark.beforeSeconds) return 'revoked';
    }
    return isDoubtful ? 'doubtful' : 'clear';
  }

  #standing(hash: string, nowMs: number): KnownMark | undefined {
    const mark = this.#known.get(hash);
    return mark !== undefined && nowMs < mark.untilMs ? mark : undefined;
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
    // A token's own mark goes by the name that the token has in every table.
    const hash = name[0] === 'token' ? this.#parts.nameOf(name[1] ?? '') : this.#parts.hashOf(name);
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
