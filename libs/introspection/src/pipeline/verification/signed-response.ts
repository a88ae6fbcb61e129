import {
  isNone,
  normalizeMediaType,
  parseUnverifiedJwt,
  type UnverifiedJwt,
  hasCriticalExtensions,
} from '../../protocol/compact-jwt.js';
import { IntrospectionResponseError } from '../../protocol/authorization-server-errors.js';
import { isJsonObject, type JsonObject, member } from '../../protocol/json.js';
import { audienceOf, isIntendedFor, wronglyTypedClaim } from '../../protocol/registered-claims.js';
import type { Clock } from '../clock.js';
import type { Deadline } from '../deadline.js';
import type { ResolvedIntrospectionResponse } from '../options/resolved-options.js';
import type { Decrypter } from './decryption.js';
import type { KeySet } from './key-set.js';
import { findSigningKey } from './signature.js';

export const SIGNED_RESPONSE_TYPE = 'application/token-introspection+jwt';

/** There is no `exp`, so age is what bounds a replay. */
const MAX_AGE_SECONDS = 300;
const MAX_AHEAD_SECONDS = 60;

/** What signed responses are checked against. */
export interface SignedResponseParts {
  readonly issuer: string;
  readonly expected: ResolvedIntrospectionResponse;
  readonly keys: KeySet;
  /** Where there are keys, a response that is only signed is refused. */
  readonly decrypter: Decrypter | undefined;
  readonly clock: Clock;
}

/**
 * Opens a signed introspection response: decrypts it where keys are configured, verifies type, signature, issuer,
 * audience and age, and hands over the object in `token_introspection`. Members beside that mean nothing.
 *
 * @throws {IntrospectionResponseError} whatever is wrong: it is the server's fault, and no verdict on the token
 * @throws {KeySetUnavailableError}
 * @see RFC 9701 §5
 */
export async function openSignedResponse(text: string, parts: SignedResponseParts, deadline: Deadline): Promise<JsonObject> {
  const jws = parts.decrypter === undefined ? text : await parts.decrypter.decrypt(text);
  if (jws === undefined) throw refusal('it could not be decrypted, or is only signed');
  const jwt = parseUnverifiedJwt(jws);
  if (jwt === undefined) throw refusal('it is no signed JWT');
  checkHeader(jwt, parts.expected);
  const kid = member(jwt.unverifiedHeader, 'kid');
  const lookup = await parts.keys.find(jwt.unverifiedAlgorithm, typeof kid === 'string' ? kid : undefined, deadline);
  if (lookup.kind === 'unknown' || findSigningKey(jws, jwt.unverifiedAlgorithm, lookup.keys) === undefined) {
    if (lookup.kind === 'keys') parts.keys.noteBadSignature();
    throw refusal('its signature is of no key of the issuer');
  }
  return checkClaims(jwt.unverifiedClaims ?? {}, parts);
}

function checkHeader(jwt: UnverifiedJwt, expected: ResolvedIntrospectionResponse): void {
  const { unverifiedHeader: header, unverifiedAlgorithm: algorithm } = jwt;
  const type = member(header, 'typ');
  if (typeof type !== 'string' || normalizeMediaType(type) !== SIGNED_RESPONSE_TYPE)
    throw refusal('its typ is not token-introspection+jwt');
  if (isNone(algorithm) || !expected.algorithms.includes(algorithm))
    throw refusal('its alg is not accepted: see introspectionResponse.algorithms');
  const kid = member(header, 'kid');
  const isBroken =
    !jwt.isCanonical || jwt.isUnsigned || hasCriticalExtensions(header) || (kid !== undefined && typeof kid !== 'string');
  if (isBroken) throw refusal('its header or encoding is malformed');
}

function checkClaims(claims: JsonObject, { issuer, expected, clock }: SignedResponseParts): JsonObject {
  if (claims.iss !== issuer) throw refusal('its iss is not the configured issuer');
  if (wronglyTypedClaim(claims, ['aud']) !== undefined || !isIntendedFor(audienceOf(claims), expected.audience)) {
    throw refusal('it is for somebody else: see introspectionResponse.audience');
  }
  const { iat } = claims;
  const ageSeconds = typeof iat === 'number' && Number.isFinite(iat) ? clock.now() / 1000 - iat : Number.NaN;
  if (!(ageSeconds <= MAX_AGE_SECONDS && ageSeconds >= -MAX_AHEAD_SECONDS))
    throw refusal('its iat is missing, too old or in the future');
  const response = member(claims, 'token_introspection');
  if (!isJsonObject(response)) throw refusal('it has no token_introspection');
  return response;
}

function refusal(detail: string): IntrospectionResponseError {
  return new IntrospectionResponseError({ detail: `the signed introspection response is not accepted: ${detail}` });
}
