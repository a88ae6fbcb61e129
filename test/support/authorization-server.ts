import { randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateSigningKeys, type SigningKeys, type SignOptions } from './signing-keys.js';

export const AUDIENCE = 'https://rs.example.com';

export interface RecordedRequest {
  method: string;
  url: string;
  path: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: string;
  /** The body read as a form. */
  form: URLSearchParams;
}

/** Writes the whole answer itself; one that returns without writing never answers. */
export type RawHandler = (request: IncomingMessage, response: ServerResponse, body: string) => void;
export type Answer = Record<string, unknown> | RawHandler;
export type Endpoint = 'metadata' | 'openidConfiguration' | 'jwks' | 'introspection';

export interface AuthorizationServerOptions {
  /** `/t1` makes the issuer `http://127.0.0.1:port/t1`. */
  issuerPath?: string;
  clock?: { now(): number };
  /** A host name that resolves to the loopback address; the issuer is built with it. */
  host?: string;
}

export interface AuthorizationServer {
  readonly origin: string;
  readonly issuer: string;
  readonly port: number;
  readonly introspectionEndpoint: string;
  readonly jwksUri: string;
  readonly keys: SigningKeys;
  /** Served at both well-known addresses; change it freely. */
  metadata: Record<string, unknown>;
  /** Served at `/jwks`; change it freely. */
  keySet: { keys: unknown[] };
  readonly requests: RecordedRequest[];
  readonly introspections: number;
  readonly keySetFetches: number;
  readonly metadataFetches: number;
  /** The introspection requests alone. */
  introspectionRequests(): RecordedRequest[];
  /** The claims of the fixture token T; a claim that is `undefined` is left out. */
  claims(overrides?: Record<string, unknown>): Record<string, unknown>;
  /** A fresh opaque token that is active with T's claims. */
  token(overrides?: Record<string, unknown>): string;
  /** A JWT access token with T's claims, `iat` and `jti`. */
  sign(overrides?: Record<string, unknown>, options?: SignOptions): Promise<string>;
  /** What the introspection endpoint says about one token; tokens it does not know are `{"active":false}`. */
  answer(token: string, answer: Answer): void;
  /** Replaces an endpoint, or any path, until called again without a handler. */
  replace(endpoint: Endpoint | `/${string}`, handler?: RawHandler): void;
  /** The next request that satisfies the predicate; resolves when it has arrived whole. */
  nextRequest(predicate?: (request: RecordedRequest) => boolean): Promise<RecordedRequest>;
  /** Forgets requests, answers and replaced endpoints. */
  reset(): void;
  /** Closes the port and every connection. */
  stop(): Promise<void>;
  /** Listens on the same port again. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** A scriptable authorization server on the loopback interface. */
export async function startAuthorizationServer(options: AuthorizationServerOptions = {}): Promise<AuthorizationServer> {
  const { issuerPath = '', clock = { now: () => Date.now() }, host = '127.0.0.1' } = options;
  const keys = await generateSigningKeys();
  const answers = new Map<string, Answer>();
  const replaced = new Map<string, RawHandler>();
  const requests: RecordedRequest[] = [];
  const waiting = new Set<(request: RecordedRequest) => void>();

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined).on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('latin1');
      const { method = '', url = '', headers, rawHeaders } = request;
      const path = url.replace(/\?.*$/s, '');
      const recorded = { method, url, path, headers, rawHeaders, body, form: new URLSearchParams(body) };
      requests.push(recorded);
      for (const notify of waiting) notify(recorded);
      const handler = replaced.get(path) ?? routes[path] ?? ((_request, reply) => reply.writeHead(404).end());
      handler(request, response, body);
    });
  });
  const port = await listen(server, 0);
  const origin = `http://${host}:${port}`;
  const issuer = `${origin}${issuerPath}`;
  const paths: Record<Endpoint, string> = {
    metadata: `/.well-known/oauth-authorization-server${issuerPath}`,
    openidConfiguration: `${issuerPath}/.well-known/openid-configuration`,
    jwks: `${issuerPath}/jwks`,
    introspection: `${issuerPath}/introspect`,
  };
  const count = (...wanted: string[]): number => requests.filter((request) => wanted.includes(request.path)).length;

  const authorizationServer: AuthorizationServer = {
    origin,
    issuer,
    port,
    introspectionEndpoint: `${origin}${paths.introspection}`,
    jwksUri: `${origin}${paths.jwks}`,
    keys,
    metadata: {
      issuer,
      introspection_endpoint: `${origin}${paths.introspection}`,
      jwks_uri: `${origin}${paths.jwks}`,
      token_endpoint: `${issuer}/token`,
      response_types_supported: ['code'],
    },
    keySet: keys.publicKeySet(),
    requests,
    get introspections() {
      return count(paths.introspection);
    },
    get keySetFetches() {
      return count(paths.jwks);
    },
    get metadataFetches() {
      return count(paths.metadata, paths.openidConfiguration);
    },
    introspectionRequests: () => requests.filter((request) => request.path === paths.introspection),
    claims: (overrides = {}) => {
      const exp = Math.floor(clock.now() / 1000) + 300;
      return { iss: issuer, aud: AUDIENCE, sub: 'u1', client_id: 'c1', scope: 'read', exp, ...overrides };
    },
    token: (overrides) => {
      const token = `opaque-${randomBytes(16).toString('hex')}`;
      answers.set(token, { active: true, token_type: 'Bearer', ...authorizationServer.claims(overrides) });
      return token;
    },
    sign: (overrides, signOptions) => {
      const issued = { iat: Math.floor(clock.now() / 1000), jti: randomBytes(8).toString('hex') };
      return keys.sign({ ...issued, ...authorizationServer.claims(overrides) }, signOptions);
    },
    answer: (token, answer) => {
      answers.set(token, answer);
    },
    replace: (endpoint, handler) => {
      const path = endpoint.startsWith('/') ? endpoint : paths[endpoint as Endpoint];
      if (handler) replaced.set(path, handler);
      else replaced.delete(path);
    },
    nextRequest: (predicate = () => true) =>
      new Promise((resolve) => {
        const notify = (request: RecordedRequest): void => {
          if (!predicate(request)) return;
          waiting.delete(notify);
          resolve(request);
        };
        waiting.add(notify);
      }),
    reset: () => {
      requests.length = 0;
      answers.clear();
      replaced.clear();
    },
    stop: () => stop(server),
    restart: async () => {
      await listen(server, port);
    },
    close: async () => {
      await stop(server);
      keys.release();
    },
  };
  const routes: Record<string, RawHandler> = {
    [paths.metadata]: (_request, response) => json(response, authorizationServer.metadata),
    [paths.openidConfiguration]: (_request, response) => json(response, authorizationServer.metadata),
    [paths.jwks]: (_request, response) => json(response, authorizationServer.keySet),
    [paths.introspection]: (request, response, body) => {
      const answer = answers.get(new URLSearchParams(body).get('token') ?? '') ?? { active: false };
      if (typeof answer === 'function') answer(request, response, body);
      else json(response, answer);
    },
  };
  return authorizationServer;
}

/** Answers 200 with the value, or the text as it stands, as `application/json`. */
export function json(response: ServerResponse, value: unknown, status = 200, headers: Record<string, string> = {}): void {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function stop(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
