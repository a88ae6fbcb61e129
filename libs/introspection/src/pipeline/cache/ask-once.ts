import { IntrospectionUnavailableError } from '../../protocol/authorization-server-errors.js';
import type { IntrospectionResponse } from '../../protocol/introspection-response.js';
import { Deadline } from '../deadline.js';
import type { TokenHash } from './token-hash.js';

/** Whoever answers what a token is worth. */
export interface Introspector {
  /** @throws {AuthorizationServerError} whenever there is no answer to rely on */
  introspect(token: string, deadline: Deadline): Promise<IntrospectionResponse>;
}

/**
 * Lets concurrent requests for one token share one call. Made for one issuer with its credentials, so that an answer
 * never crosses from one to another.
 *
 * The call has a deadline of its own: whoever asked first may give up without failing the others. A failure reaches all
 * of them, and is remembered no longer than the call.
 */
export class AskOnce implements Introspector {
  readonly #pending = new Map<string, Promise<IntrospectionResponse>>();

  constructor(
    private readonly introspector: Introspector,
    private readonly nameOf: TokenHash,
    private readonly timeoutMs: number,
  ) {}

  introspect(token: string, deadline: Deadline): Promise<IntrospectionResponse> {
    const name = this.nameOf(token);
    let pending = this.#pending.get(name);
    if (pending === undefined) {
      pending = this.introspector.introspect(token, new Deadline(this.timeoutMs)).finally(() => this.#pending.delete(name));
      this.#pending.set(name, pending);
    }
    return deadline.wait(
      pending,
      () => new IntrospectionUnavailableError({ detail: 'no answer within the deadline (see http.timeoutMs)' }),
    );
  }
}
