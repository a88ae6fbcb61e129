declare module 'passport-http-bearer' {
  /** The strategy as shipped. Its own types depend on three web frameworks; this is what is used here. */
  export class Strategy {
    constructor(verify: (...args: unknown[]) => void);
    success(user: unknown): void;
    error(error: unknown): void;
    authenticate(request: unknown, options?: unknown): void;
  }
}
