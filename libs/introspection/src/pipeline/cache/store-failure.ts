/** A shared store that failed, hung or is not to be believed. Its text is a constant: what a store says may quote a value. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
}
