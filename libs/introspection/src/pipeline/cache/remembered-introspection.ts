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
import { CallsInFlight } from './calls-in-flight.js';
import { msLeft, type RememberedAnswer } from './freshness.js';
import { isRecent, momentNow } from './moment.js';
import type { PresentedToken } from '../presented-token.js';
import type { AnswerCache } from './answer-cache.js';
import type { RevocationMarks } from './revocation-marks.js';
import type { SharedAnswers } from './shared-answers.js';
import type { StoreFailure } from './store-failure.js';
import type { TokenIdentity } from './token-identity.js';

/** What a remembered introspection works with. */
export interface RememberedIntrospectionParts {
  readonly issuer: string;
  readonly ask: (token: string, deadline: Deadline) => Promise<IntrospectionResponse>;
  /** Reads an active answer: who can revoke it, and when it ends. */
  readonly identify: (token: string, response: IntrospectionResponse) => { identity: TokenIdentity; expiresAtMs: number };
  /** In front of every name in the tables that issuers share. */
  readonly tag: string;
  /** Absent: nothing is remembered. */
  readonly cache: AnswerCache | undefined;
  readonly shared: SharedAnswers | undefined;
  readonly marks: RevocationMarks;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly emit: EventSink;
}

interface Question {
  readonly token: string;
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

  /**
   * @param maxAgeMs how long ago the call may have begun that brought the answer; 0: no call that began before
   * @throws {InvalidTokenError} for a token that was revoked here
   * @throws {AuthorizationServerError} when there is no answer to rely on
   */
  async introspect(presented: PresentedToken, maxAgeMs: number, deadline: Deadline): Promise<IntrospectionResponse> {
    let question: Question = { token: presented.token, name: this.#parts.tag + presented.name, maxAgeMs };
    let isMissing = false;
    if (this.#parts.cache !== undefined && question.maxAgeMs > 0) {
      const known = this.#recall(question) ?? (await this.#recallShared(question, deadline));
      const verdict = known && (await this.#judge(known, deadline));
      if (known !== undefined && verdict === 'clear') return this.#use(question, known);
      if (verdict === 'revoked') throw revoked();
      this.#parts.emit({ type: 'cache.miss', issuer: this.#parts.issuer });
      isMissing = known === undefined;
      // What is doubtful about an answer, only a call that begins now can put right.
      if (verdict === 'doubtful') question = { ...question, maxAgeMs: 0 };
    }
    if (await this.#parts.marks.isTokenRevoked(question.token, deadline)) throw revoked();
    try {
      return await this.#ask(question, deadline, isMissing);
    } catch (error) {
      const stale = isTheirFault(error) ? await this.#staleAnswer(question, deadline) : undefined;
      if (stale === undefined) throw error;
      return stale.response;
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
    const known =
      held?.askedAtMs === found.askedAtMs ? { ...held, confirmed: found.confirmed } : this.#describe(question.token, found);
    const nowMs = clock.now();
    if (msLeft(known, cache.options, nowMs) + cache.options.staleIfErrorMs > 0) cache.answers.set(question.name, known);
    return msLeft(known, cache.options, nowMs) > 0 && nowMs - known.askedAtMs <= question.maxAgeMs ? known : undefined;
  }

  #judge({ identity }: RememberedAnswer, deadline: Deadline) {
    return identity === undefined ? 'clear' : this.#parts.marks.check(identity, deadline);
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
    const { cache, clock, marks } = this.#parts;
    let { maxAgeMs } = question;
    for (let calls = 0; calls < 2; calls += 1) {
      const answer = await this.#calls.join(question.name, maxAgeMs, deadline, (own) => this.#call(question, own, isMissing));
      const verdict = await this.#judge(answer, deadline);
      if (verdict === 'revoked') throw revoked();
      if (verdict === 'clear') return answer.response;
      const { confirmed } = answer;
      if (verdict === 'doubtful' && confirmed.stopwatchMs > marks.learnedMs) return answer.response;
      if (verdict === 'unknown' && isRecent(confirmed, cache?.options.localTtlMs ?? 0, momentNow(clock))) return answer.response;
      maxAgeMs = verdict === 'doubtful' ? 0 : (cache?.options.localTtlMs ?? 0);
    }
    throw new IntrospectionUnavailableError({ detail: 'nobody could say in time whether the token was revoked (cache.shared)' });
  }

  async #call({ token, name }: Question, deadline: Deadline, isMissing: boolean): Promise<RememberedAnswer> {
    const { ask, cache, clock, shared, timeoutMs } = this.#parts;
    const confirmed = momentNow(clock);
    const response = await ask(token, deadline);
    const answer = this.#describe(token, { response, askedAtMs: confirmed.clockMs, confirmed });
    if (cache === undefined) return answer;
    const leftMs = msLeft(answer, cache.options, clock.now());
    if (leftMs > 0) cache.answers.set(name, answer);
    else cache.answers.delete(name);
    if (shared === undefined) return answer;
    const { staleIfErrorMs } = cache.options;
    const untilMs = Math.min(leftMs + staleIfErrorMs, answer.expiresAtMs - clock.now());
    if (response.active && leftMs > 0) shared.write(token, response, answer.askedAtMs, untilMs, new Deadline(timeoutMs));
    else if (!isMissing) shared.remove(token, new Deadline(timeoutMs));
    return answer;
  }

  #describe(token: string, from: Pick<RememberedAnswer, 'response' | 'askedAtMs' | 'confirmed'>): RememberedAnswer {
    if (!from.response.active) return { ...from, identity: undefined, expiresAtMs: Number.POSITIVE_INFINITY };
    return { ...from, ...this.#parts.identify(token, from.response) };
  }

  /** What is over its time, but not over its `exp`, where the operator prefers it to a failure. */
  async #staleAnswer({ name, maxAgeMs }: Question, deadline: Deadline): Promise<RememberedAnswer | undefined> {
    const { cache, clock, shared } = this.#parts;
    const known = cache?.answers.get(name);
    if (cache === undefined || known === undefined || !known.response.active || maxAgeMs !== Number.POSITIVE_INFINITY)
      return undefined;
    const { ttlMs, inactiveTtlMs, staleIfErrorMs, localTtlMs } = cache.options;
    const now = momentNow(clock);
    if (msLeft(known, { ttlMs: ttlMs + staleIfErrorMs, inactiveTtlMs }, now.clockMs) <= 0 || staleIfErrorMs === 0)
      return undefined;
    if (shared !== undefined && !isRecent(known.confirmed, localTtlMs, now)) return undefined;
    return (await this.#judge(known, deadline)) === 'clear' ? known : undefined;
  }
}

function isTheirFault(error: unknown): boolean {
  return error instanceof AuthorizationServerError && !(error instanceof ClientRejectedError);
}

function revoked(): InvalidTokenError {
  return new InvalidTokenError('inactive', { detail: 'the token was revoked by revoke()' });
}
