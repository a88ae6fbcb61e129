/**
 * What a route asks of an access token. All of it must hold.
 */
export interface Requirement {
  /** Scopes that are all needed. */
  readonly scopes?: readonly string[];
  /** Scopes of which one is enough. */
  readonly anyScope?: readonly string[];
  /** Roles of which one is enough. */
  readonly anyRole?: readonly string[];
  /** Identifiers of this resource, in place of the configured audience; a token without `aud` never satisfies them. */
  readonly audience?: string | readonly string[];
  /** Issuers whose tokens are accepted here. */
  readonly issuer?: string | readonly string[];
  /**
   * How old the authorization server's own word may be, for JWTs too, in milliseconds from the start of the call; with 0
   * no call that began before the request is joined.
   */
  readonly introspectMaxAgeMs?: number;
}

/** The scopes that a challenge names: all that are needed, and all of which one is needed. */
export function scopesOf(requirement: Requirement): readonly string[] {
  return requirement.anyScope === undefined
    ? (requirement.scopes ?? [])
    : [...new Set([...(requirement.scopes ?? []), ...requirement.anyScope])];
}

/** One text or several, as a list. */
export function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
