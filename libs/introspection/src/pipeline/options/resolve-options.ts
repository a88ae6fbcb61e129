import type { ConfigurationProblem } from '../../protocol/configuration-error.js';
import { isQuotable } from '../../protocol/challenge.js';
import { type Clock, systemClock } from '../clock.js';
import { OptionGroup } from './option-group.js';
import { Problems } from './problems.js';
import { ISSUER_OPTIONS } from './resolve-issuer-options.js';
import { resolveHttp } from './resolve-http.js';
import { resolveIssuerFor, resolveIssuers } from './resolve-issuers.js';
import { warningsAbout, warningsAboutCache } from './warnings.js';
import { resolveCache } from './resolve-cache.js';
import type { ResolvedExtractOptions, ResolvedOptions } from './resolved-options.js';

const SERVER_OPTIONS = [
  'issuers',
  'issuerFor',
  'clockToleranceSeconds',
  'clock',
  'allowInsecureHttp',
  'realm',
  'extract',
  'http',
  'cache',
  'revocation',
  'unknownTokens',
  'onEvent',
];
const LATER_OPTIONS = ['resource', 'dpop', 'mtls', 'mapPrincipal'];

/**
 * Checks all options and fills in the defaults.
 *
 * @param known problems that were found elsewhere, to be told along with these
 * @throws {ConfigurationError} with every problem at once
 */
export function resolveOptions(given: unknown, known: readonly ConfigurationProblem[] = []): ResolvedOptions {
  const problems = new Problems(known);
  const options = new OptionGroup(problems, given ?? null, '');
  options.allowOnly([...ISSUER_OPTIONS, ...SERVER_OPTIONS], LATER_OPTIONS);
  const allowInsecureHttp = options.boolean('allowInsecureHttp', false);
  const issuers = resolveIssuers(options, allowInsecureHttp);
  const cache = resolveCache(options);
  const resolved: ResolvedOptions = {
    issuers,
    issuerFor: resolveIssuerFor(options, issuers),
    clockToleranceSeconds: options.integer('clockToleranceSeconds', 5, 0, 300),
    clock: resolveClock(options),
    allowInsecureHttp,
    realm: resolveRealm(options),
    extract: resolveExtract(options.group('extract')),
    http: resolveHttp(options.group('http'), issuers),
    cache,
    revocation: resolveRevocation(options.group('revocation')),
    unknownTokens: resolveUnknownTokens(options),
    onEvent: options.function('onEvent'),
    warnings: [
      ...(typeof issuers === 'function' ? [] : new Set(issuers.flatMap(warningsAbout))),
      ...(cache === undefined ? [] : warningsAboutCache(cache)),
    ],
  };
  problems.throwIfAny();
  return resolved;
}

function resolveClock(options: OptionGroup): Clock {
  const clock = options.given('clock', systemClock);
  if (typeof (clock as Partial<Clock> | null)?.now === 'function' && tellsTime(clock as Clock)) return clock as Clock;
  options.refuse('clock', 'give an object with now(), which answers epoch milliseconds');
  return systemClock;
}

function tellsTime(clock: Clock): boolean {
  try {
    return Number.isFinite(clock.now());
  } catch {
    return false;
  }
}

function resolveRealm(options: OptionGroup): string {
  const realm = options.given('realm', 'api');
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

function resolveUnknownTokens(options: OptionGroup): ResolvedOptions['unknownTokens'] {
  if (!options.has('unknownTokens')) return undefined;
  const group = options.group('unknownTokens');
  group.allowOnly(['perClient', 'windowMs', 'clientKey']);
  return {
    perClient: group.integer('perClient', 20, 1, 1_000_000),
    windowMs: group.integer('windowMs', 60_000, 1, 86_400_000),
    clientKey: group.function('clientKey'),
  };
}

function resolveRevocation(revocation: OptionGroup): ResolvedOptions['revocation'] {
  revocation.allowOnly(['markSeconds'], ['backChannelLogout', 'securityEvents']);
  return { markSeconds: revocation.integer('markSeconds', 86_400, 1, 31_536_000) };
}
