import {
  createResourceServer,
  ResourceServerError,
  type AccessTokenPrincipal,
  type IntrospectionEvent,
  type Requirement,
  type ResourceServer,
  type ResourceServerOptions,
} from 'nestjs-introspection/core';
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { json, startAuthorizationServer, type AuthorizationServer } from './authorization-server.js';
import { settableClock, type SettableClock } from './clock.js';
import { defaultOptions } from './resource-server.js';

export interface Verdict {
  status: number;
  /** Introspection calls; right while one token is judged at a time. */
  asked: number;
  principal: AccessTokenPrincipal | undefined;
  /** The private reason of a 401. */
  reason: string | undefined;
}

export interface Opened {
  server: ResourceServer;
  events: IntrospectionEvent[];
  judge(token: string, requirement?: Requirement, headers?: Record<string, string>): Promise<Verdict>;
  /** The status alone, for many at once. */
  status(token: string, requirement?: Requirement): Promise<number>;
  /** The events of a type, as they came. */
  eventsOf<T extends IntrospectionEvent['type']>(type: T): Extract<IntrospectionEvent, { type: T }>[];
}

export interface Remembering {
  as: AuthorizationServer;
  clock: SettableClock;
  /** A resource server that asks the authorization server; closed after the test. */
  open(options?: Record<string, unknown>): Opened;
  /** What makes the server fail without opening a breaker: 500, counted. */
  fail(): void;
  recover(): void;
}

/** One authorization server and one clock for a file; resource servers without a framework, as many as a test wants. */
export function describeRemembering(): Remembering {
  const opened: ResourceServer[] = [];
  const fixture = { clock: settableClock() } as Remembering;
  beforeAll(async () => {
    fixture.as = await startAuthorizationServer({ clock: fixture.clock });
  });
  beforeEach(() => fixture.as.reset());
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
  });
  afterAll(() => fixture.as.close());

  fixture.open = (options = {}) => {
    const { as, clock } = fixture;
    const one = openCounted(() => as.introspections, { ...explicitOptions(as), clock, ...options });
    opened.push(one.server);
    return one;
  };
  fixture.fail = () => fixture.as.replace('introspection', (_request, response) => json(response, {}, 500));
  fixture.recover = () => fixture.as.replace('introspection');
  return fixture;
}

/** The fixture's options with every address written, so that nothing is fetched but answers and keys. */
export function explicitOptions(as: AuthorizationServer): Record<string, unknown> {
  const addresses = { introspectionEndpoint: as.introspectionEndpoint, jwksUri: as.jwksUri };
  return { ...defaultOptions(as), discovery: false, ...addresses };
}

export function openCounted(count: () => number, options: Record<string, unknown>): Opened {
  const events: IntrospectionEvent[] = [];
  const onEvent = (event: IntrospectionEvent): void => void events.push(event);
  const given: unknown = { onEvent, ...options };
  const server = createResourceServer(given as ResourceServerOptions);
  const judge: Opened['judge'] = async (token, requirement, headers = {}) => {
    const before = count();
    const request = { method: 'GET', url: '/', headers: { ...headers, authorization: `Bearer ${token}` } };
    try {
      const principal = await server.authenticate(request, requirement);
      return { status: 200, asked: count() - before, principal, reason: undefined };
    } catch (error) {
      if (!(error instanceof ResourceServerError)) throw error;
      const { reason } = error as { reason?: string };
      return { status: server.challenge(error).status, asked: count() - before, principal: undefined, reason };
    }
  };
  return {
    server,
    events,
    judge,
    status: async (token, requirement) => (await judge(token, requirement)).status,
    eventsOf: (type) => events.filter((event): event is never => event.type === type),
  };
}

export interface Held {
  /** Resolves when the first of the calls has arrived. */
  arrived: Promise<void>;
  release(answer: unknown, status?: number): void;
}

/** Holds the answers about a token back until `release` sends them; calls that come later are held, too. */
export function holdAnswers(as: AuthorizationServer, token: string): Held {
  const waiting: ServerResponse[] = [];
  let notify: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => {
    notify = resolve;
  });
  as.answer(token, (_request, response) => {
    waiting.push(response);
    notify();
  });
  return {
    arrived,
    release: (answer, status = 200) => {
      for (const response of waiting.splice(0)) json(response, answer, status);
    },
  };
}

/** Waits for a condition, for what happens in the background. */
export function eventually(assertion: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(assertion, { timeout: 5000, interval: 5 });
}
