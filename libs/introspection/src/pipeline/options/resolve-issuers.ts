import type { IssuerLookup, IssuerRouting } from './options.js';
import { OptionGroup } from './option-group.js';
import { Problems } from './problems.js';
import { ISSUER_OPTIONS, resolveIssuerOptions } from './resolve-issuer-options.js';
import type { ResolvedIssuerLookup, ResolvedIssuerOptions } from './resolved-options.js';

/** What belongs to one authorization server alone and so cannot be a default for several. */
const OWN = ['issuer', 'introspectionEndpoint', 'jwksUri', 'jwks', 'clientAuthentication', 'introspectionParameters'];

/** Checks the one issuer at the top level, the list of them, or the function that allows them. */
export function resolveIssuers(
  options: OptionGroup,
  allowInsecureHttp: boolean,
): readonly ResolvedIssuerOptions[] | ResolvedIssuerLookup {
  if (!options.has('issuers')) return [resolveIssuerOptions(options, allowInsecureHttp)];
  for (const name of OWN) if (options.has(name)) options.refuse(name, 'it belongs to one issuer: move it into issuers');
  const defaults = Object.fromEntries(
    ISSUER_OPTIONS.filter((name) => !OWN.includes(name) && options.has(name)).map((name) => [name, options.get(name)]),
  );
  const issuers = options.get('issuers');
  if (typeof issuers === 'function') return createLookup(issuers as IssuerLookup, defaults, allowInsecureHttp);
  if (!Array.isArray(issuers) || issuers.length === 0) {
    options.refuse('issuers', 'give a list of issuer options, at least one, or a function that answers them');
    return [];
  }
  const resolved = issuers.map((issuer: unknown, index) =>
    resolveOne(options.problems, issuer, defaults, `issuers[${index}]`, allowInsecureHttp),
  );
  const names = resolved.map(({ issuer }) => issuer);
  if (new Set(names).size < names.length) options.refuse('issuers', 'one issuer is listed twice: list each once');
  return resolved;
}

/** Checks how tokens that name no issuer find theirs. */
export function resolveIssuerFor(
  options: OptionGroup,
  issuers: readonly ResolvedIssuerOptions[] | ResolvedIssuerLookup,
): IssuerRouting | 'in-order' | undefined {
  const issuerFor = options.get('issuerFor');
  if (issuerFor !== undefined && typeof issuerFor !== 'function' && issuerFor !== 'in-order') {
    options.refuse('issuerFor', "give a function (request, token) => issuer, or 'in-order'");
    return undefined;
  }
  const isFunction = typeof issuers === 'function';
  if (isFunction && issuerFor === 'in-order') {
    options.refuse('issuerFor', "'in-order' needs a list of issuers: give a function (request, token) => issuer");
  }
  const mode = options.given('verification', 'hybrid');
  const askable = isFunction
    ? mode === 'remote' || mode === 'hybrid'
      ? 2
      : 0
    : issuers.filter(mayBeAskedAboutOpaqueTokens).length;
  if (askable > 1 && issuerFor === undefined) {
    options.refuse(
      'issuerFor',
      "more than one issuer can be asked about an opaque token: give (request, token) => issuer, or 'in-order'",
    );
  }
  return issuerFor as IssuerRouting | 'in-order' | undefined;
}

/** Whether tokens that name no issuer are this one's to judge. */
export function mayBeAskedAboutOpaqueTokens({ verification }: ResolvedIssuerOptions): boolean {
  return verification === 'remote' || verification === 'hybrid';
}

function resolveOne(
  problems: Problems,
  issuer: unknown,
  defaults: object,
  path: string,
  allowInsecureHttp: boolean,
): ResolvedIssuerOptions {
  const isObject = typeof issuer === 'object' && issuer !== null && !Array.isArray(issuer);
  const group = new OptionGroup(problems, isObject ? { ...defaults, ...withoutUndefined(issuer) } : issuer, path);
  group.allowOnly(ISSUER_OPTIONS);
  return resolveIssuerOptions(group, allowInsecureHttp);
}

/** An option without a value is absent, so that it does not hide a default. */
function withoutUndefined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function createLookup(lookUp: IssuerLookup, defaults: object, allowInsecureHttp: boolean): ResolvedIssuerLookup {
  return async (issuer) => {
    const given: unknown = await lookUp(issuer);
    if (given === undefined || given === null) return undefined;
    const problems = new Problems();
    const resolved = resolveOne(problems, given, defaults, 'issuers(…)', allowInsecureHttp);
    if (resolved.issuer !== issuer) problems.add('issuers(…).issuer', given, 'it must equal the issuer that was asked for');
    problems.throwIfAny();
    return resolved;
  };
}
