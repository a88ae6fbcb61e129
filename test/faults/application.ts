import { Controller, Get, Req } from '@nestjs/common';
import { Principal, type AccessTokenPrincipal, type IntrospectionEvent, type IssuerOptions } from 'nestjs-introspection';
import { AUDIENCE, type AuthorizationServer } from '../support/authorization-server.js';
import { settableClock, type SettableClock } from '../support/clock.js';
import { send, type RawResponse } from '../support/raw-http.js';
import { startResourceServer, type Adapter, type ResourceServer } from '../support/resource-server.js';

export const TIMEOUT_MS = 700;
export const TTL_SECONDS = 60;
export const OPEN_SECONDS = 10;
export const FAILURES = 3;

/** One application for many issuers, each with trouble of its own. */
export interface Application {
  readonly clock: SettableClock;
  readonly events: IntrospectionEvent[];
  readonly logs: readonly string[];
  /** What the application will trust, by the name of the issuer. */
  readonly issuers: Map<string, IssuerOptions>;
  /** Handlers that ran for requests that name this issuer, since the start. */
  handled(issuer: string): number;
  get(issuer: string, token: string): Promise<Served>;
  close(): Promise<void>;
}

export interface Served {
  readonly answer: RawResponse;
  readonly elapsedMs: number;
}

type Request = { headers: Record<string, string> };
const issuerOf = (request: unknown): string => (request as Request).headers['x-issuer'] ?? '';

export async function startApplication(adapter: Adapter, ca: string, cache?: Record<string, unknown>): Promise<Application> {
  const clock = settableClock();
  const events: IntrospectionEvent[] = [];
  const issuers = new Map<string, IssuerOptions>();
  const handled = new Map<string, number>();

  @Controller()
  class AnyController {
    @Get('any') any(@Req() request: Request, @Principal() principal: AccessTokenPrincipal): unknown {
      const issuer = issuerOf(request);
      handled.set(issuer, (handled.get(issuer) ?? 0) + 1);
      return { for: principal.subject, of: principal.issuer };
    }
  }

  const rs: ResourceServer = await startResourceServer({
    adapter,
    // Counted by each cell for itself.
    authorizationServer: { introspections: 0, keySetFetches: 0 } as AuthorizationServer,
    omit: ['issuer', 'clientAuthentication'],
    controllers: [AnyController],
    options: {
      audience: AUDIENCE,
      issuers: (issuer: string) => issuers.get(issuer),
      issuerFor: issuerOf,
      clock,
      cache: { ttlMs: TTL_SECONDS * 1000, ...cache },
      http: { timeoutMs: TIMEOUT_MS, breaker: { failures: FAILURES, openMs: OPEN_SECONDS * 1000 }, ca },
      onEvent: (event: IntrospectionEvent) => void events.push(event),
    } as object,
  });
  return {
    clock,
    events,
    issuers,
    logs: rs.logs,
    handled: (issuer) => handled.get(issuer) ?? 0,
    get: async (issuer, token) => {
      const started = performance.now();
      const answer = await send(rs.port, {
        path: '/any',
        headers: [
          ['Authorization', `Bearer ${token}`],
          ['X-Issuer', issuer],
        ],
      });
      return { answer, elapsedMs: performance.now() - started };
    },
    close: () => rs.close(),
  };
}
