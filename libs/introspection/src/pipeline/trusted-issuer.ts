import { listOf } from '../protocol/requirement.js';
import { AskOnce, type Introspector } from './cache/ask-once.js';
import type { TokenHash } from './cache/token-hash.js';
import type { Deadline } from './deadline.js';
import type { EventSink } from './events.js';
import { compareMetadata } from './issuer/compare-metadata.js';
import { Endpoints, needKeys } from './issuer/endpoints.js';
import { MetadataSource } from './issuer/metadata-source.js';
import type { NoticeSink } from './notices.js';
import type { ResolvedIssuerOptions, ResolvedOptions } from './options/resolved-options.js';
import type { HttpClient } from './outbound/http-client.js';
import type { ClientAuthenticator } from './verification/client-authentication/client-authenticator.js';
import { createClientAuthenticator } from './verification/client-authentication/create-client-authenticator.js';
import { Decrypter } from './verification/decryption.js';
import { IntrospectionClient } from './verification/introspection-client.js';
import { type KeySet, StaticKeySet } from './verification/key-set.js';
import { LocalVerifier } from './verification/local-verifier.js';
import { RemoteKeySet } from './verification/remote-key-set.js';
import type { SignedResponseParts } from './verification/signed-response.js';
import type { Expectation } from './verification/verified-token.js';
import type { Verifiers } from './verification/verify-token.js';

/** What issuers share with the rest of the resource server. */
export interface SharedParts {
  readonly options: ResolvedOptions;
  readonly client: HttpClient;
  readonly emit: EventSink;
  readonly notify: NoticeSink;
  /** Names tokens in tables, so that none of them holds one. */
  readonly nameOf: TokenHash;
}

/** One configured authorization server with everything that belongs to it alone: metadata, keys, credentials. */
export class TrustedIssuer implements Verifiers {
  readonly local: LocalVerifier | undefined;
  readonly introspection: Introspector | undefined;
  readonly decrypter: Decrypter | undefined;
  readonly #endpoints: Endpoints;
  readonly #metadata: MetadataSource;
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
    const parts = { issuer, client: shared.client, clock, timeoutMs: http.timeoutMs, emit: shared.emit, notify: shared.notify };
    this.#metadata = new MetadataSource({
      ...parts,
      allowInsecureHttp,
      compare: (metadata) => compareMetadata(metadata, options),
    });
    this.#endpoints = new Endpoints(options, this.#metadata);
    this.#authenticator = verification === 'local' ? undefined : createClientAuthenticator(options, http, clock);
    this.decrypter = decryptionKeys.length === 0 ? undefined : new Decrypter(decryptionKeys);
    const keys = needKeys(options) ? this.#createKeySet(parts) : undefined;
    this.local = keys === undefined || verification === 'remote' ? undefined : new LocalVerifier(options, keys, shared.nameOf);
    this.introspection = this.#createIntrospection(keys);
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

  async close(): Promise<void> {
    await this.#authenticator?.close?.();
  }

  #createKeySet(parts: Omit<ConstructorParameters<typeof RemoteKeySet>[0], 'url' | 'lifetime'>): KeySet {
    const { jwks, keySet: lifetime } = this.options;
    if (jwks !== undefined) return new StaticKeySet(jwks);
    return new RemoteKeySet({ ...parts, lifetime, url: (deadline) => this.#endpoints.jwksUri(deadline) });
  }

  #createIntrospection(keys: KeySet | undefined): Introspector | undefined {
    if (this.#authenticator === undefined) return undefined;
    const { options } = this;
    const { client, emit, notify } = this.#shared;
    const { clock } = this.#shared.options;
    const { introspectionResponse: expected, issuer } = options;
    const signedResponse: SignedResponseParts | undefined =
      expected.type === 'json' || keys === undefined ? undefined : { issuer, expected, keys, decrypter: this.decrypter, clock };
    const endpoint = (deadline: Deadline) => this.#endpoints.introspectionEndpoint(deadline);
    const authenticator = this.#authenticator;
    const asked = new IntrospectionClient({ options, client, clock, emit, notify, signedResponse, authenticator, endpoint });
    return new AskOnce(asked, this.#shared.nameOf, this.#shared.options.http.timeoutMs);
  }
}
