import { randomBytes } from 'node:crypto';
import type { ClientMetadata } from 'oidc-provider';

export type ClientName = 'machine-read' | 'machine-write' | 'api';

export type ClientSecrets = Record<ClientName, string>;

/** The one client that may introspect: the resource server's own. It cannot get a token. */
export const RESOURCE_SERVER_CLIENT = 'api' satisfies ClientName;

// A secret of its own for every run: one written down here would end up in somebody's deployment.
export const createClientSecrets = (given: Partial<ClientSecrets> = {}): ClientSecrets => ({
  'machine-read': given['machine-read'] ?? createSecret(),
  'machine-write': given['machine-write'] ?? createSecret(),
  api: given.api ?? createSecret(),
});

const createSecret = () => randomBytes(24).toString('base64url');

export const createClients = (secrets: ClientSecrets): ClientMetadata[] => [
  { ...machine('machine-read', secrets), scope: 'read' },
  { ...machine('machine-write', secrets), scope: 'read write' },
  { client_id: RESOURCE_SERVER_CLIENT, client_secret: secrets.api, grant_types: [], response_types: [], redirect_uris: [] },
];

const machine = (name: ClientName, secrets: ClientSecrets): ClientMetadata => ({
  client_id: name,
  client_secret: secrets[name],
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
});
