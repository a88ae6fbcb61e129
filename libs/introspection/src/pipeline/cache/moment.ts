import { type Clock, isWithin, stopwatchMs } from '../clock.js';

/** An instant by the clock of the resource server and by one that never jumps. */
export interface Moment {
  readonly clockMs: number;
  readonly stopwatchMs: number;
}

export function momentNow(clock: Clock): Moment {
  return { clockMs: clock.now(), stopwatchMs: stopwatchMs() };
}

/**
 * Whether a moment was less than a duration ago, by both: other instances count on it, whatever happens to the clock
 * of this one.
 */
export function isRecent(moment: Moment | undefined, durationMs: number, now: Moment): boolean {
  if (moment === undefined) return false;
  return isWithin(moment.clockMs, durationMs, now.clockMs) && now.stopwatchMs - moment.stopwatchMs < durationMs;
}
