import type { JSONWebKeySet } from 'jose';
import type { ClaimSource } from '../../protocol/claim-mapping.js';
import type { Clock } from '../clock.js';
import type { IntrospectionEvent } from '../events.js';

/** How a token is checked: here (`local`), at the authorization server (`remote`), by its kind (`hybrid`), or both ways. */
export type VerificationMode = 'local' | 'remote' | 'hybrid' | 'both';

/** A secret, or a function that is called before each call, so that it rotates without a restart. */
export type Secret = string | (() => string | Promise<string>);

/**
 * How we authenticate at the introspection endpoint.
 *
 * @see RFC 6749 §2.3.1
 */
export interface ClientAuthentication {
  readonly method: 'client_secret_basic' | 'client_secret_post';
  readonly clientId: string;
  readonly clientSecret: Secret;
}

/** One source or several: a claim's name, a path of names within a list (`[['realm_access', 'roles']]`), or a pure function. */
export type ClaimSources = string | ((claims: Readonly<Record<string, unknown>>) => unknown) | readonly ClaimSource[];

/** Where the principal's members are read, in JWTs and introspection responses alike. */
export interface ClaimMappingOptions {
  /** @default ['scope', 'scp'] */
  readonly scopes?: ClaimSources;
  /** The union of all entries. @default ['roles'] */
  readonly roles?: ClaimSources;
  /** @default ['client_id'] */
  readonly clientId?: ClaimSources;
  /** @default ['jti'] */
  readonly tokenId?: ClaimSources;
  /** @default ['sid'] */
  readonly sessionId?: ClaimSources;
  /** Must give `'user'` or `'client'`. @default none: `'client'` when `sub` equals the client, else unknown */
  readonly subjectType?: ClaimSources;
}

/** What belongs to one authorization server. */
export interface IssuerOptions {
  /** The exact issuer identifier; https unless `allowInsecureHttp`. A server without one: any stable URL of your choice. */
  readonly issuer: string;
  /** The identifiers of this resource server, compared exactly; `null` is the written opt-out. @see RFC 8707 §2 */
  readonly audience: string | readonly string[] | null;
  /**
   * Accepts introspection responses without `aud`. Write it only where the server answers `active` for tokens of this
   * resource server alone. Never holds for JWTs.
   * @default false
   */
  readonly allowMissingAudience?: boolean;
  /** @default 'hybrid' */
  readonly verification?: VerificationMode;
  /**
   * Fetches metadata for what is not given explicitly: RFC 8414 first, then OpenID Connect. Starts in the background
   * and never delays or fails start-up.
   * @default true
   */
  readonly discovery?: boolean;
  /** Wins over the metadata. */
  readonly introspectionEndpoint?: string;
  /** Wins over the metadata. */
  readonly jwksUri?: string;
  /** A static key set in place of `jwksUri`. */
  readonly jwks?: JSONWebKeySet;
  /** Required unless `verification` is `'local'`. */
  readonly clientAuthentication?: ClientAuthentication;
  /**
   * Signature algorithms of access tokens. HS* only by name and with a static `oct` key.
   * @default RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519
   */
  readonly algorithms?: readonly string[];
  /**
   * Accepted `typ` of JWTs; `null` stands for a JWT without one. With more than `at+jwt`, JWTs that look like another
   * kind of token are refused.
   * @default ['at+jwt']
   */
  readonly tokenTypes?: readonly (string | null)[];
  /** What a JWT must hold besides `iss`, `exp` and `aud`. @default ['sub', 'client_id', 'iat', 'jti'] */
  readonly requiredClaims?: readonly string[];
  readonly claims?: ClaimMappingOptions;
  /** Refuses introspection responses without `token_type`. @default false */
  readonly requireTokenType?: boolean;
}

/** Where a token is looked for. */
export interface ExtractContext {
  readonly transport: 'http' | 'graphql' | 'ws' | 'rpc';
  readonly request?: unknown;
  readonly handshake?: unknown;
  readonly metadata?: unknown;
  readonly data?: unknown;
}

/** Where a token is taken from besides the `Authorization` header. */
export interface ExtractOptions {
  /** Urlencoded bodies of methods other than GET and HEAD. @default false */
  readonly formBody?: boolean;
  /** The query of GET and HEAD. Tokens in URLs end up in logs. @default false */
  readonly query?: boolean;
  /** Longer tokens are refused unseen. @default 8192 */
  readonly maxTokenLength?: number;
  /**
   * Asked only where there is no `Authorization`; returns the token alone, which passes the same checks. Taking it from
   * a cookie makes defence against CSRF your duty.
   */
  readonly token?: (context: ExtractContext) => string | undefined;
}

/** Limits of the calls to the authorization server. */
export interface HttpOptions {
  /** One deadline in milliseconds for all that a request waits for. @default 2000 */
  readonly timeoutMs?: number;
  /** After decompression. @default 1_048_576 */
  readonly maxResponseBytes?: number;
  /** 0 or 1, inside the deadline, and only where it is safe. @default 1 */
  readonly retries?: 0 | 1;
}

/**
 * Everything that the resource server is told. Unknown keys, wrong types and contradictions are refused, all at once.
 * Nothing is read from the environment.
 */
export interface ResourceServerOptions extends IssuerOptions {
  /** For `exp` and `nbf`, 0 to 300 seconds. @default 5 */
  readonly clockToleranceSeconds?: number;
  /** For every time decision; for tests. @default the system's */
  readonly clock?: Clock;
  /** The only way to use `http:` URLs, loopback too. @default false */
  readonly allowInsecureHttp?: boolean;
  /** In every challenge; printable ASCII. @default 'api' */
  readonly realm?: string;
  readonly extract?: ExtractOptions;
  readonly http?: HttpOptions;
  /** Audit events. What it throws or returns changes nothing. */
  readonly onEvent?: (event: IntrospectionEvent) => unknown;
}
