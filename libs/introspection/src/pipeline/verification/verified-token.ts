import type { ClaimMapping } from '../../protocol/claim-mapping.js';
import type { JsonObject } from '../../protocol/json.js';

/** A token whose claims are facts: said by a signature of the issuer, by its introspection endpoint, or by both. */
export interface VerifiedToken {
  readonly issuer: string;
  /** With the wire's names, as sent, without `active`; frozen. */
  readonly claims: JsonObject;
  /** The same, put right where a server departs from the RFCs: what the principal's members are read from. */
  readonly facts: JsonObject;
  readonly mapping: ClaimMapping;
  /** Who it is for, confirmed by every source. */
  readonly audience: readonly string[];
  /** `undefined` where no source says anything about scopes, which gives none. */
  readonly scopes: readonly string[] | undefined;
  readonly expiresAtSeconds: number | undefined;
  readonly verifiedBy: 'local' | 'introspection' | 'both';
}

/** What a verification has to find besides validity. */
export interface Expectation {
  /** Identifiers of which the token's audience must hold one; `null`: any audience. */
  readonly audience: readonly string[] | null;
  /** Whether an introspection response without `aud` will do. */
  readonly allowMissingAudience: boolean;
}
