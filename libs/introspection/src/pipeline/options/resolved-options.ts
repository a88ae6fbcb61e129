import type { JSONWebKeySet } from 'jose';
import type { ClaimMapping } from '../../protocol/claim-mapping.js';
import type { Clock } from '../clock.js';
import type { IntrospectionEvent } from '../events.js';
import type { ClientAuthentication, ExtractContext, VerificationMode } from './options.js';

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
  readonly clientAuthentication: ClientAuthentication | undefined;
  readonly algorithms: readonly string[];
  /** Normalized media types; `null` stands for a JWT without `typ`. */
  readonly tokenTypes: readonly (string | null)[];
  readonly requiredClaims: readonly string[];
  readonly claims: ClaimMapping;
  readonly requireTokenType: boolean;
}

/** Where tokens are taken from. */
export interface ResolvedExtractOptions {
  readonly formBody: boolean;
  readonly query: boolean;
  readonly maxTokenLength: number;
  readonly token: ((context: ExtractContext) => string | undefined) | undefined;
}

/** Limits of outbound calls. */
export interface ResolvedHttpOptions {
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly retries: number;
}

/** All options, checked and complete: nothing behind this asks for a default. */
export interface ResolvedOptions {
  readonly issuers: readonly ResolvedIssuerOptions[];
  readonly clockToleranceSeconds: number;
  readonly clock: Clock;
  readonly allowInsecureHttp: boolean;
  readonly realm: string;
  readonly extract: ResolvedExtractOptions;
  readonly http: ResolvedHttpOptions;
  readonly onEvent: ((event: IntrospectionEvent) => unknown) | undefined;
  /** Lines for the operator about what is allowed but unwise. */
  readonly warnings: readonly string[];
}
