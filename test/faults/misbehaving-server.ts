import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import type { Certificate } from '../support/certificates.js';

export type Endpoint = 'introspection' | 'discovery' | 'key set';

/** A request that has arrived whole. */
export interface Arrived {
  readonly path: string;
  readonly body: string;
}

/** Bytes in place of an answer. `well` is what a server in order would have said. */
export type Misbehaviour = (socket: Socket, well: string, contentType: string) => void;

export interface Said {
  readonly body: string;
  readonly contentType: string;
}

/** Breaks one of its endpoints in every way that a socket allows; the others stay well. */
export class MisbehavingServer {
  readonly origin: string;
  readonly #server: Server | TlsServer;
  readonly #sockets = new Set<Socket>();
  readonly #requests: string[] = [];
  readonly #certificates: Certificates | undefined;
  /** What an endpoint in order says. */
  say: (request: Arrived) => Said | undefined = () => undefined;
  #broken: { endpoint: Endpoint; misbehaviour: Misbehaviour } | undefined;

  private constructor(server: Server | TlsServer, certificates: Certificates | undefined) {
    this.#server = server;
    this.#certificates = certificates;
    this.origin = `${certificates === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(certificates?: Certificates): Promise<MisbehavingServer> {
    const server = certificates === undefined ? createServer() : createTlsServer({ ...certificates.trusted });
    await listen(server, 0);
    const misbehaving = new MisbehavingServer(server, certificates);
    // A handshake that is broken off is what some cells want to see.
    server.on('tlsClientError', () => undefined);
    server.on(certificates === undefined ? 'connection' : 'secureConnection', (socket: Socket) => misbehaving.#accept(socket));
    return misbehaving;
  }

  /** Requests to an endpoint that have arrived whole; of the addresses of metadata, the one that was asked most. */
  requestsTo(endpoint: Endpoint): number {
    const counts = new Map<string, number>();
    for (const path of this.#requests) if (endpointOf(path) === endpoint) counts.set(path, (counts.get(path) ?? 0) + 1);
    return Math.max(0, ...counts.values());
  }

  /** Requests to a place that a redirect has named. */
  get strayed(): number {
    return this.#requests.filter((path) => endpointOf(path) === undefined).length;
  }

  break(endpoint: Endpoint, misbehaviour: Misbehaviour): void {
    this.#broken = { endpoint, misbehaviour };
  }

  async refuseConnections(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Shows a certificate that nobody trusts, on new connections alone; there are no others any more. */
  loseTrust(): void {
    const { untrusted } = this.#certificates ?? {};
    if (untrusted) (this.#server as TlsServer).setSecureContext(untrusted);
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Does everything as it should, at the same address. */
  async recover(): Promise<void> {
    this.#broken = undefined;
    if (this.#certificates) (this.#server as TlsServer).setSecureContext(this.#certificates.trusted);
    if (!this.#server.listening) await listen(this.#server, Number(new URL(this.origin).port));
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.refuseConnections();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true).on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      const end = received.indexOf('\r\n\r\n');
      const length = Number(/^content-length: *(\d+)/im.exec(received.slice(0, end))?.[1] ?? 0);
      if (end < 0 || received.length < end + 4 + length) return;
      const [, path = ''] = received.split(' ', 2);
      const body = received.slice(end + 4);
      received = '';
      this.#serve(socket, { path, body });
    });
  }

  #serve(socket: Socket, request: Arrived): void {
    this.#requests.push(request.path);
    const said = this.say(request) ?? { body: '{}', contentType: JSON_TYPE };
    if (this.#broken !== undefined && endpointOf(request.path) === this.#broken.endpoint)
      this.#broken.misbehaviour(socket, said.body, said.contentType);
    else socket.write(formatResponse(200, said.body, said.contentType));
  }
}

export interface Certificates {
  readonly trusted: Pick<Certificate, 'cert' | 'key'>;
  readonly untrusted: Pick<Certificate, 'cert' | 'key'>;
}

export const JSON_TYPE = 'application/json';

export function formatResponse(status: number, body: string | Buffer, type: string, headers: readonly string[] = []): Buffer {
  const lines = [`HTTP/1.1 ${status} Whatever`, `Content-Type: ${type}`, `Content-Length: ${body.length}`, ...headers];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)]);
}

export function endpointOf(path: string): Endpoint | undefined {
  if (path.startsWith('/.well-known/')) return 'discovery';
  if (path === '/jwks') return 'key set';
  return path === '/introspect' ? 'introspection' : undefined;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
