import { isQuotable } from '../../protocol/challenge.js';
import { isInsecureBeyondLoopback } from '../../protocol/issuer-identifier.js';
import { type Clock, systemClock } from '../clock.js';
import { OptionGroup } from './option-group.js';
import { Problems } from './problems.js';
import { ISSUER_OPTIONS, LATER_ISSUER_OPTIONS, resolveIssuerOptions } from './resolve-issuer-options.js';
import type { ResolvedExtractOptions, ResolvedHttpOptions, ResolvedIssuerOptions, ResolvedOptions } from './resolved-options.js';

const SERVER_OPTIONS = ['clockToleranceSeconds', 'clock', 'allowInsecureHttp', 'realm', 'extract', 'http', 'onEvent'];
const LATER_SERVER_OPTIONS = [
  'issuers',
  'issuerFor',
  'resource',
  'cache',
  'unknownTokens',
  'dpop',
  'mtls',
  'revocation',
  'mapPrincipal',
];

/**
 * Checks all options and fills in the defaults.
 *
 * @throws {ConfigurationError} with every problem at once
 */
export function resolveOptions(given: unknown): ResolvedOptions {
  const problems = new Problems();
  const options = new OptionGroup(problems, given ?? null, '');
  options.allowOnly([...ISSUER_OPTIONS, ...SERVER_OPTIONS], [...LATER_ISSUER_OPTIONS, ...LATER_SERVER_OPTIONS]);
  const allowInsecureHttp = options.boolean('allowInsecureHttp', false);
  const issuer = resolveIssuerOptions(options, allowInsecureHttp);
  const resolved: ResolvedOptions = {
    issuers: [issuer],
    clockToleranceSeconds: options.integer('clockToleranceSeconds', 5, 0, 300),
    clock: resolveClock(options),
    allowInsecureHttp,
    realm: resolveRealm(options),
    extract: resolveExtract(options.group('extract')),
    http: resolveHttp(options.group('http')),
    onEvent: options.function('onEvent'),
    warnings: warningsAbout(issuer),
  };
  problems.throwIfAny();
  return resolved;
}

function resolveClock(options: OptionGroup): Clock {
  const clock = options.get('clock') ?? systemClock;
  if (typeof (clock as Partial<Clock>).now === 'function') return clock as Clock;
  options.refuse('clock', 'give an object with now(), which answers epoch milliseconds');
  return systemClock;
}

function resolveRealm(options: OptionGroup): string {
  const realm = options.get('realm') ?? 'api';
  if (typeof realm === 'string' && realm !== '' && isQuotable(realm)) return realm;
  options.refuse('realm', 'give a text of printable ASCII');
  return 'api';
}

function resolveExtract(extract: OptionGroup): ResolvedExtractOptions {
  extract.allowOnly(['formBody', 'query', 'maxTokenLength', 'token']);
  return {
    formBody: extract.boolean('formBody', false),
    query: extract.boolean('query', false),
    maxTokenLength: extract.integer('maxTokenLength', 8192, 16, 65_536),
    token: extract.function('token'),
  };
}

function resolveHttp(http: OptionGroup): ResolvedHttpOptions {
  http.allowOnly(
    ['timeoutMs', 'maxResponseBytes', 'retries'],
    ['maxConcurrent', 'maxQueued', 'breaker', 'userAgent', 'ca', 'fetch', 'dispatcher'],
  );
  return {
    timeoutMs: http.integer('timeoutMs', 2000, 1, 60_000),
    maxResponseBytes: http.integer('maxResponseBytes', 1_048_576, 1024, 16_777_216),
    retries: http.integer('retries', 1, 0, 1),
  };
}

function warningsAbout(issuer: ResolvedIssuerOptions): string[] {
  const warnings: string[] = [];
  if (
    [issuer.issuer, issuer.introspectionEndpoint, issuer.jwksUri].some(
      (url) => url !== undefined && isInsecureBeyondLoopback(url),
    )
  ) {
    warnings.push('allowInsecureHttp: tokens and credentials cross the network in clear text; use https');
  }
  if (issuer.audience === null) {
    warnings.push('audience: null accepts access tokens that were issued for other resource servers; name an audience');
  }
  return warnings;
}
