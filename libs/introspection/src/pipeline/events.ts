import { disregard, isThenable } from '../protocol/thenable.js';
import type { InvalidTokenReason, ResourceServerErrorCode } from '../protocol/errors.js';

/**
 * What happened, for audit and metrics. A closed list; no token, secret or claim value is in any of them.
 * Switch on `type`.
 */
export type IntrospectionEvent = { readonly atMs: number; readonly issuer?: string } & (
  | { readonly type: 'extract.refused'; readonly code: ResourceServerErrorCode }
  | { readonly type: 'issuer.unknown' }
  | { readonly type: 'verification.refused'; readonly reason: InvalidTokenReason }
  | {
      readonly type: 'verification.introspected';
      readonly outcome: 'active' | 'inactive' | 'failed';
      readonly status?: number;
      readonly durationMs: number;
    }
  | { readonly type: 'verification.client_rejected'; readonly status: number }
  | { readonly type: 'keys.refreshed' }
  | { readonly type: 'keys.unknown_kid' }
  | { readonly type: 'keys.failed' }
  | { readonly type: 'metadata.refreshed' }
  | { readonly type: 'metadata.failed'; readonly code: ResourceServerErrorCode }
  | { readonly type: 'breaker.opened' | 'breaker.closed'; readonly endpoint: 'introspection' | 'keys' | 'metadata' }
  | { readonly type: 'cache.hit'; readonly ageMs: number }
  | { readonly type: 'cache.miss' }
  | { readonly type: 'cache.store_failed' }
  | { readonly type: 'cache.evicted'; readonly count: number }
  | {
      readonly type: 'revocation.accepted';
      /** What was revoked. */
      readonly kind: 'token' | 'jti' | 'subject' | 'session' | 'client' | 'issuer';
    }
  | { readonly type: 'anomaly.invalid_tokens'; readonly client: string; readonly count: number }
  | { readonly type: 'anomaly.revoked_token_used' | 'anomaly.foreign_audience' }
  | { readonly type: 'policy.refused'; readonly code: ResourceServerErrorCode }
  | {
      readonly type: 'principal.accepted';
      readonly verifiedBy: 'local' | 'introspection' | 'both';
      readonly durationMs: number;
    }
);

/** Distributes over the union, so that each event keeps its own members. */
type WithoutTime<T> = T extends unknown ? Omit<T, 'atMs'> : never;

/** An event before its time is stamped on it. */
export type EventDescription = WithoutTime<IntrospectionEvent>;

/** Where events go. */
export type EventSink = (event: EventDescription) => void;

/**
 * Hands events to a listener. One that throws, rejects or is slow changes nothing: nothing of it is awaited.
 */
export function createEventSink(listener: ((event: IntrospectionEvent) => unknown) | undefined, now: () => number): EventSink {
  if (listener === undefined) return () => {};
  return (description) => {
    try {
      const result = listener({ ...description, atMs: now() } as IntrospectionEvent);
      if (isThenable(result)) disregard(result);
    } catch {
      // The contract: a listener cannot change an outcome.
    }
  };
}
