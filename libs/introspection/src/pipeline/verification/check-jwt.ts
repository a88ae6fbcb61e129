import { hasCriticalExtensions, isNested, type UnverifiedJwt } from '../../protocol/compact-jwt.js';
import { readScopes, readText } from '../../protocol/claim-mapping.js';
import { InvalidTokenError } from '../../protocol/errors.js';
import { type JsonObject, member } from '../../protocol/json.js';
import { audienceOf, isIntendedFor, timeFault, wronglyTypedClaim } from '../../protocol/registered-claims.js';
import { unmetClaim } from '../../protocol/required-claims.js';
import { ACCESS_TOKEN_TYPE, hasMarksOfAnotherToken, isAcceptedType } from '../../protocol/token-purpose.js';
import type { ResolvedIssuerOptions } from '../options/resolved-options.js';
import type { Expectation, VerifiedToken } from './verified-token.js';

const CHECKED_TYPES = ['iss', 'exp', 'nbf', 'iat', 'aud', 'sub', 'client_id', 'jti', 'cnf'];

/** The instant of a check and the allowance for other clocks. */
export interface Instant {
  readonly nowMs: number;
  readonly toleranceSeconds: number;
}

/**
 * Makes every check of a JWT access token that needs no key, the cheapest first, so that most forgeries cost no
 * signature and no fetch. What passes is still unverified.
 *
 * Not checked: the signature.
 *
 * @throws {InvalidTokenError}
 * @see RFC 9068 §4, RFC 8725 §3
 */
export function checkJwt(jwt: UnverifiedJwt, options: ResolvedIssuerOptions, expected: Expectation, instant: Instant): void {
  checkHeader(jwt, options);
  const claims = jwt.unverifiedClaims;
  if (claims === undefined) throw refusal('malformed', 'the payload is no JSON object');
  const wrong = wronglyTypedClaim(claims, CHECKED_TYPES);
  if (wrong !== undefined) throw refusal('claim', `the claim ${wrong} has a wrong type`);
  if (claims.iss !== options.issuer) throw refusal('issuer', 'the issuer is not the configured one');
  checkPresence(claims, options);
  checkTimes(claims, instant);
  if (expected.audience !== null && !isIntendedFor(audienceOf(claims), expected.audience)) throw foreignAudience();
  checkPurpose(claims, options);
}

/** Of a JWT that passed {@link checkJwt} before, what another time, another route or the application may see differently. */
export function isStillValid(
  { claims, audience }: Pick<VerifiedToken, 'claims' | 'audience'>,
  options: ResolvedIssuerOptions,
  expected: Expectation,
  { nowMs, toleranceSeconds }: Instant,
): boolean {
  if (timeFault(claims, nowMs, toleranceSeconds) !== undefined) return false;
  if (expected.audience !== null && !isIntendedFor(audience, expected.audience)) return false;
  return !options.requiredClaims.askApplication || unmetRequiredClaim(claims, options) === undefined;
}

/** Refuses claims whose time is over or has not come. @throws {InvalidTokenError} */
export function checkTimes(claims: JsonObject, instant: Instant): void {
  const fault = timeFault(claims, instant.nowMs, instant.toleranceSeconds);
  if (fault === 'expired') throw refusal(fault, 'the token has expired');
  if (fault !== undefined) throw refusal(fault, 'the token is not valid yet, or its iat is in the future: compare the clocks');
}

/** The refusal of a token that was not issued for this resource server. */
export function foreignAudience(): InvalidTokenError {
  return refusal('audience', 'the token is for another audience: see the option audience');
}

function checkHeader(jwt: UnverifiedJwt, options: ResolvedIssuerOptions): void {
  const { unverifiedHeader: header, unverifiedAlgorithm: algorithm } = jwt;
  if (!options.algorithms.includes(algorithm)) throw refusal('algorithm', 'the alg is not accepted: see the option algorithms');
  if (!jwt.isCanonical || jwt.isUnsigned)
    throw refusal('malformed', 'the token is not well-formed base64url, or has no signature');
  if (hasCriticalExtensions(header))
    throw refusal('malformed', 'the token demands extensions (crit, b64) that are not supported');
  if (isNested(header)) throw refusal('type', 'the payload is said to be another JWT');
  const kid = member(header, 'kid');
  if (kid !== undefined && typeof kid !== 'string') throw refusal('malformed', 'the kid is no string');
  if (!isAcceptedType(header, options.tokenTypes)) throw refusal('type', `${nameOfType(header)}: see the option tokenTypes`);
}

/** Only names that everybody knows are repeated: a header is the client's text. */
function nameOfType(header: JsonObject): string {
  const type = member(header, 'typ');
  if (type === undefined) return 'typ is absent';
  return type === 'JWT' || type === 'at+jwt' ? `typ is ${type}` : 'typ is not accepted';
}

function checkPresence(claims: JsonObject, options: ResolvedIssuerOptions): void {
  if (!Object.hasOwn(claims, 'exp')) throw refusal('claim', 'the claim exp is missing');
  assertRequiredClaims(claims, options);
}

/** Refuses claims that do not meet the option `requiredClaims`. @throws {InvalidTokenError} */
export function assertRequiredClaims(claims: JsonObject, options: ResolvedIssuerOptions): void {
  const unmet = unmetRequiredClaim(claims, options);
  if (unmet !== undefined)
    throw refusal('claim', `the claim ${unmet} is missing or not as required: see the option requiredClaims`);
}

function unmetRequiredClaim(claims: JsonObject, options: ResolvedIssuerOptions): string | undefined {
  const read = (name: string): unknown => {
    if (name === 'client_id') return readText(claims, options.claims.clientId);
    return name === 'jti' ? readText(claims, options.claims.tokenId) : member(claims, name);
  };
  return unmetClaim(claims, options.requiredClaims.claims, read);
}

/** Where the `typ` does not say "access token", the claims must not say anything else. */
function checkPurpose(claims: JsonObject, options: ResolvedIssuerOptions): void {
  if (options.tokenTypes.every((type) => type === ACCESS_TOKEN_TYPE)) return;
  const clientId = readText(claims, options.claims.clientId);
  const isForAnother = clientId !== undefined && !audienceOf(claims).includes(clientId);
  const hasPurpose = isForAnother || (readScopes(claims, options.claims)?.length ?? 0) > 0;
  if (!hasPurpose || hasMarksOfAnotherToken(claims)) throw refusal('type', 'the claims are those of another kind of token');
}

function refusal(reason: InvalidTokenError['reason'], detail: string): InvalidTokenError {
  return new InvalidTokenError(reason, { detail });
}
