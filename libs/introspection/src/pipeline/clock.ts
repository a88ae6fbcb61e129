/** The time for every decision: claims, ages, cool-downs. Network timeouts use real timers. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Whether an instant was less than a duration ago. A clock that was set back has no memory: then it was not. */
export function isWithin(sinceMs: number | undefined, durationMs: number, nowMs: number): boolean {
  return sinceMs !== undefined && nowMs >= sinceMs && nowMs - sinceMs < durationMs;
}

/** Milliseconds of a clock that never jumps, for measuring how long something took; never for a decision. */
export function stopwatchMs(): number {
  return performance.now();
}
