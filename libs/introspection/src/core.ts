export { ConfigurationError, type ConfigurationProblem } from './protocol/configuration-error.js';
export {
  AccessDeniedError,
  AccessTokenError,
  InsufficientScopeError,
  InvalidRequestError,
  InvalidTokenError,
  type InvalidTokenReason,
  MissingCredentialsError,
  ResourceServerError,
  type ResourceServerErrorCode,
  TooManyUnknownTokensError,
} from './protocol/errors.js';
export {
  AuthorizationServerError,
  ClientRejectedError,
  IntrospectionResponseError,
  IntrospectionUnavailableError,
  KeySetUnavailableError,
  MetadataError,
} from './protocol/authorization-server-errors.js';
export type { IntrospectionResponse } from './protocol/introspection-response.js';
export type { ClaimSource } from './protocol/claim-mapping.js';
export type { Requirement } from './protocol/requirement.js';
export type { RevocationTarget } from './pipeline/cache/revocation-target.js';
export type { Clock } from './pipeline/clock.js';
export type { ChallengeResponse } from './pipeline/challenge-response.js';
export type { Health, IssuerHealth, PartHealth } from './pipeline/health.js';
export type { IntrospectionEvent } from './pipeline/events.js';
export type { ResourceRequest } from './pipeline/extract/resource-request.js';
export type { CacheOptions, CacheSecret, CacheSecrets, CacheSecretSource } from './pipeline/options/cache-options.js';
export type { HttpOptions } from './pipeline/options/http-options.js';
export type { SharedCache, SharedKeyv, TokenCacheStore } from './pipeline/options/token-cache-store.js';
export type {
  BearerTokenContext,
  ClaimMappingOptions,
  ClaimRequirement,
  ClaimSources,
  ClientAssertionOptions,
  ClientAuthentication,
  CompatibilityOptions,
  ExtractContext,
  ExtractOptions,
  IntrospectionResponseOptions,
  IssuerLookup,
  IssuerOptions,
  IssuerRouting,
  KeySetOptions,
  PrivateKey,
  ResourceServerOptions,
  RevocationOptions,
  Secret,
  ServerOptions,
  SeveralIssuers,
  UnknownTokensOptions,
  VerificationMode,
} from './pipeline/options/options.js';
export { AccessTokenPrincipal, type Actor } from './pipeline/principal/access-token-principal.js';
export { type ApplicationPrincipal, createPrincipal } from './pipeline/principal/create-principal.js';
export { createResourceServer } from './pipeline/resource-server.js';
export type { IntrospectOptions, ResourceServer } from './pipeline/resource-server-contract.js';
export { secretFromFile } from './pipeline/secret-from-file.js';
