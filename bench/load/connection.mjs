import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * A keep-alive HTTP/1.1 connection that sends one request at a time. Cheaper than any HTTP client, so that the load
 * generator is not what is measured; it reads only answers with a `Content-Length`.
 */
export class Connection {
  #socket;
  #received = '';
  #done;

  static async open(port) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Connection(socket);
  }

  constructor(socket) {
    this.#socket = socket.setEncoding('latin1');
    socket.on('data', (text) => this.#receive(text));
    socket.on('error', (error) => this.#finish(error));
    socket.on('close', () => this.#finish(new Error('the connection was closed')));
  }

  /**
   * @param {string} bytes a whole request
   * @param {(error: Error | undefined, status?: number) => void} done
   */
  send(bytes, done) {
    this.#done = done;
    this.#socket.write(bytes, 'latin1');
  }

  close() {
    this.#done = undefined;
    this.#socket.destroy();
  }

  #receive(text) {
    this.#received = this.#received === '' ? text : this.#received + text;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#received)?.[1];
    if (length === undefined) return this.#finish(new Error(`an answer without Content-Length: ${this.#received}`));
    if (this.#received.length < headEnd + 4 + Number(length)) return;
    const status = Number(this.#received.slice(9, 12));
    this.#received = '';
    this.#finish(undefined, status);
  }

  #finish(error, status) {
    const done = this.#done;
    this.#done = undefined;
    done?.(error, status);
  }
}
