import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

const PARTIAL = Symbol('part of an answer had arrived');

/**
 * A connector whose sockets remember how much had arrived when the last request went out, so that a connection that is
 * reset before the first byte of an answer can be told from one that is reset after it. Only the former may be retried.
 */
export function trackedConnector(options: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector(options);
  return (target, callback) => {
    connect(target, (...[error, socket]) => {
      if (error !== null) {
        callback(error, null);
        return;
      }
      track(socket);
      callback(null, socket);
    });
  };
}

/** Whether part of an answer had arrived when the connection broke. */
export function isPartial(error: unknown): boolean {
  return typeof error === 'object' && error !== null && PARTIAL in error;
}

function track(socket: Socket): void {
  let arrivedBefore = 0;
  const write = socket.write.bind(socket) as Socket['write'];
  socket.write = ((...chunk: Parameters<Socket['write']>) => {
    arrivedBefore = socket.bytesRead;
    return write(...chunk);
  }) as Socket['write'];
  // Ahead of the client's own listener, which hands the same error on.
  socket.prependListener('error', (error: Error) => {
    if (socket.bytesRead > arrivedBefore) Object.defineProperty(error, PARTIAL, { value: true });
  });
}
