import { connect, type Socket } from 'node:net';

export interface Answer {
  status: number;
  /** Who was let in, by the application's own word. */
  subject: string | undefined;
}

const PATIENCE_MS = 20_000;

/** Sends requests one after another without waiting, and resolves with the answers as far as they come. */
export class Pipeline {
  #socket: Socket | undefined;

  constructor(readonly port: number) {}

  async send(requests: readonly { bytes: Buffer; method: string }[]): Promise<Answer[]> {
    const answers: Answer[] = [];
    // A connection that the server closes after an answer leaves the rest to the next.
    for (let attempts = 0; answers.length < requests.length && attempts <= requests.length; attempts += 1) {
      const rest = requests.slice(answers.length);
      const socket = this.#socket?.destroyed === false ? this.#socket : open(this.port);
      this.#socket = socket;
      const { received, isClosed } = await exchange(
        socket,
        rest.map(({ bytes }) => bytes),
        rest.map(({ method }) => method),
      );
      answers.push(...received);
      if (isClosed) this.close();
    }
    return answers;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }
}

/**
 * Sends bytes on a connection of their own and ends it; resolves with whatever comes before the server ends it, too. Nobody
 * knows how many requests they are, and which of them are answered without a body, so heads are looked for.
 */
export function sendAlone(port: number, bytes: Buffer): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const socket = open(port);
    const chunks: Buffer[] = [];
    const impatience = setTimeout(() => {
      socket.destroy();
      reject(tooLate([bytes]));
    }, PATIENCE_MS);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('close', () => {
      clearTimeout(impatience);
      const heads = Buffer.concat(chunks)
        .toString('latin1')
        .split(/(?=HTTP\/1\.1 \d{3})/);
      resolve(heads.map((head) => readHead(head)).filter(({ status }) => status >= 200));
    });
    socket.end(bytes);
  });
}

function tooLate(requests: readonly Buffer[]): Error {
  const sent = JSON.stringify(Buffer.concat(requests).toString('latin1').slice(0, 3000));
  return new Error(`no answer within ${PATIENCE_MS} ms to ${sent}`);
}

function open(port: number): Socket {
  return connect(port, '127.0.0.1')
    .setNoDelay(true)
    .on('error', () => undefined);
}

function exchange(
  socket: Socket,
  requests: readonly Buffer[],
  methods: readonly string[],
): Promise<{ received: Answer[]; isClosed: boolean }> {
  return new Promise((resolve, reject) => {
    const received: Answer[] = [];
    let pending: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      for (;;) {
        const parsed = parseAnswer(pending, methods[received.length]);
        if (parsed === undefined) return;
        pending = pending.subarray(parsed.length);
        received.push(parsed.answer);
        if (received.length === methods.length) {
          finish(parsed.isLast);
          return;
        }
      }
    };
    const onClose = (): void => finish(true);
    const impatience = setTimeout(() => {
      socket.destroy();
      reject(tooLate(requests));
    }, PATIENCE_MS);
    const finish = (isClosed: boolean): void => {
      clearTimeout(impatience);
      socket.off('data', onData).off('close', onClose);
      resolve({ received, isClosed });
    };
    socket.on('data', onData).on('close', onClose);
    socket.write(Buffer.concat(requests));
  });
}

function readHead(head: string): Answer {
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), subject: /\r\nx-subject: ?(.*)/i.exec(head)?.[1] };
}

/** @returns nothing until the answer is whole; one that cannot be read has status 0 */
function parseAnswer(bytes: Buffer, method: string | undefined): { length: number; answer: Answer; isLast: boolean } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = bytes.subarray(0, headEnd).toString('latin1');
  const answer = readHead(head);
  const isLast = /\r\nconnection: *close/i.test(head);
  const bodyStart = headEnd + 4;
  if (method === 'HEAD' || answer.status === 204 || answer.status === 304) return { length: bodyStart, answer, isLast };
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const end = bytes.indexOf('0\r\n\r\n', bodyStart);
    return end < 0 ? undefined : { length: end + 5, answer, isLast };
  }
  const length = bodyStart + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  return bytes.length >= length ? { length, answer, isLast } : undefined;
}
