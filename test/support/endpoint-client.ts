import { resolveOptions } from '../../libs/introspection/src/pipeline/options/resolve-options.js';
import type { ResolvedHttpOptions } from '../../libs/introspection/src/pipeline/options/resolved-options.js';
import { EndpointClient } from '../../libs/introspection/src/pipeline/outbound/endpoint-client.js';
import { HttpClient } from '../../libs/introspection/src/pipeline/outbound/http-client.js';
import type { SettableClock } from './clock.js';
import { ISSUER } from './issuer-options.js';

/** Limits of outbound calls as the library resolves them, without the retry: each call of a test is one. */
export function httpOptions(options: Record<string, unknown> = {}): ResolvedHttpOptions {
  const http = { timeoutMs: 5000, retries: 0, ...options };
  return resolveOptions({ issuer: ISSUER, audience: null, verification: 'local', http }).http;
}

/** A client of one endpoint with connections of its own. */
export function endpointClient(endpoint: 'introspection' | 'keys', clock: SettableClock) {
  const limits = httpOptions();
  const http = new HttpClient(limits);
  return { http, client: new EndpointClient({ issuer: ISSUER, endpoint, client: http, limits, clock, emit: () => undefined }) };
}
