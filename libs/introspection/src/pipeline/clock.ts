/** The time for every decision: claims, ages, cool-downs. Network timeouts use real timers. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Milliseconds of a clock that never jumps, for measuring how long something took; never for a decision. */
export function stopwatchMs(): number {
  return performance.now();
}
