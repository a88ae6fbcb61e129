import type { BreakerState } from './outbound/circuit-breaker.js';

/** How it stands with one part: `unused` also means not used yet. */
export type PartHealth = 'ok' | 'failing' | 'unused';

/** How it stands with one authorization server. */
export interface IssuerHealth {
  readonly issuer: string;
  readonly metadata: PartHealth;
  readonly keys: PartHealth;
  readonly introspection: PartHealth;
  /** The worst of its endpoints'. */
  readonly breaker: BreakerState;
  /** Epoch milliseconds: when an answer or keys came in for the last time. */
  readonly lastSuccessAtMs?: number;
}

/** How it stands with a resource server. */
export interface Health {
  /** `down`: no issuer has a part that works; `degraded`: something fails. */
  readonly status: 'ok' | 'degraded' | 'down';
  readonly issuers: readonly IssuerHealth[];
  /** Absent where nothing is remembered. */
  readonly cache?: { readonly store: 'ok' | 'failing'; readonly entries: number };
}

export function partHealth(isFailing: boolean, wasUsed: boolean): PartHealth {
  if (isFailing) return 'failing';
  return wasUsed ? 'ok' : 'unused';
}

export function worstOf(states: readonly BreakerState[]): BreakerState {
  if (states.includes('open')) return 'open';
  return states.includes('half-open') ? 'half-open' : 'closed';
}

export function latestOf(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** Sums up. A store in trouble takes nothing down: answers are asked for live. */
export function overallHealth(issuers: readonly IssuerHealth[], cache: Health['cache']): Health {
  const standings = issuers.map(standingOf);
  const isDown = standings.length > 0 && standings.every((standing) => standing === 'down');
  const isOk = standings.every((standing) => standing === 'ok') && cache?.store !== 'failing';
  return { status: isDown ? 'down' : isOk ? 'ok' : 'degraded', issuers, ...(cache !== undefined && { cache }) };
}

function standingOf({ metadata, keys, introspection, breaker }: IssuerHealth): Health['status'] {
  const parts = [metadata, keys, introspection];
  if (!parts.includes('failing')) return breaker === 'closed' ? 'ok' : 'degraded';
  return parts.includes('ok') ? 'degraded' : 'down';
}
