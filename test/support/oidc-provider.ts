import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';
import { Provider, type ClientMetadata } from 'oidc-provider';
import { createMemoryAdapterFactory } from '../../apps/authorization-server/src/memory-adapter.js';
import { AUDIENCE } from './authorization-server.js';

export interface ProviderRequest {
  readonly headers: IncomingHttpHeaders;
  readonly form: Readonly<Record<string, unknown>>;
  readonly status: number;
}

/** Tokens of one user at one client, made from the provider's own models: there is no login page here. */
export interface UserTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly idToken: string;
  /** Ends the grant that all of them hang on. */
  revoke(): Promise<void>;
}

export interface RunningProvider {
  readonly issuer: string;
  readonly introspections: number;
  readonly keySetFetches: number;
  /** What arrived at the introspection endpoint, in order. */
  introspectionRequests(): readonly ProviderRequest[];
  userTokens(format?: 'opaque' | 'jwt'): Promise<UserTokens>;
  /** An opaque access token for no resource, so without `aud`. */
  audienceless(): Promise<string>;
  close(): Promise<void>;
}

const JWT_RESOURCE = `${AUDIENCE}/jwt`;

function signingKeys(): JWK[] {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  return [{ ...rsa, use: 'sig' } as JWK, { ...ec, use: 'sig' } as JWK];
}

/** Either half of a key, with what else is said of it. */
export const exportJwk = (key: KeyObject, members: Record<string, unknown> = {}): JWK =>
  ({ ...key.export({ format: 'jwk' }), ...members }) as JWK;

/** A resource server's registration: it may introspect, and get no token. */
export const introspectingClient = (client_id: string, metadata: Partial<ClientMetadata>): ClientMetadata => ({
  client_id,
  grant_types: [],
  response_types: [],
  redirect_uris: [],
  ...metadata,
});

/** oidc-provider itself, on the loopback interface, with a client `app` and the resource servers that are given. */
export async function startProvider(resourceServers: ClientMetadata[]): Promise<RunningProvider> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const may = new Set(resourceServers.map(({ client_id }) => client_id));
  const requests: ProviderRequest[] = [];
  let keySetFetches = 0;

  const provider = new Provider(issuer, {
    adapter: createMemoryAdapterFactory(),
    jwks: { keys: signingKeys() },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    scopes: ['openid', 'offline_access', 'read', 'write'],
    clients: [
      {
        client_id: 'app',
        client_secret: randomBytes(16).toString('hex'),
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: ['https://app.example.com/callback'],
      },
      ...resourceServers,
    ],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'],
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    features: {
      devInteractions: { enabled: false },
      encryption: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_ctx, client) => may.has(client.clientId) },
      jwtIntrospection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => describeResource(resource),
      },
    },
    ttl: { AccessToken: 60, IdToken: 60, RefreshToken: 60, Grant: 60 },
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path === '/jwks') keySetFetches += 1;
    if (ctx.path !== '/token/introspection') return;
    const form = (ctx.oidc.body ?? {}) as Record<string, unknown>;
    requests.push({ headers: ctx.headers, form: { ...form }, status: ctx.status });
  });
  const answer = provider.callback();
  server.on('request', (request, response) => void answer(request, response));

  const grant = async (): Promise<{ grantId: string; revoke: () => Promise<void> }> => {
    const own = new provider.Grant({ clientId: 'app', accountId: 'u1' });
    own.addOIDCScope('openid offline_access');
    own.addResourceScope(AUDIENCE, 'read');
    own.addResourceScope(JWT_RESOURCE, 'read');
    return { grantId: await own.save(), revoke: () => own.destroy() };
  };
  const client = async () => {
    const found = await provider.Client.find('app');
    if (!found) throw new Error('the client app is registered');
    return found;
  };
  const base = { accountId: 'u1', claims: {}, gty: 'authorization_code', scope: 'read' } as const;

  return {
    issuer,
    get introspections() {
      return requests.length;
    },
    get keySetFetches() {
      return keySetFetches;
    },
    introspectionRequests: () => requests,
    userTokens: async (format = 'opaque') => {
      const { grantId, revoke } = await grant();
      const owner = { ...base, client: await client(), grantId };
      const resource = format === 'jwt' ? JWT_RESOURCE : AUDIENCE;
      const token = new provider.AccessToken({ ...owner, expiresIn: 60 } as ConstructorParameters<
        typeof provider.AccessToken
      >[0]);
      token.resourceServer = new provider.ResourceServer(resource, describeResource(resource));
      const refresh = new provider.RefreshToken({
        ...owner,
        scope: 'openid offline_access read',
        resource,
      } as ConstructorParameters<typeof provider.RefreshToken>[0]);
      const identity = new provider.IdToken({ sub: 'u1' }, { client: owner.client, ctx: undefined as never });
      return {
        accessToken: await token.save(),
        refreshToken: await refresh.save(),
        idToken: await identity.issue({ use: 'idtoken' }),
        revoke,
      };
    },
    audienceless: async () => {
      const { grantId } = await grant();
      const owner = { ...base, client: await client(), grantId, expiresIn: 60, scope: 'openid' };
      return new provider.AccessToken(owner as ConstructorParameters<typeof provider.AccessToken>[0]).save();
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function describeResource(resource: string) {
  const described = { scope: 'read write', audience: resource };
  if (resource === AUDIENCE) return { ...described, accessTokenFormat: 'opaque' as const };
  return { ...described, audience: AUDIENCE, accessTokenFormat: 'jwt' as const, jwt: { sign: { alg: 'ES256' as const } } };
}
