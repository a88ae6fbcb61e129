import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { selfSignedCertificate } from './self-signed-certificate.js';

export interface LoopbackServer {
  readonly port: number;
  readonly origin: string;
  /** Requests that reached the handler. */
  readonly requests: number;
  close(): Promise<void>;
}

/** A bare server: a place that must not be called, or one that nobody should trust (`tls`). */
export async function startLoopbackServer(options: { tls?: boolean; handler?: RequestListener } = {}): Promise<LoopbackServer> {
  let requests = 0;
  const listener: RequestListener = (request, response) => {
    requests += 1;
    if (options.handler) options.handler(request, response);
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"active":true}');
  };
  const server: Server = options.tls ? createTlsServer(selfSignedCertificate(), listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    get requests() {
      return requests;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = await startLoopbackServer();
  await server.close();
  return server.port;
}
