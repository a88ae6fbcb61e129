import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { IntrospectionModuleOptions } from 'nestjs-introspection';
import { AUDIENCE, json, type AuthorizationServer } from './authorization-server.js';
import type { Certificate } from './certificates.js';
import { startResourceServer, type Adapter, type ResourceServer } from './resource-server.js';

export interface TlsRequest {
  readonly method: string;
  readonly path: string;
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
  /** SHA-256 of the client's certificate. */
  readonly peer: string | undefined;
}

export interface TlsAuthorizationServer {
  readonly origin: string;
  readonly port: number;
  metadata: Record<string, unknown>;
  keySet: { keys: unknown[] };
  /** What the introspection endpoint says of every token. */
  answer: Record<string, unknown>;
  /** Requests that reached a handler, that is, past the handshake. */
  readonly requests: TlsRequest[];
  /** The requests to `/introspect`. */
  introspectionRequests(): TlsRequest[];
  readonly introspections: number;
  readonly keySetFetches: number;
  close(): Promise<void>;
}

export interface TlsSetup {
  certificate: Certificate;
  /** Asks for a client certificate: of these authorities, or of anybody where there are none. */
  clientCertificate?: 'required' | 'any';
  clientAuthorities?: readonly string[];
  host?: string;
}

/** An authorization server behind TLS on the loopback interface. */
export async function startTlsAuthorizationServer(setup: TlsSetup): Promise<TlsAuthorizationServer> {
  const { certificate, clientCertificate, clientAuthorities, host = '127.0.0.1' } = setup;
  const requests: TlsRequest[] = [];
  const server = createServer(
    {
      cert: certificate.cert,
      key: certificate.key,
      requestCert: clientCertificate !== undefined,
      rejectUnauthorized: clientCertificate === 'required',
      ...(clientAuthorities && { ca: [...clientAuthorities] }),
    },
    (request, response) => {
      let body = '';
      request.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const peer = (request.socket as TLSSocket).getPeerCertificate() as { fingerprint256?: string };
        const form = new URLSearchParams(body);
        requests.push({ method, path: url, form, authorization: headers.authorization, peer: peer.fingerprint256 });
        if (url.startsWith('/.well-known/')) json(response, tls.metadata);
        else if (url === '/jwks') json(response, tls.keySet);
        else if (url === '/introspect') json(response, tls.answer);
        else response.writeHead(404).end();
      });
    },
  );
  // A handshake that a client breaks off is what some tests want to see.
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `https://${host}:${port}`;
  const tls: TlsAuthorizationServer = {
    origin,
    port,
    metadata: { issuer: origin, introspection_endpoint: `${origin}/introspect`, jwks_uri: `${origin}/jwks` },
    keySet: { keys: [] },
    answer: { active: true, token_type: 'Bearer', iss: origin, aud: AUDIENCE, sub: 'u1', client_id: 'c1', scope: 'read' },
    requests,
    introspectionRequests: () => requests.filter(({ path }) => path === '/introspect'),
    get introspections() {
      return tls.introspectionRequests().length;
    },
    get keySetFetches() {
      return requests.filter(({ path }) => path === '/jwks').length;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return tls;
}

/** What the harness reads of an authorization server. */
export type Counted = Pick<AuthorizationServer, 'introspections' | 'keySetFetches' | 'issuer'>;

/** An application that asks a server other than the scriptable one. `http:` is not allowed unless the options say so. */
export function startResourceServerFor(
  adapter: Adapter,
  counted: Counted,
  options: Partial<IntrospectionModuleOptions>,
  omit: readonly string[] = [],
): Promise<ResourceServer> {
  // The harness uses no more of it than the counts and the issuer.
  const authorizationServer = counted as AuthorizationServer;
  const insecure = options.allowInsecureHttp === true ? [] : ['allowInsecureHttp'];
  return startResourceServer({ adapter, authorizationServer, options, omit: [...insecure, ...omit] });
}
