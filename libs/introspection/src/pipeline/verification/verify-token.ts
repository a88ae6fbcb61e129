import { isNone, type UnverifiedJwt } from '../../protocol/compact-jwt.js';
import {
  IntrospectionUnavailableError,
  KeySetUnavailableError,
  MetadataError,
} from '../../protocol/authorization-server-errors.js';
import { InvalidTokenError } from '../../protocol/errors.js';
import type { IntrospectionResponse } from '../../protocol/introspection-response.js';
import type { JsonObject } from '../../protocol/json.js';
import type { Deadline } from '../deadline.js';
import type { ResolvedIssuerOptions } from '../options/resolved-options.js';
import type { PresentedToken } from '../presented-token.js';
import type { Instant } from './check-jwt.js';
import type { Decrypter } from './decryption.js';
import { KEY_UNKNOWN, type LocalVerifier, type OpenedJwt } from './local-verifier.js';
import { mergeVerified } from './merge-verified.js';
import { openJwt } from './open-jwt.js';
import type { ResponseChecker } from './response-checker.js';
import type { Expectation, VerifiedToken } from './verified-token.js';

/** What can verify tokens of one issuer. */
export interface Verifiers {
  readonly options: ResolvedIssuerOptions;
  /** Absent in `remote`. */
  readonly local: LocalVerifier | undefined;
  /** Absent where the issuer cannot be asked. */
  readonly introspection: IntrospectionSource | undefined;
  readonly revocation: RevocationSource;
  readonly responses: ResponseChecker;
  /** Absent without `decryptionKeys`. */
  readonly decrypter: Decrypter | undefined;
  /** Says that a token named an issuer that is not configured. */
  readonly noteUnknownIssuer: () => void;
}

/** Where introspection responses come from: the issuer itself, or what it said before. */
export interface IntrospectionSource {
  /** What is remembered and may be used without asking anybody. */
  recall(presented: PresentedToken, maxAgeMs: number): IntrospectionResponse | undefined;
  /**
   * @throws {InvalidTokenError} for a token that was revoked here
   * @throws {AuthorizationServerError} when there is no answer to rely on
   */
  introspect(presented: PresentedToken, maxAgeMs: number, deadline: Deadline): Promise<IntrospectionResponse>;
}

/** What has been revoked here or on another instance. `unknown`: the others cannot be heard. */
export interface RevocationSource {
  /** Says that a token was presented that is revoked. */
  noteUse(): void;
  /** Whether it is known, without asking anybody, that a token is not revoked. */
  isClear(presented: PresentedToken, verified: VerifiedToken): boolean;
  /** `doubtful`: only who says when the token was issued could tell. */
  check(presented: PresentedToken, verified: VerifiedToken, deadline: Deadline): Promise<RevocationVerdict>;
}

type RevocationVerdict = 'clear' | 'revoked' | 'doubtful' | 'unknown';

/** The conditions of one verification. */
export interface Conditions {
  readonly expected: Expectation;
  /** How old the issuer's own word may be, in milliseconds; absent where, for a JWT, it is not needed. */
  readonly maxAgeMs: number | undefined;
  /** Refuses a JWT for its binding before the issuer is asked about it. @throws {InvalidTokenError} */
  readonly assertBinding: (facts: JsonObject) => void;
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
export function verifyToken(
  verifiers: Verifiers,
  presented: PresentedToken,
  conditions: Conditions,
): VerifiedToken | Promise<VerifiedToken> {
  return recallToken(verifiers, presented, conditions) ?? verifyAnew(verifiers, presented, conditions);
}

/**
 * A token whose worth is known and can be told without waiting for anybody. Whatever time, route or application may
 * have changed is checked.
 *
 * @returns `undefined` where it has to be verified anew
 * @throws {InvalidTokenError}
 */
function recallToken(verifiers: Verifiers, presented: PresentedToken, conditions: Conditions): VerifiedToken | undefined {
  const { verification } = verifiers.options;
  const { expected, maxAgeMs, now } = conditions;
  const local =
    verification === 'both' || maxAgeMs !== undefined ? undefined : verifiers.local?.recall(presented, expected, now());
  if (local !== undefined) return verifiers.revocation.isClear(presented, local) ? local : undefined;
  const isOpaque = verification === 'remote' || (verification === 'hybrid' && presented.isOpaque);
  const response = isOpaque ? verifiers.introspection?.recall(presented, maxAgeMs ?? Number.POSITIVE_INFINITY) : undefined;
  return response && verifiers.responses.check(response, expected, now());
}

async function verifyAnew(verifiers: Verifiers, presented: PresentedToken, conditions: Conditions): Promise<VerifiedToken> {
  const mode = verifiers.options.verification;
  if (mode === 'remote') return introspect(verifiers, presented, conditions);

  const opened = await openJwt(presented, verifiers.options, verifiers.decrypter);
  if (opened === undefined) {
    if (mode === 'hybrid') return introspect(verifiers, presented, conditions);
    throw new InvalidTokenError('malformed', { detail: "the token is no JWT: see the option verification ('hybrid', 'remote')" });
  }
  const { jwt } = opened;
  if (isNone(jwt.unverifiedAlgorithm)) throw new InvalidTokenError('algorithm', { detail: 'the token is not signed (alg none)' });
  if (mode === 'hybrid' && namesNoIssuer(jwt)) return introspect(verifiers, presented, conditions);
  assertOwnIssuer(verifiers, jwt);

  const local = await verifyLocally(verifiers, presented, opened, conditions);
  if (local === undefined) return introspect(verifiers, presented, conditions);
  const revocation = await verifiers.revocation.check(presented, local, conditions.deadline);
  if (revocation === 'revoked') throw revoked(verifiers);
  if (mode === 'both' || conditions.maxAgeMs !== undefined || revocation === 'unknown') {
    return verifyRemotelyToo(verifiers, presented, local, revocation, conditions);
  }
  if (revocation === 'doubtful') throw revoked(verifiers);
  return local;
}

/** Asks the issuer about a JWT that passed every check here; both must accept it. */
async function verifyRemotelyToo(
  verifiers: Verifiers,
  presented: PresentedToken,
  local: VerifiedToken,
  revocation: RevocationVerdict,
  conditions: Conditions,
): Promise<VerifiedToken> {
  if (verifiers.introspection === undefined && revocation === 'unknown') {
    throw new IntrospectionUnavailableError({ detail: 'nobody can say whether the token was revoked (cache.shared)' });
  }
  conditions.assertBinding(local.facts);
  // What only one of them says is taken from it, and the JWT has said who it is for.
  const expected = { ...conditions.expected, allowMissingAudience: true };
  // A mark that cannot be compared with the token's age leaves the word to the issuer, and to nothing older.
  const maxAgeMs = revocation === 'doubtful' ? 0 : conditions.maxAgeMs;
  const merged = mergeVerified(local, await introspect(verifiers, presented, { ...conditions, expected, maxAgeMs }));
  // What was revoked while the issuer was asked may be named by the JWT alone.
  if (revocation === 'clear' && (await verifiers.revocation.check(presented, local, conditions.deadline)) === 'revoked')
    throw revoked(verifiers);
  return merged;
}

/** @returns `undefined` where, in `hybrid`, the authorization server has to be asked because no key can be had */
async function verifyLocally(
  verifiers: Verifiers,
  presented: PresentedToken,
  opened: OpenedJwt,
  conditions: Conditions,
): Promise<VerifiedToken | undefined> {
  const mayAsk = verifiers.options.verification === 'hybrid';
  try {
    const verified = await required(verifiers.local).verify(
      presented,
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

async function introspect(verifiers: Verifiers, presented: PresentedToken, conditions: Conditions): Promise<VerifiedToken> {
  const { maxAgeMs = Number.POSITIVE_INFINITY, deadline, expected, now } = conditions;
  if (verifiers.introspection === undefined) {
    throw new TypeError('introspectMaxAgeMs needs clientAuthentication and an introspection endpoint');
  }
  const response = await verifiers.introspection.introspect(presented, maxAgeMs, deadline);
  return verifiers.responses.check(response, expected, now());
}

function revoked(verifiers: Verifiers): InvalidTokenError {
  verifiers.revocation.noteUse();
  return new InvalidTokenError('inactive', { detail: 'the token was revoked by revoke()' });
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
