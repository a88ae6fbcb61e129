import type { JsonObject } from '../../protocol/json.js';

/** Who acts for the subject (RFC 8693 §4.1): the outermost `act` claim. */
export interface Actor {
  readonly subject?: string;
  readonly issuer?: string;
  readonly clientId?: string;
  readonly claims: JsonObject;
}

/** The facts of which a principal is made. Its lists and objects are frozen. */
export interface PrincipalFacts {
  readonly issuer: string;
  readonly subject?: string | undefined;
  readonly clientId?: string | undefined;
  readonly subjectType?: 'user' | 'client' | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly audience?: readonly string[] | undefined;
  readonly expiresAtSeconds?: number | undefined;
  readonly issuedAtSeconds?: number | undefined;
  readonly tokenId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly scheme?: 'Bearer' | 'DPoP' | undefined;
  readonly verifiedBy: 'local' | 'introspection' | 'both' | 'application';
  readonly actor?: Actor | undefined;
  readonly authorizationDetails?: readonly JsonObject[] | undefined;
  readonly claims?: JsonObject | undefined;
}

const NONE: readonly never[] = Object.freeze([]);
const NO_CLAIMS: JsonObject = Object.freeze({});

/**
 * Whoever an access token speaks for. Everything in it is verified; it is deeply frozen, and one object may serve many
 * requests. What is absent is `undefined`, never an empty text.
 */
export class AccessTokenPrincipal {
  /** The issuer that vouches for it. Identity is `issuer` and `subject` together. */
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  /** Never guessed from a missing `sub`. */
  readonly subjectType: 'user' | 'client' | undefined;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly audience: readonly string[];
  /** Epoch seconds. */
  readonly expiresAtSeconds: number | undefined;
  /** Epoch seconds. */
  readonly issuedAtSeconds: number | undefined;
  readonly tokenId: string | undefined;
  readonly sessionId: string | undefined;
  readonly scheme: 'Bearer' | 'DPoP';
  readonly verifiedBy: 'local' | 'introspection' | 'both' | 'application';
  readonly actor: Actor | undefined;
  /** Objects with a string `type` (RFC 9396 §2); malformed ones are left out. */
  readonly authorizationDetails: readonly (JsonObject & { readonly type: string })[];
  /** With the wire's names, as sent, without `active`. */
  readonly claims: JsonObject;
  readonly #token: string | undefined;

  /** @internal Use `createPrincipal`. */
  constructor(facts: PrincipalFacts, token?: string) {
    this.issuer = facts.issuer;
    this.subject = facts.subject;
    this.clientId = facts.clientId;
    this.subjectType = facts.subjectType;
    this.scopes = facts.scopes ?? NONE;
    this.roles = facts.roles ?? NONE;
    this.audience = facts.audience ?? NONE;
    this.expiresAtSeconds = facts.expiresAtSeconds;
    this.issuedAtSeconds = facts.issuedAtSeconds;
    this.tokenId = facts.tokenId;
    this.sessionId = facts.sessionId;
    this.scheme = facts.scheme ?? 'Bearer';
    this.verifiedBy = facts.verifiedBy;
    this.actor = facts.actor;
    this.authorizationDetails = (facts.authorizationDetails ?? NONE) as readonly (JsonObject & { type: string })[];
    this.claims = facts.claims ?? NO_CLAIMS;
    this.#token = token;
    Object.freeze(this);
  }

  /**
   * The access token, for calls downstream to the resource servers it is meant for. In no JSON, no `util.inspect`, and
   * no copy of this object.
   */
  get token(): string | undefined {
    return this.#token;
  }

  /** What `util.inspect` shows, also where it is told to call getters: everything but the token. */
  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return Object.fromEntries(Object.entries(this));
  }

  /** Exact and case-sensitive (RFC 6749 §3.3). */
  hasScope(scope: string): boolean {
    return this.scopes.includes(scope);
  }

  hasRole(role: string): boolean {
    return this.roles.includes(role);
  }
}
