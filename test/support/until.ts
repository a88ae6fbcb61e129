import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for a condition, and says what it was when it does not come. `expect.poll` does not know its test among
 * concurrent ones.
 */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 5000): Promise<void> {
  const lateMs = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > lateMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(10);
  }
}
