import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach } from 'vitest';
import { Deadline } from '../../libs/introspection/src/pipeline/deadline.js';
import type { EndpointClient } from '../../libs/introspection/src/pipeline/outbound/endpoint-client.js';
import type { KeyLookup } from '../../libs/introspection/src/pipeline/verification/key-set.js';
import { RemoteKeySet } from '../../libs/introspection/src/pipeline/verification/remote-key-set.js';
import { settableClock, type SettableClock } from './clock.js';
import { endpointClient } from './endpoint-client.js';
import { ISSUER } from './issuer-options.js';
import type { TestKey } from './keys.js';
import { type LoopbackServer, startLoopbackServer } from './loopback-server.js';

export type Handler = (response: ServerResponse) => unknown;

export const answer =
  (
    status: number,
    body: string | Buffer = '',
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ): Handler =>
  (response) =>
    response.writeHead(status, headers).end(body);

export const publish = (...keys: TestKey[]): Handler => answer(200, JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));

/** The nth answer from now on is of the nth handler. */
export const inOrder =
  (...handlers: Handler[]): Handler =>
  (response) =>
    handlers.shift()?.(response);

export interface FetchedKeys {
  readonly keys: RemoteKeySet;
  readonly clock: SettableClock;
  readonly events: { type: string; issuer?: string }[];
  readonly notices: string[];
  find(kid?: string, algorithm?: string, deadline?: Deadline): KeyLookup | Promise<KeyLookup>;
  /** Resolves when a fetch has ended, and its outcome is held. */
  fetchEnds(): Promise<void>;
  types(): string[];
}

export interface KeySetEndpoint {
  handle: Handler;
  /** Requests of the running test. */
  readonly requests: number;
  /** Method and `Accept` of each. */
  accepted: string[];
  /** Holds answers back from now on: `arrival` is of the first request. */
  hold(): { arrival: Promise<void>; release: (handler: Handler) => void };
  /** Keys that are fetched from here. */
  keySet(options?: { url?: () => string | Promise<string> }): FetchedKeys;
}

/** An endpoint anew for each test, and key sets that are fetched from it. */
export function keySetEndpoint(handler: Handler, knownKid: string): KeySetEndpoint {
  let server: LoopbackServer;
  const closing: (() => Promise<void>)[] = [];
  const endpoint: KeySetEndpoint = {
    handle: handler,
    get requests() {
      return server.requests;
    },
    accepted: [],
    hold: () => {
      const held: ServerResponse[] = [];
      let arrived: () => void = () => undefined;
      const arrival = new Promise<void>((resolve) => (arrived = resolve));
      endpoint.handle = (response) => {
        held.push(response);
        arrived();
      };
      const release = (late: Handler): void => {
        for (const response of held.splice(0)) late(response);
      };
      return { arrival, release };
    },
    keySet: ({ url = () => `${server.origin}/jwks` } = {}) => {
      const clock = settableClock();
      const { http, client } = endpointClient('keys', clock);
      closing.push(() => http.close());
      return fetched(client, clock, url, knownKid);
    },
  };
  beforeEach(async () => {
    endpoint.handle = handler;
    endpoint.accepted = [];
    server = await startLoopbackServer({
      handler: (request, response) => {
        endpoint.accepted.push(`${request.method} ${request.headers.accept}`);
        endpoint.handle(response);
      },
    });
  });
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()));
    await server.close();
  });
  return endpoint;
}

function fetched(
  client: EndpointClient,
  clock: SettableClock,
  url: () => string | Promise<string>,
  knownKid: string,
): FetchedKeys {
  const events: FetchedKeys['events'] = [];
  const notices: string[] = [];
  const waiting: (() => void)[] = [];
  const keys = new RemoteKeySet({
    issuer: ISSUER,
    url,
    lifetime: { maxAgeSeconds: 600, cooldownSeconds: 30, maxStaleSeconds: 3600 },
    client,
    clock,
    timeoutMs: 5000,
    emit: (event) => {
      events.push(event);
      if (event.type === 'keys.refreshed' || event.type === 'keys.failed') for (const resolve of waiting.splice(0)) resolve();
    },
    notify: ({ level, text }) => notices.push(`${level}: ${text}`),
  });
  return {
    keys,
    clock,
    events,
    notices,
    find: (kid = knownKid, algorithm = 'ES256', deadline = new Deadline(5000)) => keys.find(algorithm, kid, deadline),
    fetchEnds: async () => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    },
    types: () => events.map(({ type }) => type),
  };
}
