/**
 * The longest time, in milliseconds, for which `run` kept the event loop from turning; the least of several tries, as
 * another process or a collection of garbage can only add to it.
 */
export async function longestBlockMs(run: () => Promise<unknown>, tries = 5): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < tries; attempt += 1) least = Math.min(least, await blockOnce(run));
  return least;
}

async function blockOnce(run: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let isOver = false;
  const note = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const turning = new Promise<void>((resolve) => {
    const turn = (): void => {
      note();
      if (isOver) resolve();
      else setImmediate(turn);
    };
    setImmediate(turn);
  });
  await run();
  note();
  isOver = true;
  await turning;
  return longest;
}
