import type { JSONWebKeySet, JWK } from 'jose';
import type { Dispatcher } from 'undici';
import type { ClaimMapping } from '../../protocol/claim-mapping.js';
import type { Compatibility } from '../../protocol/compatibility.js';
import type { Clock } from '../clock.js';
import type { IntrospectionEvent } from '../events.js';
import type { CacheOptions, CacheSecretSource } from './cache-options.js';
import type { SharedCache, TokenCacheStore } from './token-cache-store.js';
import type {
  ClaimRequirement,
  ClientAuthentication,
  ExtractContext,
  IssuerRouting,
  KeySetOptions,
  VerificationMode,
} from './options.js';

/** The options of one authorization server, checked and complete. */
export interface ResolvedIssuerOptions {
  readonly issuer: string;
  /** `null`: any audience, by the operator's written word. */
  readonly audience: readonly string[] | null;
  readonly allowMissingAudience: boolean;
  readonly verification: VerificationMode;
  readonly discovery: boolean;
  readonly introspectionEndpoint: string | undefined;
  readonly jwksUri: string | undefined;
  readonly jwks: JSONWebKeySet | undefined;
  readonly keySet: KeySetLifetime;
  readonly clientAuthentication: ClientAuthentication | undefined;
  readonly introspectionResponse: ResolvedIntrospectionResponse;
  readonly introspectionParameters: Readonly<Record<string, string>>;
  readonly algorithms: readonly string[];
  /** Normalized media types; `null` stands for a JWT without `typ`. */
  readonly tokenTypes: readonly (string | null)[];
  readonly requiredClaims: RequiredClaims;
  readonly claims: ClaimMapping;
  readonly requireTokenType: boolean;
  readonly decryptionKeys: readonly JWK[];
  readonly encryptedTokens: 'refused' | 'allowed' | 'required';
  readonly compatibility: Compatibility;
}

/** How long fetched keys serve, in seconds. */
export type KeySetLifetime = Required<KeySetOptions>;

/** What kind of introspection response is asked for and accepted. */
export interface ResolvedIntrospectionResponse {
  readonly type: 'json' | 'jwt' | 'jwt-preferred';
  readonly algorithms: readonly string[];
  readonly audience: readonly string[];
}

/** Claims that must be there, and what they must be. */
export interface RequiredClaims {
  readonly claims: Readonly<Record<string, ClaimRequirement>>;
  /** Whether introspection responses must meet them too. */
  readonly inResponses: boolean;
  /** Whether functions of the application are among them, which may change their mind. */
  readonly askApplication: boolean;
}

/** Where tokens are taken from. */
export interface ResolvedExtractOptions {
  readonly formBody: boolean;
  readonly query: boolean;
  readonly maxTokenLength: number;
  readonly token: ((context: ExtractContext) => string | undefined | Promise<string | undefined>) | undefined;
}

/** Limits of outbound calls. */
export interface ResolvedHttpOptions {
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly retries: number;
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  readonly breaker: { readonly failures: number; readonly openMs: number };
  readonly userAgent: string;
  readonly ca: readonly string[] | undefined;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly dispatcher: Dispatcher | undefined;
}

/** How many refused tokens one client may present. */
export interface ResolvedUnknownTokens {
  readonly perClient: number;
  readonly windowMs: number;
  readonly clientKey: ((request: unknown) => unknown) | undefined;
}

/** How answers are remembered. */
export interface ResolvedCacheOptions extends Required<Omit<CacheOptions, 'shared' | 'secret'>> {
  readonly shared: SharedCache | TokenCacheStore | undefined;
  /** `null`: clear values. */
  readonly secret: readonly CacheSecretSource[] | null;
}

/**
 * Looks an issuer up and checks its options.
 *
 * @throws {ConfigurationError} when they are wrong
 */
export type ResolvedIssuerLookup = (issuer: string) => Promise<ResolvedIssuerOptions | undefined>;

/** All options, checked and complete: nothing behind this asks for a default. */
export interface ResolvedOptions {
  readonly issuers: readonly ResolvedIssuerOptions[] | ResolvedIssuerLookup;
  readonly issuerFor: IssuerRouting | 'in-order' | undefined;
  readonly clockToleranceSeconds: number;
  readonly clock: Clock;
  readonly allowInsecureHttp: boolean;
  readonly realm: string;
  readonly extract: ResolvedExtractOptions;
  readonly http: ResolvedHttpOptions;
  /** Absent: nothing is remembered. */
  readonly cache: ResolvedCacheOptions | undefined;
  readonly revocation: { readonly markSeconds: number };
  /** Absent: nobody is kept off. */
  readonly unknownTokens: ResolvedUnknownTokens | undefined;
  readonly onEvent: ((event: IntrospectionEvent) => unknown) | undefined;
  /** Lines for the operator about what is allowed but unwise. */
  readonly warnings: readonly string[];
}
