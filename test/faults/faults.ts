import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { ecKey, signer, type TestKey } from '../support/keys.js';
import { compact } from '../support/tokens.js';
import { formatResponse, JSON_TYPE, type Endpoint, type Misbehaviour } from './misbehaving-server.js';

/** Must be in no answer of ours, and in no line of the log. */
export const UPSTREAM_TEXT = 'upstream-private-text';

export interface Fault {
  readonly name: string;
  /** What is broken: the bytes of an answer, or the way to the server. */
  readonly misbehaviour: Misbehaviour | 'refused' | 'no such host' | 'untrusted certificate';
  /** May be asked once more. */
  readonly isRetried?: boolean;
  /** Ends at the deadline. */
  readonly isEndless?: boolean;
  /** The answers of this server are JWTs. @see RFC 9701 */
  readonly isSigned?: boolean;
  /** Where it can be, with the reason why nowhere else. */
  readonly only?: { readonly endpoint: Endpoint; readonly because: string };
}

const whole = (status: number, body: string | Buffer, headers: readonly string[] = [], type = JSON_TYPE): Misbehaviour => {
  return (socket) => socket.write(formatResponse(status, body, type, [`X-Said: ${UPSTREAM_TEXT}`, ...headers]));
};
const changed = (change: (well: string) => string, contentType?: string): Misbehaviour => {
  return (socket, well, type) => socket.write(formatResponse(200, change(well), contentType ?? type));
};
const status = (code: number): Misbehaviour =>
  whole(code, JSON.stringify({ error: UPSTREAM_TEXT, error_description: UPSTREAM_TEXT }));
const head = (...headers: string[]): string =>
  ['HTTP/1.1 200 OK', 'Content-Type: application/json', ...headers, '', ''].join('\r\n');

const GIBIBYTE = 1024 ** 3;
/** What the flood of each server has written: it must end with its connection. */
export const flooded: number[] = [];

/** Writes as fast as it is read, a gibibyte at most. */
function flood(start: string): Misbehaviour {
  return (socket) => {
    const index = flooded.push(0) - 1;
    const piece = Buffer.alloc(65_536, 0x20);
    const pump = (): void => {
      while (!socket.destroyed && (flooded[index] ?? 0) < GIBIBYTE) {
        flooded[index] = (flooded[index] ?? 0) + piece.length;
        if (!socket.write(piece)) break;
      }
    };
    socket.on('drain', pump);
    socket.write(start);
    pump();
  };
}

function drip(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text.charAt(at++)), 1000);
  socket.write(text.charAt(at++));
  socket.on('close', () => clearInterval(timer));
}

const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024, 0x20));
const levels = 100_000;
const nested = `${'['.repeat(levels)}${']'.repeat(levels)}`;

const network: Fault[] = [
  { name: 'connection refused', misbehaviour: 'refused' },
  { name: 'DNS failure', misbehaviour: 'no such host' },
  { name: 'TLS failure', misbehaviour: 'untrusted certificate' },
  { name: 'never answers', misbehaviour: () => undefined, isEndless: true },
  { name: 'a byte a second', misbehaviour: (socket, well) => drip(socket, `${head()}${well}`), isEndless: true },
  {
    name: 'the body a byte a second',
    misbehaviour: (socket, well) => {
      socket.write(head(`Content-Length: ${well.length}`));
      drip(socket, well);
    },
    isEndless: true,
  },
  { name: 'reset before the first byte', misbehaviour: (socket) => socket.resetAndDestroy(), isRetried: true },
  {
    name: 'reset mid-body',
    misbehaviour: (socket, well) => {
      const half = `${head(`Content-Length: ${well.length}`)}${well.slice(0, well.length / 2)}`;
      socket.write(half, () => setImmediate(() => socket.resetAndDestroy()));
    },
  },
];

const RETRIED = new Set([502, 503, 504]);
const statuses: Fault[] = [400, 401, 403, 404, 429, 500, 502, 503, 504].map((code) => ({
  name: String(code),
  misbehaviour: status(code),
  isRetried: RETRIED.has(code),
}));

const answers: Fault[] = [
  { name: '204', misbehaviour: (socket) => socket.write(`HTTP/1.1 204 No Content\r\nX-Said: ${UPSTREAM_TEXT}\r\n\r\n`) },
  { name: '301', misbehaviour: whole(301, '{}', ['Location: /elsewhere']) },
  { name: 'HTML', misbehaviour: whole(200, `<html><body>${UPSTREAM_TEXT}</body></html>`, [], 'text/html') },
  { name: 'an empty body', misbehaviour: changed(() => '') },
  { name: 'truncated JSON', misbehaviour: changed((well) => well.slice(0, -2), JSON_TYPE) },
  { name: 'a JSON array', misbehaviour: changed((well) => `[${well}]`, JSON_TYPE) },
  { name: 'JSON null', misbehaviour: changed(() => 'null', JSON_TYPE) },
  { name: 'deep nesting', misbehaviour: changed((well) => well.replace('{', `{"x":${nested},`), JSON_TYPE) },
  { name: '1 GiB, announced', misbehaviour: flood(head(`Content-Length: ${GIBIBYTE}`)) },
  { name: '1 GiB, streamed', misbehaviour: flood(head()) },
  { name: 'a gzip bomb', misbehaviour: whole(200, bomb, ['Content-Encoding: gzip']) },
  { name: 'another content type', misbehaviour: changed((well) => well, 'text/plain') },
];

const noActive = { endpoint: 'introspection', because: 'metadata and key sets have no `active`' } as const;
const withActive = (value: unknown): Misbehaviour =>
  changed((well) => JSON.stringify({ ...(JSON.parse(well) as object), active: value }), JSON_TYPE);
const active: Fault[] = ['true', 1, null, [], {}, undefined].map((value) => ({
  name: `active: ${value === undefined ? 'missing' : JSON.stringify(value)}`,
  misbehaviour: withActive(value),
  only: noActive,
}));

/** Of all well servers. */
export const KEY = ecKey('P-256', 'published');
const FORGER = ecKey('P-256', 'published');
export const INTROSPECTION_JWT = 'application/token-introspection+jwt';

/** Signs the claims of a good response anew, after a change. */
function resigned(change: { header?: object; claims?: object; key?: TestKey }): Misbehaviour {
  return changed((well) => {
    const [, payload = ''] = well.split('.');
    const claims = { ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object), ...change.claims };
    const header = { alg: 'ES256', typ: 'token-introspection+jwt', kid: KEY.kid, ...change.header };
    const isUnsigned = header.alg === 'none';
    return compact(header, claims, isUnsigned ? '' : signer('ES256', (change.key ?? KEY).privateKey));
  }, INTROSPECTION_JWT);
}
const noSigned = { endpoint: 'introspection', because: 'RFC 9701 signs introspection responses alone' } as const;
const signed: Fault[] = Object.entries({
  'a bad signature': resigned({ key: FORGER }),
  'alg none': resigned({ header: { alg: 'none' } }),
  'another aud': resigned({ claims: { aud: 'rs2' } }),
  'another iss': resigned({ claims: { iss: 'https://other.example' } }),
  'another typ': resigned({ header: { typ: 'at+jwt' } }),
  'no JWT': changed(() => JSON.stringify({ active: true }), JSON_TYPE),
}).map(([name, misbehaviour]) => ({ name: `RFC 9701: ${name}`, misbehaviour, only: noSigned, isSigned: true }));

export const FAULTS: readonly Fault[] = [...network, ...statuses, ...answers, ...active, ...signed];
