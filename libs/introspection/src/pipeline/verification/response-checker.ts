import { normalizeResponse } from '../../protocol/compatibility.js';
import { readScopes } from '../../protocol/claim-mapping.js';
import { InvalidTokenError } from '../../protocol/errors.js';
import type { IntrospectionResponse } from '../../protocol/introspection-response.js';
import type { JsonObject } from '../../protocol/json.js';
import { audienceOf, isIntendedFor, wronglyTypedClaim } from '../../protocol/registered-claims.js';
import { isAnotherToken } from '../../protocol/token-purpose.js';
import type { ResolvedIssuerOptions } from '../options/resolved-options.js';
import { assertRequiredClaims, checkTimes, foreignAudience, type Instant } from './check-jwt.js';
import type { Expectation, VerifiedToken } from './verified-token.js';

const CHECKED_TYPES = ['iss', 'aud'];

/**
 * Makes every check of an introspection response, each time it is used: the server's "active" is no answer to whether
 * the token is for us, nor to what time it is. What depends on nothing but the response is found out once for it.
 *
 * Not checked: the binding (`cnf`), which needs the request.
 *
 * @see RFC 7662 §2.2
 */
export class ResponseChecker {
  readonly #read = new WeakMap<IntrospectionResponse, VerifiedToken>();

  constructor(private readonly options: ResolvedIssuerOptions) {}

  /** @throws {InvalidTokenError} */
  check(response: IntrospectionResponse, expected: Expectation, instant: Instant): VerifiedToken {
    let verified = this.#read.get(response);
    if (verified === undefined) this.#read.set(response, (verified = readResponse(response, this.options)));
    const { facts, audience } = verified;
    checkTimes(facts, instant);
    checkAudience(audience, expected);
    if (this.options.requiredClaims.inResponses) assertRequiredClaims(facts, this.options);
    return verified;
  }
}

function readResponse(response: IntrospectionResponse, options: ResolvedIssuerOptions): VerifiedToken {
  if (!response.active) throw refusal('inactive', 'the authorization server says that the token is not active');
  const { active: _active, ...claims } = response as JsonObject;
  const facts = Object.freeze(normalizeResponse(claims, options.compatibility));
  const wrong = wronglyTypedClaim(facts, CHECKED_TYPES);
  if (wrong !== undefined)
    throw refusal(wrong === 'iss' ? 'issuer' : 'audience', `\`${wrong}\` of the introspection response has a wrong type`);
  if (facts.iss !== undefined && facts.iss !== options.issuer)
    throw refusal('issuer', 'the introspection response names another issuer');
  if (options.requireTokenType && facts.token_type === undefined) {
    throw refusal('type', 'the introspection response has no token_type: see the option requireTokenType');
  }
  if (isAnotherToken(facts)) throw refusal('type', 'the introspection response speaks of another kind of token');
  return {
    issuer: options.issuer,
    claims: Object.freeze(claims),
    facts,
    mapping: options.claims,
    audience: audienceOf(facts),
    scopes: readScopes(facts, options.claims),
    expiresAtSeconds: facts.exp as number | undefined,
    verifiedBy: 'introspection',
  };
}

function checkAudience(audience: readonly string[], expected: Expectation): void {
  if (expected.audience === null || (audience.length === 0 && expected.allowMissingAudience)) return;
  if (audience.length === 0) {
    throw refusal('audience', 'the introspection response has no aud: see the option allowMissingAudience');
  }
  if (!isIntendedFor(audience, expected.audience)) throw foreignAudience();
}

function refusal(reason: InvalidTokenError['reason'], detail: string): InvalidTokenError {
  return new InvalidTokenError(reason, { detail });
}
