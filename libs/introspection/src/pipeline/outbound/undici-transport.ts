import { Agent, type Dispatcher } from 'undici';
import { OutboundError, toOutboundError } from './outbound-error.js';
import { ResponseCollector } from './response-collector.js';
import { trackedConnector } from './tracked-connector.js';
import type { AttemptLimits, OutboundRequest, OutboundResponse, Transport } from './transport.js';

/** How connections are made. */
export interface ConnectionOptions {
  readonly timeoutMs: number;
  /** For each origin. */
  readonly maxConnections: number;
  readonly ca: readonly string[] | undefined;
  /** PEM of our own, for mutual TLS. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined;
}

/** A keep-alive pool of our own. */
export function createPoolTransport({ timeoutMs, maxConnections, ca, certificate }: ConnectionOptions): Transport {
  const connect = trackedConnector({ timeout: timeoutMs, ...(ca !== undefined && { ca: [...ca] }), ...certificate });
  const pool = new Agent({ connect, connections: maxConnections });
  const fresh = new Agent({ connect, connections: maxConnections, pipelining: 0 });
  return {
    send: (request, limits, isRetry) => dispatch(isRetry ? fresh : pool, request, limits),
    drain: async () => void (await Promise.all([pool.close(), fresh.close()])),
    close: async () => void (await Promise.all([pool.destroy(), fresh.destroy()])),
  };
}

/** A dispatcher of the application's, which stays the application's to close. */
export function createDispatcherTransport(dispatcher: Dispatcher): Transport {
  const calls = new Set<ResponseCollector>();
  return {
    async send(request, limits) {
      const collector = new ResponseCollector(limits);
      calls.add(collector);
      try {
        return await dispatch(dispatcher, request, limits, collector);
      } catch (error) {
        throw withoutFirstByte(error);
      } finally {
        calls.delete(collector);
      }
    },
    drain: () => Promise.resolve(),
    async close() {
      for (const call of calls) call.fail(new OutboundError('unreachable', 'CLOSED'));
    },
  };
}

/** A connection that is not ours does not tell how much had arrived when it broke, so nothing is sent on another. */
export function withoutFirstByte(error: unknown): unknown {
  return error instanceof OutboundError && error.failure === 'reset'
    ? new OutboundError('unreachable', error.platformCode)
    : error;
}

function dispatch(
  dispatcher: Dispatcher,
  { url, method, headers, body }: OutboundRequest,
  limits: AttemptLimits,
  collector = new ResponseCollector(limits),
): Promise<OutboundResponse> {
  const { origin, pathname, search } = new URL(url);
  try {
    dispatcher.dispatch({ origin, path: pathname + search, method, headers: { ...headers }, body: body ?? null }, collector);
  } catch (error) {
    collector.fail(toOutboundError(error));
  }
  return collector.response;
}
