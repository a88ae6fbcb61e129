import { MetadataError } from '../../protocol/authorization-server-errors.js';
import type { AuthorizationServerMetadata, MetadataEndpoint } from '../../protocol/authorization-server-metadata.js';
import type { Deadline } from '../deadline.js';
import type { ResolvedIssuerOptions } from '../options/resolved-options.js';
import type { MetadataSource } from './metadata-source.js';

/** Where an issuer's endpoints are: what the options say wins, the rest comes from metadata. */
export class Endpoints {
  constructor(
    private readonly options: ResolvedIssuerOptions,
    private readonly metadata: MetadataSource,
  ) {}

  /** Whether anything has to be discovered at all. */
  get needMetadata(): boolean {
    const { verification, discovery, introspectionEndpoint, jwksUri, jwks } = this.options;
    const needsKeys = verification !== 'remote' && jwks === undefined && jwksUri === undefined;
    return discovery && (needsKeys || (verification !== 'local' && introspectionEndpoint === undefined));
  }

  /** @throws {MetadataError} */
  introspectionEndpoint(deadline: Deadline): string | Promise<string> {
    return this.options.introspectionEndpoint ?? this.#discover(deadline, (metadata) => metadata.introspectionEndpoint);
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
