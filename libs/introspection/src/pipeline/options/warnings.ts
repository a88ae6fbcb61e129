import { isInsecureBeyondLoopback } from '../../protocol/issuer-identifier.js';
import type { ResolvedCacheOptions, ResolvedIssuerOptions } from './resolved-options.js';

/** What an operator should hear of options that are allowed but unwise; constant texts. */
export function warningsAbout(issuer: ResolvedIssuerOptions): string[] {
  const warnings: string[] = [];
  const urls = [issuer.issuer, issuer.introspectionEndpoint, issuer.jwksUri];
  if (urls.some((url) => url !== undefined && isInsecureBeyondLoopback(url))) {
    warnings.push('allowInsecureHttp: tokens and credentials cross the network in clear text; use https');
  }
  if (issuer.audience === null) {
    warnings.push('audience: null accepts access tokens that were issued for other resource servers; name an audience');
  }
  return warnings;
}

/** The same of the option `cache`. */
export function warningsAboutCache({ shared, secret }: ResolvedCacheOptions): string[] {
  if (shared === undefined || secret !== null) return [];
  return ['cache.secret: null keeps introspection responses readable in the shared store, and believes whatever is there'];
}
