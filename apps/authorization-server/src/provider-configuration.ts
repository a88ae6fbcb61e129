import { randomBytes } from 'node:crypto';
import { errors, type Configuration, type JWK, type ResourceServer } from 'oidc-provider';
import { createClients, RESOURCE_SERVER_CLIENT, type ClientSecrets } from './clients.js';
import { createMemoryAdapterFactory } from './memory-adapter.js';
import { formatOf, RESOURCES } from './resources.js';

export interface ProviderSettings {
  readonly secrets: ClientSecrets;
  readonly signingKeys: JWK[];
  readonly accessTokenSeconds: number;
}

export const createProviderConfiguration = ({ secrets, signingKeys, accessTokenSeconds }: ProviderSettings): Configuration => ({
  adapter: createMemoryAdapterFactory(),
  clients: createClients(secrets),
  jwks: { keys: signingKeys },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  scopes: ['read', 'write'],
  ttl: { ClientCredentials: accessTokenSeconds },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_ctx, client) => client.clientId === RESOURCE_SERVER_CLIENT },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCES.opaque,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => describeResource(resource),
    },
  },
});

function describeResource(resource: string): ResourceServer {
  const format = formatOf(resource);
  // Any other error would be reported as this server's own failure.
  if (format === undefined) throw new errors.InvalidTarget();
  const described = { scope: 'read write', audience: resource };
  if (format === 'opaque') return { ...described, accessTokenFormat: 'opaque' };
  return { ...described, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } };
}
