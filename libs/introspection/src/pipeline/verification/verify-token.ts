import { isNone, type UnverifiedJwt } from '../../protocol/compact-jwt.js';
import { KeySetUnavailableError, MetadataError } from '../../protocol/authorization-server-errors.js';
import { InvalidTokenError } from '../../protocol/errors.js';
import type { IntrospectionResponse } from '../../protocol/introspection-response.js';
import type { Deadline } from '../deadline.js';
import type { ResolvedIssuerOptions } from '../options/resolved-options.js';
import type { PresentedToken } from '../presented-token.js';
import type { Instant } from './check-jwt.js';
import { checkResponse } from './check-response.js';
import type { Decrypter } from './decryption.js';
import { KEY_UNKNOWN, type LocalVerifier, type OpenedJwt } from './local-verifier.js';
import { mergeVerified } from './merge-verified.js';
import { openJwt } from './open-jwt.js';
import type { Expectation, VerifiedToken } from './verified-token.js';

/** What can verify tokens of one issuer. */
export interface Verifiers {
  readonly options: ResolvedIssuerOptions;
  /** Absent in `remote`. */
  readonly local: LocalVerifier | undefined;
  /** Absent in `local`. */
  readonly introspection: { introspect(token: string, deadline: Deadline): Promise<IntrospectionResponse> } | undefined;
  /** Absent without `decryptionKeys`. */
  readonly decrypter: Decrypter | undefined;
  /** Says that a token named an issuer that is not configured. */
  readonly noteUnknownIssuer: () => void;
}

/** The conditions of one verification. */
export interface Conditions {
  readonly expected: Expectation;
  readonly now: () => Instant;
  readonly deadline: Deadline;
}

/**
 * Decides by mode and by the shape of the token who has to say what it is worth, and asks them.
 *
 * A JWT that fails a check here is never carried to the authorization server to be accepted there after all; only one
 * whose key cannot be had is, in `hybrid`, and then the answer alone counts.
 *
 * @throws {InvalidTokenError} the token's fault
 * @throws {AuthorizationServerError} nobody could say
 */
export async function verifyToken(
  verifiers: Verifiers,
  presented: PresentedToken,
  conditions: Conditions,
): Promise<VerifiedToken> {
  const { token } = presented;
  const mode = verifiers.options.verification;
  if (mode === 'remote') return introspect(verifiers, token, conditions);

  const opened = await openJwt(presented, verifiers.options, verifiers.decrypter);
  if (opened === undefined) {
    if (mode === 'hybrid') return introspect(verifiers, token, conditions);
    throw new InvalidTokenError('malformed', { detail: "the token is no JWT: see the option verification ('hybrid', 'remote')" });
  }
  const { jwt } = opened;
  if (isNone(jwt.unverifiedAlgorithm)) throw new InvalidTokenError('algorithm', { detail: 'the token is not signed (alg none)' });
  if (mode === 'hybrid' && namesNoIssuer(jwt)) return introspect(verifiers, token, conditions);
  assertOwnIssuer(verifiers, jwt);

  const local = await verifyLocally(verifiers, token, opened, conditions);
  if (local === undefined) return introspect(verifiers, token, conditions);
  if (mode !== 'both') return local;
  // What only one of them says is taken from it, and the JWT has said who it is for.
  const expected = { ...conditions.expected, allowMissingAudience: true };
  return mergeVerified(local, await introspect(verifiers, token, { ...conditions, expected }));
}

/** @returns `undefined` where, in `hybrid`, the authorization server has to be asked because no key can be had */
async function verifyLocally(
  verifiers: Verifiers,
  token: string,
  opened: OpenedJwt,
  conditions: Conditions,
): Promise<VerifiedToken | undefined> {
  const mayAsk = verifiers.options.verification === 'hybrid';
  try {
    const verified = await required(verifiers.local).verify(
      token,
      opened,
      conditions.expected,
      conditions.now(),
      // Where another can be asked after the keys, both have their time.
      mayAsk ? conditions.deadline.share(2) : conditions.deadline,
    );
    if (verified !== KEY_UNKNOWN) return verified;
    if (mayAsk) return undefined;
    throw new InvalidTokenError('signature', { detail: 'no key of the issuer has the kid of the token, or fits it' });
  } catch (error) {
    if (mayAsk && (error instanceof KeySetUnavailableError || error instanceof MetadataError)) return undefined;
    throw error;
  }
}

async function introspect(verifiers: Verifiers, token: string, conditions: Conditions): Promise<VerifiedToken> {
  const response = await required(verifiers.introspection).introspect(token, conditions.deadline);
  return checkResponse(token, response, verifiers.options, conditions.expected, conditions.now());
}

function namesNoIssuer(jwt: UnverifiedJwt): boolean {
  return jwt.unverifiedClaims !== undefined && !Object.hasOwn(jwt.unverifiedClaims, 'iss');
}

function assertOwnIssuer(verifiers: Verifiers, jwt: UnverifiedJwt): void {
  if (jwt.unverifiedClaims === undefined) throw new InvalidTokenError('malformed', { detail: 'the payload is no JSON object' });
  if (jwt.unverifiedClaims.iss === verifiers.options.issuer) return;
  verifiers.noteUnknownIssuer();
  throw new InvalidTokenError('issuer', { detail: 'the JWT names no configured issuer: see the option issuer' });
}

function required<T>(part: T | undefined): T {
  if (part === undefined) throw new TypeError('this verification mode was not set up');
  return part;
}
