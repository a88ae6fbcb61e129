import { AuthorizationServerError } from '../../protocol/authorization-server-errors.js';
import { InvalidTokenError } from '../../protocol/errors.js';
import type { Deadline } from '../deadline.js';
import type { PresentedToken } from '../presented-token.js';
import type { Expectation, VerifiedToken } from './verified-token.js';
import { type Conditions, type Verifiers, verifyToken } from './verify-token.js';

/** An issuer that may judge a token, with what it expects for a route. */
export interface Candidate extends Verifiers {
  expectation(audience: string | readonly string[] | undefined): Expectation;
}

/** The conditions of a verification before an issuer is chosen. */
export interface OrderedConditions extends Omit<Conditions, 'expected'> {
  /** The route's audience, where it has one of its own. */
  readonly audience: string | readonly string[] | undefined;
  readonly deadline: Deadline;
}

/**
 * Asks one issuer after the other; the first that knows the token decides. Each gets its share of the time, so that one
 * that hangs does not take the others' along.
 *
 * @throws {InvalidTokenError} where none knows the token, or the one that does refuses it
 * @throws {AuthorizationServerError} where none knows it and one could not be asked
 */
export function verifyInOrder(
  candidates: readonly Candidate[],
  presented: PresentedToken,
  conditions: OrderedConditions,
): VerifiedToken | Promise<VerifiedToken> {
  const only = candidates.length === 1 ? candidates[0] : undefined;
  if (only === undefined) return askInOrder(candidates, presented, conditions);
  return verifyToken(only, presented, conditionsOf(only, conditions, conditions.deadline));
}

async function askInOrder(
  candidates: readonly Candidate[],
  presented: PresentedToken,
  conditions: OrderedConditions,
): Promise<VerifiedToken> {
  let refusal: InvalidTokenError | undefined;
  let failure: AuthorizationServerError | undefined;
  for (const [index, candidate] of candidates.entries()) {
    const left = candidates.length - index;
    const deadline = left === 1 ? conditions.deadline : conditions.deadline.share(left);
    try {
      return await verifyToken(candidate, presented, conditionsOf(candidate, conditions, deadline));
    } catch (error) {
      if (isOfAnother(error, presented)) refusal ??= error;
      else if (error instanceof AuthorizationServerError) failure ??= error;
      else throw error;
    }
  }
  throw failure ?? refusal ?? new InvalidTokenError('issuer', { detail: 'no issuer may judge the token' });
}

function conditionsOf(candidate: Candidate, conditions: OrderedConditions, deadline: Deadline): Conditions {
  const { audience, maxAgeMs, assertBinding, now } = conditions;
  return { expected: candidate.expectation(audience), maxAgeMs, assertBinding, now, deadline };
}

/** Whether a refusal means no more than that this issuer does not know the token, or does not open it. */
function isOfAnother(error: unknown, presented: PresentedToken): error is InvalidTokenError {
  if (!(error instanceof InvalidTokenError)) return false;
  const isUnopened = error.reason === 'type' && presented.unverifiedJweHeader !== undefined;
  return error.reason === 'inactive' || error.reason === 'malformed' || isUnopened;
}
