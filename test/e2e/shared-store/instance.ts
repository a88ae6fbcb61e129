import KeyvRedis from '@keyv/redis';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import {
  createResourceServer,
  type ResourceServerError,
  type ResourceServerOptions,
  type RevocationTarget,
} from 'nestjs-introspection/core';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What the test wants this process to be; JSON in the environment variable `INSTANCE`. */
export interface InstanceSettings {
  readonly framework: 'nest' | 'none';
  /** `default`: as users write it. `bounded`: with limits on every wait. */
  readonly keyv: 'default' | 'bounded';
  readonly redisUrl: string;
  readonly options: Omit<ResourceServerOptions, 'cache'>;
  readonly cache: { readonly ttlMs: number; readonly secret: string; readonly localTtlMs: number };
}

/** A resource server in this process, whatever it is made with. */
export interface Instance {
  readonly port: number;
  revoke(target: RevocationTarget): Promise<void>;
  close(): Promise<void>;
}

/** Whatever went wrong and nobody caught. */
const faults: string[] = [];
process.on('unhandledRejection', (reason) => faults.push(`unhandledRejection ${String(reason)}`));
process.on('uncaughtException', (error) => faults.push(`uncaughtException ${String(error)}`));
// What the library has to say to the operator is no fault; what Node.js says of leaks is one.
process.on('warning', ({ name, message }) => name !== 'IntrospectionWarning' && faults.push(`${name} ${message}`));
// Whoever started this process is gone: it must not stay.
process.stdin.on('end', () => process.exit(1)).resume();
(process.stdin as typeof process.stdin & { unref?(): void }).unref?.();

const settings = JSON.parse(process.env['INSTANCE'] ?? '') as InstanceSettings;
const cache = createCache({ stores: [settings.keyv === 'default' ? defaultKeyv() : boundedKeyv()] });
const options = { ...settings.options, cache: { ...settings.cache, shared: cache } } as ResourceServerOptions;
const instance = settings.framework === 'nest' ? await startNest() : await startPlain();
const control = await startControl();
console.log(`port ${instance.port}, control ${control}, ready`);

function defaultKeyv(): Keyv {
  return new Keyv({ store: new KeyvRedis(settings.redisUrl) });
}

function boundedKeyv(): Keyv {
  const reconnectStrategy = (retries: number): number => Math.min(retries * 50, 1000);
  const socket = { connectTimeout: 300, socketTimeout: 2000, reconnectStrategy };
  const redis = new KeyvRedis(
    // Without pings the client takes a connection that nobody uses for a dead one.
    { url: settings.redisUrl, disableOfflineQueue: true, pingInterval: 500, socket },
    { throwOnErrors: true, throwOnConnectError: false, connectionTimeout: 300 },
  );
  return new Keyv({ namespace: 'introspection', useKeyPrefix: false, throwOnErrors: true, store: redis });
}

async function startNest(): Promise<Instance> {
  // Loaded where it is needed only, as the other kind starts in half the time without it.
  const { startNestInstance } = await import('./nest-instance.js');
  return startNestInstance(options);
}

async function startPlain(): Promise<Instance> {
  const resourceServer = createResourceServer(options);
  const server = await listen((request, response) => {
    resourceServer.authenticate(request).then(
      ({ subject }) => response.end(JSON.stringify({ subject })),
      (error: unknown) => {
        const { status, headers, body } = resourceServer.challenge(error as ResourceServerError);
        response.writeHead(status, headers).end(JSON.stringify(body));
      },
    );
  });
  return {
    port: (server.address() as AddressInfo).port,
    revoke: (target) => resourceServer.revoke(target),
    close: async () => {
      await shut(server);
      await resourceServer.close();
    },
  };
}

/** How the test speaks to the application's own code: `POST /revoke`, `/faults`, `/close`. */
async function startControl(): Promise<number> {
  const commands: Record<string, (body: string) => unknown> = {
    '/revoke': (body) => instance.revoke(JSON.parse(body) as RevocationTarget),
    '/faults': () => faults,
    '/close': async () => {
      await instance.close();
      await cache.disconnect();
      // The answer goes out first; nothing else is left that could keep this process.
      setImmediate(() => void shut(server));
    },
  };
  const server = await listen((request, response) => {
    void text(request)
      .then((body) => commands[request.url ?? '']?.(body))
      .then(
        (result) => response.end(JSON.stringify({ result })),
        (error: unknown) => response.writeHead(500).end(JSON.stringify({ error: `${(error as Error).name}` })),
      );
  });
  return (server.address() as AddressInfo).port;
}

async function listen(listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function shut(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  await closed;
}
