/** Whether a value is a promise of any making: of another realm, or of a library. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as PromiseLike<unknown>).then === 'function'
  );
}

/** Lets go of a promise that nobody may wait for: its failure is no unhandled rejection. */
export function disregard(promise: PromiseLike<unknown>): void {
  promise.then(undefined, () => {});
}
