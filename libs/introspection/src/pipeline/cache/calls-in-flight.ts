import { IntrospectionUnavailableError } from '../../protocol/authorization-server-errors.js';
import { stopwatchMs } from '../clock.js';
import { Deadline } from '../deadline.js';

interface Call<T> {
  readonly startedMs: number;
  readonly result: Promise<T>;
}

/**
 * Lets concurrent requests for one token share one call. Made for one issuer with its credentials, so that an answer
 * never crosses from one to another.
 *
 * The call has a deadline of its own: whoever asked first may give up without failing the others. A failure reaches all
 * of them, and is remembered no longer than the call.
 */
export class CallsInFlight<T> {
  readonly #calls = new Map<string, Call<T>>();

  constructor(private readonly timeoutMs: number) {}

  /**
   * Joins the call under a name, or starts one.
   *
   * @param maxAgeMs how long ago the call may have begun; 0 joins none
   * @throws whatever the call rejects with; {@link IntrospectionUnavailableError} when the deadline is over first
   */
  join(name: string, maxAgeMs: number, deadline: Deadline, start: (deadline: Deadline) => Promise<T>): Promise<T> {
    const now = stopwatchMs();
    let call = this.#calls.get(name);
    if (call === undefined || maxAgeMs === 0 || now - call.startedMs > maxAgeMs) call = this.#start(name, now, start);
    return deadline.wait(
      call.result,
      () => new IntrospectionUnavailableError({ detail: 'no answer within the deadline (see http.timeoutMs)' }),
    );
  }

  #start(name: string, startedMs: number, start: (deadline: Deadline) => Promise<T>): Call<T> {
    const result = start(new Deadline(this.timeoutMs)).finally(() => {
      if (this.#calls.get(name) === call) this.#calls.delete(name);
    });
    const call = { startedMs, result };
    this.#calls.set(name, call);
    return call;
  }
}
