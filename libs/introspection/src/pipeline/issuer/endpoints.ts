import { MetadataError } from '../../protocol/authorization-server-errors.js';
import type { AuthorizationServerMetadata, MetadataEndpoint } from '../../protocol/authorization-server-metadata.js';
import type { Deadline } from '../deadline.js';
import type { ResolvedIssuerOptions } from '../options/resolved-options.js';
import type { MetadataSource } from './metadata-source.js';

/** Whether keys of the issuer verify anything: access tokens, or signed introspection responses. */
export function needKeys({ verification, introspectionResponse }: ResolvedIssuerOptions): boolean {
  return verification !== 'remote' || introspectionResponse.type !== 'json';
}

/** Where an issuer's endpoints are: what the options say wins, the rest comes from metadata. */
export class Endpoints {
  constructor(
    private readonly options: ResolvedIssuerOptions,
    private readonly metadata: MetadataSource,
  ) {}

  /** Whether anything has to be discovered at all. */
  get needMetadata(): boolean {
    const { clientAuthentication, discovery, introspectionEndpoint, jwksUri, jwks } = this.options;
    const needsKeys = needKeys(this.options) && jwks === undefined && jwksUri === undefined;
    return discovery && (needsKeys || (clientAuthentication !== undefined && introspectionEndpoint === undefined));
  }

  /**
   * For mutual TLS, the endpoint that is there for it, where the metadata names one (RFC 8705 §5).
   *
   * @throws {MetadataError}
   */
  introspectionEndpoint(deadline: Deadline): string | Promise<string> {
    const isMutualTls = this.options.clientAuthentication?.method.endsWith('tls_client_auth') === true;
    const select = (metadata: AuthorizationServerMetadata) =>
      (isMutualTls ? metadata.mutualTlsIntrospectionEndpoint : undefined) ?? metadata.introspectionEndpoint;
    return this.options.introspectionEndpoint ?? this.#discover(deadline, select);
  }

  /** @throws {MetadataError} */
  jwksUri(deadline: Deadline): string | Promise<string> {
    return this.options.jwksUri ?? this.#discover(deadline, (metadata) => metadata.jwksUri);
  }

  async #discover(deadline: Deadline, select: (metadata: AuthorizationServerMetadata) => MetadataEndpoint): Promise<string> {
    if (!this.options.discovery) throw new MetadataError({ detail: 'the endpoint is neither given nor discovered' });
    const endpoint = select(await this.metadata.get(deadline));
    if ('unusable' in endpoint) throw new MetadataError({ detail: endpoint.unusable });
    return endpoint.url;
  }
}
