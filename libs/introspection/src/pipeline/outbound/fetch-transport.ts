import { disregard } from '../../protocol/thenable.js';
import { OutboundError, toOutboundError } from './outbound-error.js';
import type { AttemptLimits, OutboundRequest, OutboundResponse, Transport } from './transport.js';
import { withoutFirstByte } from './undici-transport.js';

/** The application's own `fetch`; deadline, size and what counts as an answer stay ours. */
export function createFetchTransport(fetch: typeof globalThis.fetch): Transport {
  const calls = new Set<AbortController>();
  return {
    async send(request, limits) {
      const controller = new AbortController();
      calls.add(controller);
      const timer = setTimeout(() => controller.abort(new OutboundError('timeout')), Math.ceil(limits.timeoutMs)).unref();
      try {
        return await Promise.race([exchange(fetch, request, limits, controller.signal), aborted(controller.signal)]);
      } catch (error) {
        throw withoutFirstByte(controller.signal.aborted ? controller.signal.reason : outboundErrorOf(error));
      } finally {
        clearTimeout(timer);
        calls.delete(controller);
        // Whatever is still coming in is not wanted any more.
        controller.abort();
      }
    },
    drain: () => Promise.resolve(),
    async close() {
      for (const call of calls) call.abort(new OutboundError('unreachable', 'CLOSED'));
    },
  };
}

async function exchange(
  fetch: typeof globalThis.fetch,
  { url, method, headers, body }: OutboundRequest,
  { maxBytes }: AttemptLimits,
  signal: AbortSignal,
): Promise<OutboundResponse> {
  const response = await fetch(url, { method, headers, redirect: 'manual', signal, ...(body !== undefined && { body }) });
  // An opaque redirect has no status; one that was followed anyway has brought somebody else's answer.
  if (response.redirected || response.type === 'opaqueredirect') throw new OutboundError('malformed', 'REDIRECTED');
  return { status: response.status, headers: new Map(response.headers), body: await readWhole(response.body, maxBytes, signal) };
}

async function readWhole(body: ReadableStream<Uint8Array> | null, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const letGo = (): void => disregard(reader.cancel());
  signal.addEventListener('abort', letGo, { once: true });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength;
    if (size > maxBytes) throw new OutboundError('too_large');
    chunks.push(part.value);
  }
  signal.removeEventListener('abort', letGo);
  return Buffer.concat(chunks, size);
}

/** A `fetch` that does not listen to its signal is not waited for. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** `fetch` wraps what the platform said. */
function outboundErrorOf(error: unknown): OutboundError {
  const cause: unknown = (error as { cause?: unknown } | null)?.cause;
  return toOutboundError(error instanceof OutboundError || cause === undefined ? error : cause);
}
