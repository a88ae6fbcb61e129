import { IntrospectionUnavailableError } from '../../protocol/authorization-server-errors.js';
import { stopwatchMs } from '../clock.js';
import { Deadline } from '../deadline.js';

/** A call under way, as whoever makes it sees it. */
export interface CallUnderWay {
  readonly deadline: Deadline;
  /** Whether a call that began later has been answered already: then this one's answer is old news. */
  isOvertaken(): boolean;
}

interface Calls<T> {
  newest: { readonly startedMs: number; readonly result: Promise<T> };
  /** How many have begun, how many are under way, and which of those that were answered began last. */
  begun: number;
  running: number;
  latestEnded: number;
}

/**
 * Lets concurrent requests for one token share one call. Made for one issuer with its credentials, so that an answer
 * never crosses from one to another.
 *
 * The call has a deadline of its own: whoever asked first may give up without failing the others. A failure reaches all
 * of them, and is remembered no longer than the call.
 */
export class CallsInFlight<T> {
  readonly #calls = new Map<string, Calls<T>>();

  constructor(private readonly timeoutMs: number) {}

  /**
   * Joins the call under a name, or starts one.
   *
   * @param maxAgeMs how long ago the call may have begun; 0 joins none
   * @throws whatever the call rejects with; {@link IntrospectionUnavailableError} when the deadline is over first
   */
  join(name: string, maxAgeMs: number, deadline: Deadline, start: (call: CallUnderWay) => Promise<T>): Promise<T> {
    const now = stopwatchMs();
    const newest = this.#calls.get(name)?.newest;
    const isYoung = newest !== undefined && maxAgeMs > 0 && now - newest.startedMs <= maxAgeMs;
    return deadline.wait(
      isYoung ? newest.result : this.#start(name, now, deadline.originMs, start),
      () => new IntrospectionUnavailableError({ detail: 'no answer within the deadline (see http.timeoutMs)' }),
    );
  }

  #start(name: string, startedMs: number, originMs: number, start: (call: CallUnderWay) => Promise<T>): Promise<T> {
    const calls = this.#calls.get(name) ?? { begun: 0, running: 0, latestEnded: 0 };
    const number = calls.begun + 1;
    const deadline = new Deadline(this.timeoutMs, originMs);
    const result = start({ deadline, isOvertaken: () => calls.latestEnded > number })
      .then((answer) => {
        calls.latestEnded = Math.max(calls.latestEnded, number);
        return answer;
      })
      .finally(() => {
        calls.running -= 1;
        if (calls.running === 0) this.#calls.delete(name);
      });
    this.#calls.set(name, Object.assign(calls, { newest: { startedMs, result }, begun: number, running: calls.running + 1 }));
    return result;
  }
}
