import { isQuotable } from '../../protocol/challenge.js';
import { isTextList, type OptionGroup } from './option-group.js';
import type { ResolvedHttpOptions, ResolvedIssuerLookup, ResolvedIssuerOptions } from './resolved-options.js';

const USER_AGENT = 'nestjs-introspection';

/** Checks the option `http`. */
export function resolveHttp(
  http: OptionGroup,
  issuers: readonly ResolvedIssuerOptions[] | ResolvedIssuerLookup,
): ResolvedHttpOptions {
  http.allowOnly('timeoutMs maxResponseBytes retries maxConcurrent maxQueued breaker userAgent ca fetch dispatcher'.split(' '));
  const breaker = http.group('breaker');
  breaker.allowOnly(['failures', 'openMs']);
  const resolved: ResolvedHttpOptions = {
    timeoutMs: http.integer('timeoutMs', 2000, 1, 60_000),
    maxResponseBytes: http.integer('maxResponseBytes', 1_048_576, 1024, 16_777_216),
    retries: http.integer('retries', 1, 0, 1),
    maxConcurrent: http.integer('maxConcurrent', 256, 1, 10_000),
    maxQueued: http.integer('maxQueued', 1000, 0, 100_000),
    breaker: {
      failures: breaker.integer('failures', 5, 1, 1000),
      openMs: breaker.integer('openMs', 10_000, 1, 3_600_000),
    },
    userAgent: resolveUserAgent(http),
    ca: resolveAuthorities(http),
    fetch: http.function('fetch'),
    dispatcher: resolveDispatcher(http),
  };
  refuseContradictions(http, issuers);
  return resolved;
}

function resolveUserAgent(http: OptionGroup): string {
  const userAgent = http.given('userAgent', USER_AGENT);
  if (typeof userAgent === 'string' && userAgent !== '' && isQuotable(userAgent)) return userAgent;
  http.refuse('userAgent', 'give a text of printable ASCII');
  return USER_AGENT;
}

function resolveAuthorities(http: OptionGroup): readonly string[] | undefined {
  const ca = http.get('ca');
  if (ca === undefined) return undefined;
  if (typeof ca === 'string' && ca !== '') return [ca];
  if (isTextList(ca)) return ca;
  http.refuse('ca', 'give PEM text or a list of it');
  return undefined;
}

function resolveDispatcher(http: OptionGroup): ResolvedHttpOptions['dispatcher'] {
  const dispatcher = http.get('dispatcher');
  if (dispatcher === undefined) return undefined;
  if (typeof (dispatcher as { dispatch?: unknown } | null)?.dispatch === 'function') {
    return dispatcher as NonNullable<ResolvedHttpOptions['dispatcher']>;
  }
  http.refuse('dispatcher', 'give a Dispatcher of undici, such as a ProxyAgent');
  return undefined;
}

/** Whoever brings the connections decides about them. */
function refuseContradictions(http: OptionGroup, issuers: readonly ResolvedIssuerOptions[] | ResolvedIssuerLookup): void {
  const own = (['fetch', 'dispatcher'] as const).filter((name) => http.has(name));
  const [first, second] = own;
  if (first === undefined) return;
  if (second !== undefined) http.refuse(second, 'fetch replaces our client: give fetch or dispatcher, not both');
  if (http.has('ca')) http.refuse('ca', `with ${first} the connections are yours: trust the authorities there`);
  const isMutualTls = Array.isArray(issuers) && issuers.some(usesMutualTls);
  if (isMutualTls) http.refuse(first, 'mutual TLS needs connections of ours: leave it out, or authenticate by another method');
}

function usesMutualTls({ clientAuthentication }: ResolvedIssuerOptions): boolean {
  return clientAuthentication?.method.endsWith('tls_client_auth') === true;
}
