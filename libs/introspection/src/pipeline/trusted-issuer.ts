import { listOf } from '../protocol/requirement.js';
import type { EventSink } from './events.js';
import { Endpoints } from './issuer/endpoints.js';
import { MetadataSource } from './issuer/metadata-source.js';
import type { NoticeSink } from './notices.js';
import type { ResolvedIssuerOptions, ResolvedOptions } from './options/resolved-options.js';
import type { HttpClient } from './outbound/http-client.js';
import { IntrospectionClient } from './verification/introspection-client.js';
import { type KeySet, StaticKeySet } from './verification/key-set.js';
import { LocalVerifier } from './verification/local-verifier.js';
import { RemoteKeySet } from './verification/remote-key-set.js';
import type { Expectation } from './verification/verified-token.js';
import type { Verifiers } from './verification/verify-token.js';

/** What an issuer shares with the rest of the resource server. */
export interface SharedParts {
  readonly options: ResolvedOptions;
  readonly client: HttpClient;
  readonly emit: EventSink;
  readonly notify: NoticeSink;
}

const KEY_SET_LIFETIME = { maxAgeSeconds: 600, cooldownSeconds: 30, maxStaleSeconds: 3600 };

/** One configured authorization server with everything that belongs to it alone: metadata, keys, credentials. */
export class TrustedIssuer implements Verifiers {
  readonly local: LocalVerifier | undefined;
  readonly introspection: IntrospectionClient | undefined;
  readonly #metadata: MetadataSource;
  readonly #endpoints: Endpoints;
  readonly #shared: SharedParts;
  readonly #expectation: Expectation;

  constructor(
    readonly options: ResolvedIssuerOptions,
    shared: SharedParts,
  ) {
    const { issuer, verification, audience, allowMissingAudience, clientAuthentication } = options;
    const { allowInsecureHttp, clock, http } = shared.options;
    this.#shared = shared;
    this.#expectation = { audience, allowMissingAudience };
    const parts = { issuer, client: shared.client, clock, timeoutMs: http.timeoutMs, emit: shared.emit, notify: shared.notify };
    this.#metadata = new MetadataSource({ ...parts, allowInsecureHttp });
    this.#endpoints = new Endpoints(options, this.#metadata);
    if (verification !== 'remote') this.local = new LocalVerifier(options, this.#createKeySet(parts));
    if (verification !== 'local' && clientAuthentication !== undefined) {
      const endpoint = this.#endpoints.introspectionEndpoint.bind(this.#endpoints);
      this.introspection = new IntrospectionClient({ ...parts, endpoint, authentication: clientAuthentication });
    }
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

  #createKeySet(parts: Omit<ConstructorParameters<typeof RemoteKeySet>[0], 'url' | 'lifetime'>): KeySet {
    if (this.options.jwks !== undefined) return new StaticKeySet(this.options.jwks);
    return new RemoteKeySet({ ...parts, url: this.#endpoints.jwksUri.bind(this.#endpoints), lifetime: KEY_SET_LIFETIME });
  }
}
