import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface UpstreamRequest {
  /** Counts from 0 over all connections. */
  readonly index: number;
  /** Of the connection, from 0. */
  readonly connection: number;
  readonly head: string;
  readonly body: string;
}

export type UpstreamHandler = (socket: Socket, request: UpstreamRequest) => void;

export interface RawUpstream {
  readonly port: number;
  readonly origin: string;
  readonly requests: UpstreamRequest[];
  /** Connections that were ever made. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Decides what happens to each request that has arrived whole. */
  handle: UpstreamHandler;
  /** Sees each connection before any byte of it. */
  accept: ((socket: Socket, connection: number) => void) | undefined;
  /** Resolves when no connection is open. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** An authorization server of bytes: it may break HTTP in every way that a socket allows. */
export async function startRawUpstream(handle: UpstreamHandler = answerJson({ active: false })): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  const idle: (() => void)[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    const connection = connections++;
    sockets.add(socket);
    socket.setNoDelay(true).on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) for (const resolve of idle.splice(0)) resolve();
    });
    upstream.accept?.(socket, connection);
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      for (let request = take(); request !== undefined; request = take()) {
        upstream.requests.push(request);
        upstream.handle(socket, request);
      }
    });
    const take = (): UpstreamRequest | undefined => {
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return undefined;
      const head = received.slice(0, end);
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      if (received.length < end + 4 + length) return undefined;
      const body = received.slice(end + 4, end + 4 + length);
      received = received.slice(end + 4 + length);
      return { index: upstream.requests.length, connection, head, body };
    };
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const upstream: RawUpstream = {
    port,
    origin: `http://127.0.0.1:${port}`,
    requests: [],
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    handle,
    accept: undefined,
    idle: () => new Promise((resolve) => (sockets.size === 0 ? resolve() : idle.push(resolve))),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return upstream;
}

export function formatAnswer(status: number, body: string | Buffer = '', headers: readonly string[] = []): Buffer {
  const lines = [`HTTP/1.1 ${status} Whatever`, 'Content-Type: application/json', ...headers];
  if (!headers.some((line) => /^(content-length|transfer-encoding):/i.test(line))) lines.push(`Content-Length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}

export function answer(status: number, body: string | Buffer = '', headers: readonly string[] = []): UpstreamHandler {
  return (socket) => socket.write(formatAnswer(status, body, headers));
}

export function answerJson(value: unknown): UpstreamHandler {
  return answer(200, JSON.stringify(value));
}

/** The nth request gets the nth handler; the last serves all that follow. */
export function inTurn(...handlers: UpstreamHandler[]): UpstreamHandler {
  return (socket, request) => (handlers[request.index] ?? handlers.at(-1))?.(socket, request);
}
