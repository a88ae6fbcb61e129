import type { KeyObject } from 'node:crypto';
import type { JSONWebKeySet, JWK } from 'jose';
import type { ClaimSource } from '../../protocol/claim-mapping.js';
import type { Clock } from '../clock.js';
import type { IntrospectionEvent } from '../events.js';
import type { CacheOptions } from './cache-options.js';
import type { HttpOptions } from './http-options.js';

/** How a token is checked: here (`local`), at the authorization server (`remote`), by its kind (`hybrid`), or both ways. */
export type VerificationMode = 'local' | 'remote' | 'hybrid' | 'both';

/** A secret, or a function that is called before each call, so that it rotates without a restart. */
export type Secret = string | (() => string | Promise<string>);

/** A private key as a JWK, PEM text or key object, or a function that answers one and is called before each call. */
export type PrivateKey = JWK | string | KeyObject | (() => JWK | string | KeyObject | Promise<JWK | string | KeyObject>);

/** What client assertions have in common. @see RFC 7523 §3 */
export interface ClientAssertionOptions {
  readonly clientId: string;
  /** @default the issuer identifier */
  readonly audience?: string;
  /** @default 60 */
  readonly lifetimeSeconds?: number;
}

/** What a bearer token for the introspection endpoint is asked with. */
export interface BearerTokenContext {
  /** Whether the endpoint has just refused the token that was answered before. */
  readonly rejected: boolean;
}

/**
 * How we authenticate at the introspection endpoint. Asymmetric methods (`private_key_jwt`, mutual TLS) are to be
 * preferred: no secret crosses the network.
 *
 * @see RFC 6749 §2.3.1, RFC 7523 §2.2, RFC 8705 §2, RFC 7662 §2.1
 */
export type ClientAuthentication =
  | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly clientId: string; readonly clientSecret: Secret }
  | (ClientAssertionOptions & {
      readonly method: 'client_secret_jwt';
      /** At least as long as the hash. */
      readonly clientSecret: Secret;
      /** @default 'HS256' */
      readonly algorithm?: 'HS256' | 'HS384' | 'HS512';
    })
  | (ClientAssertionOptions & {
      readonly method: 'private_key_jwt';
      readonly key: PrivateKey;
      /** @default what fits the key: its `alg`, or RS256, ES256, ES384, ES512, EdDSA */
      readonly algorithm?: string;
      /** @default the `kid` of a JWK */
      readonly keyId?: string;
    })
  | {
      readonly method: 'tls_client_auth' | 'self_signed_tls_client_auth';
      readonly clientId: string;
      /** PEM. */
      readonly certificate: Secret;
      /** PEM. */
      readonly key: Secret;
    }
  | {
      readonly method: 'bearer';
      /** A function's answer is kept until the endpoint refuses it; then it is asked once more. */
      readonly token: string | ((context: BearerTokenContext) => string | Promise<string>);
    }
  | { readonly method: 'none' };

/** Signed (and, with `decryptionKeys`, encrypted) introspection responses. @see RFC 9701 */
export interface IntrospectionResponseOptions {
  /** `'jwt'`: a JSON answer is refused; `'jwt-preferred'`: it is accepted. */
  readonly type: 'json' | 'jwt' | 'jwt-preferred';
  /** @default ['RS256'] */
  readonly algorithms?: readonly string[];
  /** Who the response must be for; required with `bearer` and `none`. @default the client id */
  readonly audience?: string | readonly string[];
}

/** How long fetched keys serve, in seconds. */
export interface KeySetOptions {
  /** Fresh for so long; refreshed in the background before that is over. @default 600 */
  readonly maxAgeSeconds?: number;
  /** The pause between fetches that tokens can cause. @default 30 */
  readonly cooldownSeconds?: number;
  /** How long the last good set serves beyond that while the endpoint is down. @default 3600 */
  readonly maxStaleSeconds?: number;
}

/**
 * What a claim must be: there, a text, one of several texts, or whatever a pure function says; one that throws refuses.
 */
export type ClaimRequirement =
  true | string | readonly string[] | ((value: unknown, claims: Readonly<Record<string, unknown>>) => boolean);

/** Switches for servers that depart from the RFCs, each off unless written. Nothing else about an answer is relaxed. */
export interface CompatibilityOptions {
  /** Sends id and secret in Basic without form-encoding them. An id with a colon is then refused. */
  readonly basicEncoding?: 'raw';
  /** Reads `scope` as a list, too. */
  readonly scopeArrays?: boolean;
  /** Splits scopes at commas. */
  readonly scopeSeparator?: ',';
  /** Takes `exp: 0` of an introspection response for "never expires". */
  readonly zeroExpNeverExpires?: boolean;
  /** Reads times of introspection responses from decimal strings, and a numeric `sub` as its decimal text. */
  readonly numericStrings?: boolean;
  /** Accepts JSON introspection responses of any content type. */
  readonly anyContentType?: boolean;
  /** Leaves `token_type_hint` out. */
  readonly omitTokenTypeHint?: boolean;
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
  readonly keySet?: KeySetOptions;
  /** Required unless `verification` is `'local'`. */
  readonly clientAuthentication?: ClientAuthentication;
  /** What kind of answer is asked for. @default 'json' */
  readonly introspectionResponse?: 'json' | 'jwt' | 'jwt-preferred' | IntrospectionResponseOptions;
  /** Form fields besides `token` and the client's credentials. */
  readonly introspectionParameters?: Readonly<Record<string, string>>;
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
  /**
   * What a token must hold besides `iss`, `exp` and `aud`. A list is for JWTs that are checked here; an object replaces
   * it and is checked on introspection responses too.
   * @default ['sub', 'client_id', 'iat', 'jti']
   */
  readonly requiredClaims?: readonly string[] | Readonly<Record<string, ClaimRequirement>>;
  readonly claims?: ClaimMappingOptions;
  /** Refuses introspection responses without `token_type`. @default false */
  readonly requireTokenType?: boolean;
  /** Private JWKs for encrypted access tokens and introspection responses. */
  readonly decryptionKeys?: readonly JWK[];
  /** Whether access tokens may, or must, be encrypted JWTs. @default 'refused' */
  readonly encryptedTokens?: 'refused' | 'allowed' | 'required';
  readonly compatibility?: CompatibilityOptions;
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
  readonly token?: (context: ExtractContext) => string | undefined | Promise<string | undefined>;
}

/** How many refused tokens one client may present before it is answered 429, without a call. */
export interface UnknownTokensOptions {
  /** @default 20 */
  readonly perClient?: number;
  /** From the first of them, in milliseconds. @default 60_000 */
  readonly windowMs?: number;
  /** Tells clients apart; must not wait. @default the address: what the framework calls `ip`, or the connection's */
  readonly clientKey?: (request: never) => string;
}

/** What has been revoked by `revoke()`. */
export interface RevocationOptions {
  /** How long a mark stands; make it as long as your tokens live. @default 86_400 */
  readonly markSeconds?: number;
}

/** Asked for the options of the issuer that a JWT names: an allow-list. What it is given is not verified. */
export type IssuerLookup = (issuer: string) => IssuerOptions | undefined | Promise<IssuerOptions | undefined>;

/** Says which issuer's tokens a request may carry; `undefined`: none. */
export type IssuerRouting = (request: unknown, token: string) => string | undefined | Promise<string | undefined>;

/** What belongs to the resource server, however many authorization servers there are. */
export interface ServerOptions {
  /**
   * Which issuer's tokens a request may carry, JWTs too; or `'in-order'`: opaque tokens are asked about at one issuer
   * after the other, within one deadline, and the first that says active wins. Required when more than one issuer can
   * be asked.
   */
  readonly issuerFor?: IssuerRouting | 'in-order';
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
  /** Remembers introspection responses. Absent: off, so that a revocation at the authorization server counts at once. */
  readonly cache?: CacheOptions;
  readonly revocation?: RevocationOptions;
  /** Keeps clients off that present one refused token after the other. Absent: off. */
  readonly unknownTokens?: UnknownTokensOptions;
  /** Audit events. What it throws or returns changes nothing. */
  readonly onEvent?: (event: IntrospectionEvent) => unknown;
}

/**
 * Several authorization servers. Fields of {@link IssuerOptions} beside `issuers` are defaults for all of them; what
 * belongs to one alone (`issuer`, endpoints, `jwks`, `clientAuthentication`, `introspectionParameters`) is refused at
 * start-up.
 */
export interface SeveralIssuers extends Partial<IssuerOptions> {
  /** A list, in which `audience` may be left out where there is a default; or an allow-list function. */
  readonly issuers: readonly (Omit<IssuerOptions, 'audience'> & Partial<Pick<IssuerOptions, 'audience'>>)[] | IssuerLookup;
}

/**
 * Everything that the resource server is told. Unknown keys, wrong types and contradictions are refused, all at once.
 * Nothing is read from the environment.
 */
export type ResourceServerOptions = ServerOptions & (SeveralIssuers | (IssuerOptions & { readonly issuers?: never }));
