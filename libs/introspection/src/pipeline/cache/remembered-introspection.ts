import {
  AuthorizationServerError,
  ClientRejectedError,
  IntrospectionUnavailableError,
} from '../../protocol/authorization-server-errors.js';
import { InvalidTokenError } from '../../protocol/errors.js';
import type { IntrospectionResponse } from '../../protocol/introspection-response.js';
import { disregard } from '../../protocol/thenable.js';
import type { Clock } from '../clock.js';
import { Deadline } from '../deadline.js';
import type { EventSink } from '../events.js';
import { CallsInFlight, type CallUnderWay } from './calls-in-flight.js';
import { msLeft, type RememberedAnswer } from './freshness.js';
import { isRecent, momentNow } from './moment.js';
import type { PresentedToken } from '../presented-token.js';
import type { AnswerCache } from './answer-cache.js';
import type { RevocationMarks, RevocationVerdict } from './revocation-marks.js';
import type { SharedAnswers } from './shared-answers.js';
import type { StoreFailure } from './store-failure.js';
import type { TokenIdentity } from './token-identity.js';

/** What a remembered introspection works with. */
export interface RememberedIntrospectionParts {
  readonly issuer: string;
  readonly ask: (token: string, deadline: Deadline) => Promise<IntrospectionResponse>;
  /** Reads an active answer: who can revoke it, and when it ends. */
  readonly identify: (response: IntrospectionResponse) => { identity: TokenIdentity; expiresAtMs: number };
  /** In front of every name in the tables that issuers share. */
  readonly tag: string;
  /** Absent: nothing is remembered. */
  readonly cache: AnswerCache | undefined;
  readonly shared: SharedAnswers | undefined;
  readonly marks: RevocationMarks;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly toleranceSeconds: number;
  readonly emit: EventSink;
}

interface Question {
  readonly token: string;
  /** Of the token, in every table. */
  readonly tokenName: string;
  /** Of the answer, which is this issuer's. */
  readonly name: string;
  readonly maxAgeMs: number;
}

/**
 * Answers of one issuer's introspection endpoint: remembered where that is allowed, asked for once where many ask at
 * the same time, and never in contradiction to a revocation.
 *
 * Not checked: what every use of an answer has to check again (times, audience, scopes, binding).
 */
export class RememberedIntrospection {
  readonly #parts: RememberedIntrospectionParts;
  readonly #calls: CallsInFlight<RememberedAnswer>;
  readonly #refreshing = new Set<string>();

  constructor(parts: RememberedIntrospectionParts) {
    this.#parts = parts;
    this.#calls = new CallsInFlight(parts.timeoutMs);
  }

  /** What is remembered and may be used without asking anybody; `undefined` where somebody has to be asked. */
  recall(presented: PresentedToken, maxAgeMs: number): IntrospectionResponse | undefined {
    if (this.#parts.cache === undefined || maxAgeMs === 0) return undefined;
    const question = this.#question(presented, maxAgeMs);
    const known = this.#recall(question);
    if (known === undefined || (known.identity !== undefined && this.#judgeNow(question, known.identity) !== 'clear'))
      return undefined;
    return this.#use(question, known);
  }

  /**
   * @param maxAgeMs how long ago the call may have begun that brought the answer; 0: no call that began before
   * @throws {InvalidTokenError} for a token that was revoked here
   * @throws {AuthorizationServerError} when there is no answer to rely on
   */
  async introspect(presented: PresentedToken, maxAgeMs: number, deadline: Deadline): Promise<IntrospectionResponse> {
    let question = this.#question(presented, maxAgeMs);
    let isMissing = false;
    if (this.#parts.cache !== undefined && question.maxAgeMs > 0) {
      const known = this.#recall(question) ?? (await this.#recallShared(question, deadline));
      const verdict = known && (await this.#judge(question, known, deadline));
      if (known !== undefined && verdict === 'clear') return this.#use(question, known);
      if (verdict === 'revoked') throw this.#revoked();
      this.#parts.emit({ type: 'cache.miss', issuer: this.#parts.issuer });
      isMissing = known === undefined;
      // What is doubtful about an answer, only a call that begins now can put right.
      if (verdict === 'doubtful') question = { ...question, maxAgeMs: 0 };
    }
    if (await this.#isKnownAsRevoked(question, deadline)) throw this.#revoked();
    try {
      return await this.#ask(question, deadline, isMissing);
    } catch (error) {
      return await this.#withoutAnswer(question, error, deadline);
    }
  }

  /** What is remembered in this process and may be used, as far as its age goes. */
  #recall({ name, maxAgeMs }: Question): RememberedAnswer | undefined {
    const { cache, clock, shared } = this.#parts;
    const answer = cache?.answers.get(name);
    if (cache === undefined || answer === undefined) return undefined;
    const now = momentNow(clock);
    if (msLeft(answer, cache.options, now.clockMs) <= 0 || now.clockMs - answer.askedAtMs > maxAgeMs) return undefined;
    return shared === undefined || isRecent(answer.confirmed, cache.options.localTtlMs, now) ? answer : undefined;
  }

  /** What other instances have been told, taken over into this process. */
  async #recallShared(question: Question, deadline: Deadline): Promise<RememberedAnswer | undefined> {
    const { cache, clock, shared } = this.#parts;
    if (cache === undefined || shared === undefined) return undefined;
    const found = await shared.read(question.token, deadline).catch((_failure: StoreFailure) => undefined);
    if (found === undefined) return undefined;
    const held = cache.answers.get(question.name);
    const known = held?.askedAtMs === found.askedAtMs ? { ...held, confirmed: found.confirmed } : this.#describe(found);
    const nowMs = clock.now();
    if (msLeft(known, cache.options, nowMs) + cache.options.staleIfErrorMs > 0) cache.answers.set(question.name, known);
    return msLeft(known, cache.options, nowMs) > 0 && nowMs - known.askedAtMs <= question.maxAgeMs ? known : undefined;
  }

  /** Whether no call is needed to refuse it: by the token itself, or by what was said of it, however long ago. */
  async #isKnownAsRevoked(question: Question, deadline: Deadline): Promise<boolean> {
    const { cache, marks } = this.#parts;
    if (marks.isIdle) return false;
    const identity = cache?.answers.get(question.name)?.identity;
    if (identity !== undefined && this.#judgeNow(question, identity) === 'revoked') return true;
    return marks.isTokenRevoked(question.token, question.tokenName, deadline);
  }

  #question({ token, name }: PresentedToken, maxAgeMs: number): Question {
    return { token, tokenName: name, name: this.#parts.tag + name, maxAgeMs };
  }

  #judgeNow({ token, tokenName }: Question, identity: TokenIdentity) {
    const { marks } = this.#parts;
    return marks.isIdle ? 'clear' : marks.judge({ token, name: tokenName, identity });
  }

  async #judge(question: Question, { identity }: RememberedAnswer, deadline: Deadline): Promise<RevocationVerdict> {
    if (identity === undefined) return 'clear';
    const { token, tokenName: name } = question;
    return this.#judgeNow(question, identity) ?? this.#parts.marks.check({ token, name, identity }, deadline);
  }

  #use(question: Question, known: RememberedAnswer): IntrospectionResponse {
    const { cache, clock, emit, issuer, shared } = this.#parts;
    const now = momentNow(clock);
    emit({ type: 'cache.hit', issuer, ageMs: now.clockMs - known.askedAtMs });
    if (cache !== undefined && known.response.active) {
      const { localTtlMs, refreshAheadMs } = cache.options;
      const isAging = msLeft(known, cache.options, now.clockMs) < refreshAheadMs;
      if (isAging) this.#inBackground(question, (deadline) => this.#ask(question, deadline, false));
      else if (shared !== undefined && !isRecent(known.confirmed, localTtlMs / 2, now))
        this.#inBackground(question, (deadline) => this.#recallShared(question, deadline));
    }
    return known.response;
  }

  /** One piece of work at a time for a token; a failure shows when somebody needs the result. */
  #inBackground({ name }: Question, work: (deadline: Deadline) => Promise<unknown>): void {
    if (this.#refreshing.has(name)) return;
    this.#refreshing.add(name);
    disregard(work(new Deadline(this.#parts.timeoutMs)).finally(() => this.#refreshing.delete(name)));
  }

  /** Asks the authorization server; marks that were set meanwhile win. */
  async #ask(question: Question, deadline: Deadline, isMissing: boolean): Promise<IntrospectionResponse> {
    const { cache, marks } = this.#parts;
    let { maxAgeMs } = question;
    for (let calls = 0; calls < 2; calls += 1) {
      const answer = await this.#calls.join(question.name, maxAgeMs, deadline, (call) => this.#call(question, call, isMissing));
      if (marks.isIdle) return answer.response;
      const verdict = await this.#judge(question, answer, deadline);
      if (verdict === 'revoked') throw this.#revoked();
      if (verdict === 'clear') return answer.response;
      if (this.#isNewerThanDoubt(answer, verdict)) return answer.response;
      maxAgeMs = verdict === 'doubtful' ? 0 : (cache?.options.localTtlMs ?? 0);
    }
    throw new IntrospectionUnavailableError({ detail: 'nobody could say in time whether the token was revoked (cache.shared)' });
  }

  /**
   * Whether the call for an answer began when what casts doubt on it was known already. While the store is away, what
   * others revoked before then may be unknown here, but was known to whoever was asked afterwards, or is theirs to say.
   */
  #isNewerThanDoubt({ confirmed }: RememberedAnswer, verdict: 'doubtful' | 'unknown'): boolean {
    const { cache, clock, marks } = this.#parts;
    if (verdict === 'doubtful') return confirmed.stopwatchMs > marks.learnedMs;
    const { outageSinceMs = Number.POSITIVE_INFINITY } = marks;
    return confirmed.stopwatchMs >= outageSinceMs || isRecent(confirmed, cache?.options.localTtlMs ?? 0, momentNow(clock));
  }

  async #call({ token, name }: Question, call: CallUnderWay, isMissing: boolean): Promise<RememberedAnswer> {
    const { ask, cache, clock } = this.#parts;
    const confirmed = momentNow(clock);
    const response = await ask(token, call.deadline);
    const answer = this.#describe({ response, askedAtMs: confirmed.clockMs, confirmed });
    if (!response.active && cache?.answers.get(name)?.response.active === true) this.#noteRevoked();
    if (cache === undefined || call.isOvertaken()) return answer;
    const leftMs = msLeft(answer, cache.options, clock.now());
    if (leftMs > 0) cache.answers.set(name, answer);
    else cache.answers.delete(name);
    this.#share(token, answer, leftMs, isMissing);
    return answer;
  }

  #noteRevoked(): void {
    this.#parts.emit({ type: 'anomaly.revoked_token_used', issuer: this.#parts.issuer });
  }

  #revoked(): InvalidTokenError {
    this.#noteRevoked();
    return new InvalidTokenError('inactive', { detail: 'the token was revoked by revoke()' });
  }

  /** Nobody waits for the store: what it does not get, another instance asks for. */
  #share(token: string, answer: RememberedAnswer, leftMs: number, isMissing: boolean): void {
    const { cache, clock, shared, timeoutMs } = this.#parts;
    if (cache === undefined || shared === undefined) return;
    const deadline = new Deadline(timeoutMs);
    const untilMs = Math.min(leftMs + cache.options.staleIfErrorMs, answer.expiresAtMs - clock.now());
    if (answer.response.active && leftMs > 0) shared.write(token, answer.response, answer.askedAtMs, untilMs, deadline);
    else if (!isMissing) shared.remove(token, deadline);
  }

  #describe(from: Pick<RememberedAnswer, 'response' | 'askedAtMs' | 'confirmed'>): RememberedAnswer {
    if (!from.response.active) return { ...from, identity: undefined, expiresAtMs: Number.POSITIVE_INFINITY };
    return { ...from, ...this.#parts.identify(from.response) };
  }

  /**
   * Nobody answers: what is over its time, but not over its `exp`, serves where the operator prefers it to a failure.
   *
   * @throws {InvalidTokenError} for a token of which it is known that it has expired
   */
  async #withoutAnswer(question: Question, error: unknown, deadline: Deadline): Promise<IntrospectionResponse> {
    const { cache, clock, shared, toleranceSeconds } = this.#parts;
    const known = cache?.answers.get(question.name);
    if (cache === undefined || known?.response.active !== true || !isTheirFault(error)) throw error;
    const now = momentNow(clock);
    if (now.clockMs >= known.expiresAtMs + toleranceSeconds * 1000) {
      throw new InvalidTokenError('expired', { detail: 'the token has expired' });
    }
    const { ttlMs, inactiveTtlMs, staleIfErrorMs, localTtlMs } = cache.options;
    const leftMs = msLeft(known, { ttlMs: ttlMs + staleIfErrorMs, inactiveTtlMs }, now.clockMs);
    if (staleIfErrorMs === 0 || leftMs <= 0 || question.maxAgeMs !== Number.POSITIVE_INFINITY) throw error;
    if (shared !== undefined && !isRecent(known.confirmed, localTtlMs, now)) throw error;
    if ((await this.#judge(question, known, deadline)) !== 'clear') throw error;
    return known.response;
  }
}

function isTheirFault(error: unknown): boolean {
  return error instanceof AuthorizationServerError && !(error instanceof ClientRejectedError);
}
