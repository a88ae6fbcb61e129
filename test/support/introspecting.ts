import {
  createResourceServer,
  ResourceServerError,
  type IntrospectionEvent,
  type ResourceServer,
} from 'nestjs-introspection/core';
import { expect } from 'vitest';
import { AUDIENCE } from './authorization-server.js';
import { settableClock, type SettableClock } from './clock.js';
import type { RawUpstream } from './raw-upstream.js';

export interface Introspecting {
  readonly server: ResourceServer;
  readonly clock: SettableClock;
  readonly events: IntrospectionEvent[];
  /** Asks about a token; resolves to the principal or the error, with what a client would get. */
  ask(token?: string): Promise<Outcome>;
  close(): Promise<void>;
}

export interface Outcome {
  readonly status: number;
  readonly code: string | undefined;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: unknown;
  readonly error: ResourceServerError | undefined;
  readonly elapsedMs: number;
}

/** A resource server that asks a raw upstream about every token. */
export function introspecting(upstream: Pick<RawUpstream, 'origin'>, options: Record<string, unknown> = {}): Introspecting {
  const clock = settableClock();
  const events: IntrospectionEvent[] = [];
  const server = createResourceServer({
    issuer: upstream.origin,
    audience: AUDIENCE,
    verification: 'remote',
    discovery: false,
    introspectionEndpoint: `${upstream.origin}/introspect`,
    clientAuthentication: { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'rs1-secret-value' },
    allowInsecureHttp: true,
    clock,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return {
    server,
    clock,
    events,
    ask: (token = 'opaque-token-for-a-raw-upstream') => ask(server, token),
    close: () => server.close(),
  };
}

async function ask(server: ResourceServer, token: string): Promise<Outcome> {
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  try {
    await server.authenticate({ method: 'GET', url: '/', headers: { authorization: `Bearer ${token}` } });
    return { status: 200, code: undefined, headers: {}, body: undefined, error: undefined, elapsedMs: elapsed() };
  } catch (error) {
    const elapsedMs = elapsed();
    expect(error, String(error)).toBeInstanceOf(ResourceServerError);
    const refusal = error as ResourceServerError;
    const { status, headers, body } = server.challenge(refusal);
    return { status, code: refusal.code, headers, body, error: refusal, elapsedMs };
  }
}

/** An answer that makes a token good at the introspecting server. */
export function activeAnswer(issuer: string, members: Record<string, unknown> = {}): Record<string, unknown> {
  return { active: true, iss: issuer, aud: AUDIENCE, sub: 'u1', client_id: 'c1', scope: 'read', ...members };
}
