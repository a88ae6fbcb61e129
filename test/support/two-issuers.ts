import {
  createResourceServer,
  ResourceServerError,
  type IntrospectionEvent,
  type IssuerOptions,
  type ResourceServer,
  type ResourceServerOptions,
} from 'nestjs-introspection/core';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { AUDIENCE, startAuthorizationServer, type AuthorizationServer } from './authorization-server.js';
import { settableClock, type SettableClock } from './clock.js';

export interface Judged {
  status: number;
  /** Of a 200. */
  issuer?: string;
  subject?: string | undefined;
  verifiedBy?: string;
  /** The private reason of a 401. */
  reason?: string;
  /** Introspection calls at A and at B. */
  asked: readonly [a: number, b: number];
}

export interface Served {
  /** The counts are right while one token is judged at a time. */
  judge(token: string, headers?: Record<string, string>): Promise<Judged>;
  events: IntrospectionEvent[];
  revoke: ResourceServer['revoke'];
  close(): Promise<void>;
}

export interface TwoIssuers {
  a: AuthorizationServer;
  b: AuthorizationServer;
  clock: SettableClock;
  /** The options of one of them, with credentials of its own. */
  optionsOf(as: AuthorizationServer, overrides?: Partial<IssuerOptions>): IssuerOptions;
  /** Serves while `run` runs. */
  serving(options: Partial<ResourceServerOptions>, run: (served: Served) => Promise<void>): Promise<void>;
}

/** Two authorization servers for the tests of one file; the scripts of both are forgotten before each test. */
export function describeTwoIssuers(): TwoIssuers {
  const clock = settableClock();
  const fixture = { clock } as TwoIssuers;

  beforeAll(async () => {
    [fixture.a, fixture.b] = await Promise.all([startAuthorizationServer({ clock }), startAuthorizationServer({ clock })]);
  });
  afterAll(() => Promise.all([fixture.a.close(), fixture.b.close()]));
  beforeEach(() => {
    for (const as of [fixture.a, fixture.b]) {
      as.reset();
      as.keySet = as.keys.publicKeySet();
    }
  });

  fixture.optionsOf = (as, overrides = {}) => ({
    issuer: as.issuer,
    audience: AUDIENCE,
    clientAuthentication: {
      method: 'client_secret_basic',
      clientId: as === fixture.a ? 'at-a' : 'at-b',
      clientSecret: as === fixture.a ? 'secret-for-a' : 'secret-for-b',
    },
    ...overrides,
  });

  fixture.serving = async (options, run) => {
    const events: IntrospectionEvent[] = [];
    const server = createResourceServer({
      allowInsecureHttp: true,
      clock,
      onEvent: (event) => events.push(event),
      ...options,
    } as ResourceServerOptions);
    const judge = async (token: string, headers: Record<string, string> = {}): Promise<Judged> => {
      const before = [fixture.a.introspections, fixture.b.introspections] as const;
      const asked = () => [fixture.a.introspections - before[0], fixture.b.introspections - before[1]] as const;
      try {
        const request = { method: 'GET', url: '/', headers: { ...headers, authorization: `Bearer ${token}` } };
        const { issuer, subject, verifiedBy } = await server.authenticate(request);
        return { status: 200, issuer, subject, verifiedBy, asked: asked() };
      } catch (error) {
        if (!(error instanceof ResourceServerError)) throw error;
        const { reason } = error as { reason?: string };
        return { status: server.challenge(error).status, ...(reason !== undefined && { reason }), asked: asked() };
      }
    };
    try {
      await run({ judge, events, revoke: (target) => server.revoke(target), close: () => server.close() });
    } finally {
      await server.close();
    }
  };
  return fixture;
}
