import type { IntrospectionResponse } from '../../protocol/introspection-response.js';
import type { TokenIdentity } from './token-identity.js';
import type { Moment } from './moment.js';

/** An introspection response with what is needed to judge its age, and by whom it can be revoked. */
export interface RememberedAnswer {
  readonly response: IntrospectionResponse;
  /** When the call began that brought it: what it says may have been over from then on. */
  readonly askedAtMs: number;
  /** From then on it is not used, whatever the limits say; infinite without `exp`. */
  readonly expiresAtMs: number;
  /** Absent where the token is not active. */
  readonly identity: TokenIdentity | undefined;
  /** When the call began or, if that was later, the shared store was last asked whether it still holds the answer. */
  readonly confirmed: Moment;
}

/** How old an answer may be, in milliseconds. */
export interface AgeLimits {
  readonly ttlMs: number;
  readonly inactiveTtlMs: number;
}

/**
 * For how many milliseconds more an answer may be used: until its time to live is over, and never at or past `exp`, for
 * which no clock tolerance counts. 0 or less where it may not be used.
 */
export function msLeft(answer: RememberedAnswer, limits: AgeLimits, nowMs: number): number {
  const ttlMs = answer.response.active ? limits.ttlMs : limits.inactiveTtlMs;
  // A clock that was set back cannot tell how old an answer is.
  if (nowMs < answer.askedAtMs) return 0;
  return Math.min(answer.askedAtMs + ttlMs, answer.expiresAtMs) - nowMs;
}
