/**
 * The options as the application gave them, in the container of Nest: there for us, and for no debug view of it, as some
 * are secrets.
 */
export class GivenOptions {
  readonly #options: unknown;

  constructor(options: unknown) {
    this.#options = options;
  }

  /** Not a getter: debug views call those. */
  open(): unknown {
    return this.#options;
  }
}
