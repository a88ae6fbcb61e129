import type { SharedCache, TokenCacheStore } from './token-cache-store.js';

/** A text or bytes, at least 32 of them. */
export type CacheSecret = string | Uint8Array;

/** One secret, or several: the first writes, all read. */
export type CacheSecrets = CacheSecret | readonly CacheSecret[];

/** A secret, or a function that answers one and is asked at most once a minute. */
export type CacheSecretSource = CacheSecret | (() => CacheSecrets | Promise<CacheSecrets>);

/**
 * How long introspection responses are remembered, at most until `exp`, their age counted from the start of the call.
 * Every check is made again on every use.
 */
export interface CacheOptions {
  /** Milliseconds. For as long an answer may hide that the token was revoked; required, as that is yours to decide. */
  readonly ttlMs: number;
  /** The same for tokens that are not active. @default 0 */
  readonly inactiveTtlMs?: number;
  /** @default 10_000 */
  readonly maxEntries?: number;
  /** A budget of their own, so that bad tokens push out no good ones. @default 10_000 */
  readonly maxInactiveEntries?: number;
  /** An estimate of what answers take in memory. @default 33_554_432 */
  readonly maxBytes?: number;
  /** What several instances share: a cache-manager `Cache` (its last store), or a store of your own. */
  readonly shared?: SharedCache | TokenCacheStore;
  /**
   * Required with `shared`. Keys are HMAC-SHA-256 and values AES-256-GCM under keys derived from it. A list: the first
   * writes, all read, so that it rotates. `null`: hashed keys and clear values.
   */
  readonly secret?: CacheSecretSource | readonly CacheSecretSource[] | null;
  /**
   * With `shared`, how long this process may go by what the store last confirmed, revocations too; milliseconds. As
   * long takes `revoke()`. @default 500
   */
  readonly localTtlMs?: number;
  /** For so long after `ttlMs`, never past `exp`, a positive answer serves while nobody else answers. @default 0 */
  readonly staleIfErrorMs?: number;
  /** A token that is used when no more than this of its `ttlMs` is left is asked about in the background. @default 0 */
  readonly refreshAheadMs?: number;
}
