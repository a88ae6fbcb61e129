/** A clock that stands still until it is told to move; epoch milliseconds, as the `clock` option wants it. */
export interface SettableClock {
  now(): number;
  /** Epoch seconds, as claims say it. */
  seconds(): number;
  setMilliseconds(epochMilliseconds: number): void;
  advanceSeconds(seconds: number): void;
}

/** Starts at a whole second, so that `exp = now + n` is exact. */
export function settableClock(startMilliseconds: number = Math.floor(Date.now() / 1000) * 1000): SettableClock {
  let current = startMilliseconds;
  return {
    now: () => current,
    seconds: () => Math.floor(current / 1000),
    setMilliseconds: (epochMilliseconds) => {
      current = epochMilliseconds;
    },
    advanceSeconds: (seconds) => {
      current += seconds * 1000;
    },
  };
}
