import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import { createClientSecrets, type ClientSecrets } from './clients.js';
import { createProviderConfiguration } from './provider-configuration.js';
import { RESOURCES } from './resources.js';
import { createSigningKeys } from './signing-keys.js';

export interface AuthorizationServerOptions {
  /** 0 takes any free port. @default 0 */
  readonly port?: number;
  /** What is left out is generated. */
  readonly secrets?: Partial<ClientSecrets>;
  /** @default 3600 */
  readonly accessTokenSeconds?: number;
}

export interface AuthorizationServer {
  readonly issuer: string;
  readonly port: number;
  readonly secrets: ClientSecrets;
  /** The `resource=` that yields each kind of access token, and its `aud`. */
  readonly resources: typeof RESOURCES;
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';

/**
 * Starts an authorization server for demonstrations and tests: reachable from this machine only, everything in memory, its
 * clients' secrets in the clear. Not made for anything else.
 *
 * @throws {Error} with code `EADDRINUSE` when the port is taken.
 */
export async function startAuthorizationServer(options: AuthorizationServerOptions = {}): Promise<AuthorizationServer> {
  const secrets = createClientSecrets(options.secrets);
  const signingKeys = await createSigningKeys();

  // The issuer identifier holds the port, which is known only once the server listens.
  const server = createServer();
  server.listen(options.port ?? 0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const issuer = `http://${LOOPBACK}:${port}`;

  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    // A client's idle connection would keep the server, and with it the process, alive.
    server.closeAllConnections();
    await closed;
  };

  try {
    const accessTokenSeconds = options.accessTokenSeconds ?? 3600;
    const answer = new Provider(issuer, createProviderConfiguration({ secrets, signingKeys, accessTokenSeconds })).callback();
    server.on('request', (request, response) => {
      // The provider builds its metadata's URLs from this header, and all of them have to be the issuer's.
      request.headers.host = `${LOOPBACK}:${port}`;
      void answer(request, response);
    });
  } catch (error) {
    await close();
    throw error;
  }
  return { issuer, port, secrets, resources: RESOURCES, close };
}
