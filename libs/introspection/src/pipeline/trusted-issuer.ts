import { listOf } from '../protocol/requirement.js';
import { normalizeResponse } from '../protocol/compatibility.js';
import type { IntrospectionResponse } from '../protocol/introspection-response.js';
import type { JsonObject } from '../protocol/json.js';
import type { AnswerCache } from './cache/answer-cache.js';
import { RememberedIntrospection } from './cache/remembered-introspection.js';
import type { RevocationMarks } from './cache/revocation-marks.js';
import { TokenIdentity } from './cache/token-identity.js';
import type { Deadline } from './deadline.js';
import type { EventSink } from './events.js';
import { compareMetadata } from './issuer/compare-metadata.js';
import { Endpoints, needKeys } from './issuer/endpoints.js';
import { MetadataSource } from './issuer/metadata-source.js';
import type { NoticeSink } from './notices.js';
import type { ResolvedIssuerOptions, ResolvedOptions } from './options/resolved-options.js';
import { type IssuerHealth, latestOf, partHealth, worstOf } from './health.js';
import { EndpointClient, type EndpointClientParts } from './outbound/endpoint-client.js';
import type { HttpClient } from './outbound/http-client.js';
import type { ClientAuthenticator } from './verification/client-authentication/client-authenticator.js';
import { createClientAuthenticator } from './verification/client-authentication/create-client-authenticator.js';
import { Decrypter } from './verification/decryption.js';
import { IntrospectionClient } from './verification/introspection-client.js';
import { type KeySet, StaticKeySet } from './verification/key-set.js';
import { LocalVerifier } from './verification/local-verifier.js';
import { RemoteKeySet } from './verification/remote-key-set.js';
import type { SignedResponseParts } from './verification/signed-response.js';
import type { PresentedToken } from './presented-token.js';
import { ResponseChecker } from './verification/response-checker.js';
import type { Expectation, VerifiedToken } from './verification/verified-token.js';
import type { IntrospectionSource, RevocationSource, Verifiers } from './verification/verify-token.js';

/** What issuers share with the rest of the resource server. */
export interface SharedParts {
  readonly options: ResolvedOptions;
  readonly client: HttpClient;
  readonly emit: EventSink;
  readonly notify: NoticeSink;
  /** Absent where nothing is remembered. */
  readonly cache: AnswerCache | undefined;
  readonly marks: RevocationMarks;
  /** A text that no other issuer of this resource server gets. */
  nextTag(): string;
}

/** One configured authorization server with everything that belongs to it alone: metadata, keys, credentials. */
export class TrustedIssuer implements Verifiers {
  readonly local: LocalVerifier | undefined;
  readonly introspection: IntrospectionSource | undefined;
  readonly revocation: RevocationSource;
  readonly responses: ResponseChecker;
  readonly decrypter: Decrypter | undefined;
  readonly #clients: EndpointClients;
  readonly #endpoints: Endpoints;
  readonly #metadata: MetadataSource;
  readonly #keys: KeySet | undefined;
  readonly #asked: IntrospectionClient | undefined;
  readonly #authenticator: ClientAuthenticator | undefined;
  readonly #expectation: Expectation;
  readonly #shared: SharedParts;

  constructor(
    readonly options: ResolvedIssuerOptions,
    shared: SharedParts,
  ) {
    const { issuer, verification, audience, allowMissingAudience, decryptionKeys } = options;
    const { allowInsecureHttp, clock, http } = shared.options;
    this.#shared = shared;
    this.#expectation = { audience, allowMissingAudience };
    const parts = { issuer, clock, timeoutMs: http.timeoutMs, emit: shared.emit, notify: shared.notify };
    const { client, emit } = shared;
    const clientFor = (endpoint: Endpoint) => new EndpointClient({ issuer, endpoint, client, limits: http, clock, emit });
    this.#clients = { introspection: clientFor('introspection'), keys: clientFor('keys'), metadata: clientFor('metadata') };
    this.#metadata = new MetadataSource({
      ...parts,
      client: this.#clients.metadata,
      allowInsecureHttp,
      compare: (metadata) => compareMetadata(metadata, options),
    });
    this.#endpoints = new Endpoints(options, this.#metadata);
    this.#authenticator = canBeAsked(options) ? createClientAuthenticator(options, http, clock) : undefined;
    this.decrypter = decryptionKeys.length === 0 ? undefined : new Decrypter(decryptionKeys);
    this.#keys = needKeys(options) ? this.#createKeySet({ ...parts, client: this.#clients.keys }) : undefined;
    this.local = this.#keys === undefined || verification === 'remote' ? undefined : new LocalVerifier(options, this.#keys);
    this.#asked = this.#createIntrospectionClient();
    this.introspection = this.#createIntrospection();
    this.responses = new ResponseChecker(options);
    this.revocation = this.#createRevocation(shared.marks);
  }

  /** What a token must be for: the route's audience, or the configured one. A route's is never met by a missing `aud`. */
  expectation(audience: string | readonly string[] | undefined): Expectation {
    return audience === undefined ? this.#expectation : { audience: listOf(audience), allowMissingAudience: false };
  }

  /** Starts what can be fetched before the first request. Never fails. */
  warmUp(): void {
    if (this.#endpoints.needMetadata) this.#metadata.warmUp();
  }

  noteUnknownIssuer(): void {
    this.#shared.emit({ type: 'issuer.unknown' });
  }

  /** How it stands with this issuer, without a call. */
  health(): IssuerHealth {
    const { issuer } = this.options;
    const asked = this.#asked;
    const lastSuccessAtMs = latestOf(asked?.lastSuccessAtMs, this.#keys?.loadedAtMs);
    return {
      issuer,
      metadata: this.#endpoints.needMetadata ? partHealth(this.#metadata.isFailing, this.#metadata.isHeld) : 'unused',
      keys: this.#keys === undefined ? 'unused' : partHealth(this.#keys.isFailing, this.#keys.loadedAtMs !== undefined),
      introspection: asked === undefined ? 'unused' : partHealth(asked.isFailing, asked.lastSuccessAtMs !== undefined),
      breaker: worstOf(Object.values(this.#clients).map(({ breaker }) => breaker.state)),
      ...(lastSuccessAtMs !== undefined && { lastSuccessAtMs }),
    };
  }

  async close(): Promise<void> {
    await this.#authenticator?.close?.();
  }

  #createKeySet(parts: Omit<ConstructorParameters<typeof RemoteKeySet>[0], 'url' | 'lifetime'>): KeySet {
    const { jwks, keySet: lifetime } = this.options;
    if (jwks !== undefined) return new StaticKeySet(jwks);
    return new RemoteKeySet({ ...parts, lifetime, url: (deadline) => this.#endpoints.jwksUri(deadline) });
  }

  #createIntrospectionClient(): IntrospectionClient | undefined {
    if (this.#authenticator === undefined) return undefined;
    const { emit, notify } = this.#shared;
    const { clock } = this.#shared.options;
    const { introspectionResponse: expected, issuer } = this.options;
    const keys = this.#keys;
    const signedResponse: SignedResponseParts | undefined =
      expected.type === 'json' || keys === undefined ? undefined : { issuer, expected, keys, decrypter: this.decrypter, clock };
    return new IntrospectionClient({
      options: this.options,
      client: this.#clients.introspection,
      clock,
      emit,
      notify,
      signedResponse,
      authenticator: this.#authenticator,
      endpoint: (deadline: Deadline) => this.#endpoints.introspectionEndpoint(deadline),
    });
  }

  #createIntrospection(): IntrospectionSource | undefined {
    const asked = this.#asked;
    if (asked === undefined) return undefined;
    const { options } = this;
    const { cache, emit, marks } = this.#shared;
    return new RememberedIntrospection({
      issuer: options.issuer,
      tag: this.#shared.nextTag(),
      ask: (token, deadline) => asked.introspect(token, deadline),
      identify: (response) => this.#identify(response),
      cache,
      shared: cache?.sharedFor(answerScope(options), options.compatibility),
      marks,
      clock: this.#shared.options.clock,
      timeoutMs: this.#shared.options.http.timeoutMs,
      toleranceSeconds: this.#shared.options.clockToleranceSeconds,
      emit,
    });
  }

  #createRevocation(marks: RevocationMarks): RevocationSource {
    const identities = new WeakMap<VerifiedToken, TokenIdentity>();
    const revocable = ({ token, name }: PresentedToken, verified: VerifiedToken) => {
      let identity = identities.get(verified);
      if (identity === undefined) {
        identity = new TokenIdentity(this.options.issuer, verified.facts, verified.mapping);
        identities.set(verified, identity);
      }
      return { token, name, identity };
    };
    const { issuer } = this.options;
    return {
      noteUse: () => this.#shared.emit({ type: 'anomaly.revoked_token_used', issuer }),
      isClear: (presented, verified) => marks.isIdle || marks.judge(revocable(presented, verified)) === 'clear',
      check: async (presented, verified, deadline) =>
        marks.isIdle ? 'clear' : marks.check(revocable(presented, verified), deadline),
    };
  }

  #identify(response: IntrospectionResponse): { identity: TokenIdentity; expiresAtMs: number } {
    const facts = normalizeResponse(response as JsonObject, this.options.compatibility);
    const expiresAtMs = typeof facts.exp === 'number' ? facts.exp * 1000 : Number.POSITIVE_INFINITY;
    return { identity: new TokenIdentity(this.options.issuer, facts, this.options.claims), expiresAtMs };
  }
}

type Endpoint = EndpointClientParts['endpoint'];
type EndpointClients = Readonly<Record<Endpoint, EndpointClient>>;

/** Whether there is anybody to ask about a token, which in `local` is not needed but may be configured. */
export function canBeAsked(options: ResolvedIssuerOptions): boolean {
  const { clientAuthentication, discovery, introspectionEndpoint } = options;
  return clientAuthentication !== undefined && (discovery || introspectionEndpoint !== undefined);
}

/** What an introspection response belongs to besides the token: another resource server may be told something else. */
function answerScope(options: ResolvedIssuerOptions): string[] {
  const { issuer, introspectionEndpoint, clientAuthentication, introspectionResponse, introspectionParameters, audience } =
    options;
  const client = clientAuthentication as { readonly method: string; readonly clientId?: string } | undefined;
  const endpoint = introspectionEndpoint ?? 'discovered';
  const texts = [issuer, endpoint, client?.method ?? '', client?.clientId ?? '', introspectionResponse.type];
  return [...texts, JSON.stringify(audience), JSON.stringify(introspectionParameters)];
}
