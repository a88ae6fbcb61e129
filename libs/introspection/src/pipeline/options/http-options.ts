import type { Dispatcher } from 'undici';

/** Limits of the calls to the authorization server. */
export interface HttpOptions {
  /** One deadline in milliseconds for all that a request waits for. @default 2000 */
  readonly timeoutMs?: number;
  /** After decompression. @default 1_048_576 */
  readonly maxResponseBytes?: number;
  /** 0 or 1, inside the deadline, and only where it is safe. @default 1 */
  readonly retries?: 0 | 1;
  /** So many calls to one endpoint at a time. @default 256 */
  readonly maxConcurrent?: number;
  /** So many more wait for their turn; beyond them the answer is 503 at once. @default 1_000 */
  readonly maxQueued?: number;
  /** After so many failures in a row an endpoint is left alone, then tried with one call. @default { failures: 5, openMs: 10_000 } */
  readonly breaker?: { readonly failures?: number; readonly openMs?: number };
  /** @default 'nestjs-introspection' */
  readonly userAgent?: string;
  /** PEM certificates of the authorities that are trusted in place of the system's. */
  readonly ca?: string | readonly string[];
  /** Sends the calls in place of our client; all limits stay ours. Must follow no redirect with `redirect: 'manual'`. */
  readonly fetch?: typeof globalThis.fetch;
  /** undici's, for a proxy; not closed by us. */
  readonly dispatcher?: Dispatcher;
}
