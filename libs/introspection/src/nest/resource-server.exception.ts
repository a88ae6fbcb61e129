import { HttpException } from '@nestjs/common';
import type { ChallengeResponse } from '../pipeline/challenge-response.js';
import type { ResourceServerError } from '../protocol/errors.js';

/**
 * A refusal as Nest throws it. The headers are on the response already, so that an exception filter decides the body
 * only; they are here too for those who answer by themselves. `cause` is the framework-free error with its `code`.
 */
export class ResourceServerException extends HttpException {
  /** A list is several field lines. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  override readonly cause: ResourceServerError;

  constructor(error: ResourceServerError, answer: ChallengeResponse) {
    // As with its cause: an answer, whose stack helps nobody.
    const { stackTraceLimit } = Error;
    Reflect.set(Error, 'stackTraceLimit', 0);
    super(answer.body, answer.status, { cause: error });
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
    this.cause = error;
    this.headers = answer.headers;
  }
}
