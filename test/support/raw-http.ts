import { connect, type Socket } from 'node:net';

export type HeaderLine = readonly [name: string, value: string];

export interface RawRequest {
  /** @default 'GET' */
  method?: string;
  /** The request-target, verbatim. */
  path: string;
  /** Field lines in order, verbatim as latin1; `Host` and, for a body, `Content-Length` are added when missing. */
  headers?: readonly HeaderLine[];
  body?: string;
}

export interface RawResponse {
  status: number;
  reason: string;
  /** Field lines in order, duplicates kept. */
  headers: HeaderLine[];
  body: string;
  /** The request that it answers. */
  request: RawRequest;
  /** The values of every line of that name, in order. */
  all(name: string): string[];
  /** The value of the only line of that name; throws when there are several. */
  header(name: string): string | undefined;
  json(): unknown;
}

export interface RawConnection {
  send(request: RawRequest): Promise<RawResponse>;
  close(): void;
}

/** One request on a connection of its own. */
export async function send(port: number, request: RawRequest): Promise<RawResponse> {
  const connection = openConnection(port);
  try {
    return await connection.send(withLine(request, 'Connection', 'close'));
  } finally {
    connection.close();
  }
}

/** Exact bytes on a connection of their own. `request` only says which answer to expect (none has a body after HEAD). */
export async function sendRaw(port: number, bytes: string | Buffer, request: RawRequest = { path: '' }): Promise<RawResponse> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return await readResponse(socket, request);
  } finally {
    socket.destroy();
  }
}

/** A kept-alive connection; one request at a time. */
export function openConnection(port: number): RawConnection {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  return {
    send: (request) => {
      socket.write(formatRequest(request));
      return readResponse(socket, request);
    },
    close: () => socket.destroy(),
  };
}

export function formatRequest(request: RawRequest): Buffer {
  const { method = 'GET', path, body } = request;
  let complete = withLine(request, 'Host', '127.0.0.1');
  if (body !== undefined) complete = withLine(complete, 'Content-Length', String(Buffer.byteLength(body, 'latin1')));
  const lines = (complete.headers ?? []).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}\r\n${body ?? ''}`, 'latin1');
}

function withLine(request: RawRequest, name: string, value: string): RawRequest {
  const headers = request.headers ?? [];
  const present = headers.some(([other]) => other.toLowerCase() === name.toLowerCase());
  return present ? request : { ...request, headers: [...headers, [name, value]] };
}

function readResponse(socket: Socket, request: RawRequest): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const finish = (outcome: () => void): void => {
      socket.off('data', onData).off('end', onEnd).off('error', onError).off('close', onEnd).setTimeout(0);
      outcome();
    };
    const attempt = (ended: boolean): void => {
      let response: RawResponse | undefined;
      try {
        response = parseResponse(received, request, ended);
      } catch (error) {
        finish(() => reject(error as Error));
        return;
      }
      if (response) finish(() => resolve(response));
      else if (ended)
        finish(() => reject(new Error(`connection closed after ${received.length} bytes without a whole response`)));
    };
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      attempt(false);
    };
    const onEnd = (): void => attempt(true);
    const onError = (error: Error): void => finish(() => reject(error));
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError);
    socket.setTimeout(15_000, () => finish(() => reject(new Error('no whole response within 15 s'))));
  });
}

function parseResponse(bytes: Buffer, request: RawRequest, ended: boolean): RawResponse | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n');
  const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(statusLine);
  if (!match) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
  const status = Number(match[1]);
  if (status >= 100 && status < 200) return parseResponse(bytes.subarray(headEnd + 4), request, ended);
  const headers = lines.map((line): HeaderLine => {
    const field = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/s.exec(line);
    if (!field) throw new Error(`not a field line: ${JSON.stringify(line)}`);
    return [field[1] ?? '', field[2] ?? ''];
  });
  const all = (name: string): string[] =>
    headers.filter(([other]) => other.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  const body = readBody(bytes.subarray(headEnd + 4), all, request.method === 'HEAD' || status === 204 || status === 304, ended);
  if (body === undefined) return undefined;
  return {
    status,
    reason: match[2] ?? '',
    headers,
    body,
    request,
    all,
    header: (name) => {
      const values = all(name);
      if (values.length > 1) throw new Error(`${values.length} ${name} lines`);
      return values[0];
    },
    json: () => JSON.parse(body) as unknown,
  };
}

function readBody(bytes: Buffer, all: (name: string) => string[], bodyless: boolean, ended: boolean): string | undefined {
  // Bytes that follow a bodyless answer are kept: a HEAD that sends content must be seen.
  if (bodyless) return bytes.toString('utf8');
  if (all('transfer-encoding').some((value) => /\bchunked$/i.test(value))) return readChunks(bytes);
  const length = all('content-length')[0];
  if (length === undefined) return ended ? bytes.toString('utf8') : undefined;
  return bytes.length >= Number(length) ? bytes.toString('utf8') : undefined;
}

function readChunks(bytes: Buffer): string | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16);
    const end = lineEnd + 2 + size;
    if (bytes.length < end + 2) return undefined;
    if (size === 0) return Buffer.concat(chunks).toString('utf8');
    chunks.push(bytes.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
