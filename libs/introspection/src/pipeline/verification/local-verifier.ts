import type { UnverifiedJwt } from '../../protocol/compact-jwt.js';
import { readScopes } from '../../protocol/claim-mapping.js';
import { InvalidTokenError } from '../../protocol/errors.js';
import { type JsonObject, member } from '../../protocol/json.js';
import { audienceOf } from '../../protocol/registered-claims.js';
import type { Deadline } from '../deadline.js';
import type { ResolvedIssuerOptions } from '../options/resolved-options.js';
import { checkJwt, type Instant, isStillValid } from './check-jwt.js';
import type { PresentedToken } from '../presented-token.js';
import type { KeySet } from './key-set.js';
import { RememberedJwts } from './remembered-jwts.js';
import { findSigningKey } from './signature.js';
import type { Expectation, VerifiedToken } from './verified-token.js';

/** A JWT that passed every check but the last: no key for it is known. */
export const KEY_UNKNOWN = Symbol('key unknown');

/** A JWT as it is to be checked: what was signed, and its parts. */
export interface OpenedJwt {
  /** The compact JWS; where the token was encrypted, what was in it. */
  readonly jws: string;
  readonly jwt: UnverifiedJwt;
}

/** Checks JWT access tokens of one issuer against its keys. */
export class LocalVerifier {
  readonly #jwts = new RememberedJwts();

  constructor(
    private readonly options: ResolvedIssuerOptions,
    private readonly keys: KeySet,
  ) {}

  /**
   * A JWT that was verified before and still is: the keys are the same, and whatever can have changed is checked.
   *
   * @returns `undefined` where it is to be verified anew, also to say what is wrong with it
   */
  recall(presented: PresentedToken, expected: Expectation, instant: Instant): VerifiedToken | undefined {
    const verified = this.#jwts.recall(presented.name, this.keys.current);
    return verified !== undefined && isStillValid(verified, this.options, expected, instant) ? verified : undefined;
  }

  /**
   * @returns the verified token, or {@link KEY_UNKNOWN}
   * @throws {InvalidTokenError} when a check fails
   * @throws {KeySetUnavailableError} when there are no keys to check with
   * @see RFC 9068 §4
   */
  async verify(
    presented: PresentedToken,
    { jws, jwt }: OpenedJwt,
    expected: Expectation,
    instant: Instant,
    deadline: Deadline,
  ): Promise<VerifiedToken | typeof KEY_UNKNOWN> {
    checkJwt(jwt, this.options, expected, instant);
    const algorithm = jwt.unverifiedAlgorithm;
    const kid = member(jwt.unverifiedHeader, 'kid') as string | undefined;
    const lookup = await this.keys.find(algorithm, kid, deadline);
    if (lookup.kind === 'unknown') return KEY_UNKNOWN;
    const key = this.#jwts.keyOf(presented.name, lookup.keys) ?? findSigningKey(jws, algorithm, lookup.keys);
    if (key === undefined) {
      this.keys.noteBadSignature();
      throw new InvalidTokenError('signature', { detail: 'the signature is not of the key that the token names' });
    }
    const verified = this.#verified(jwt.unverifiedClaims ?? {});
    const { current } = this.keys;
    // A set that came in meanwhile may not hold the key any more.
    const keySet = current?.some((held) => held.key === key) === true ? current : undefined;
    this.#jwts.remember(presented.name, presented.token.length, { verified, key, keySet });
    return verified;
  }

  #verified(claims: JsonObject): VerifiedToken {
    return {
      issuer: this.options.issuer,
      claims,
      facts: claims,
      mapping: this.options.claims,
      audience: audienceOf(claims),
      scopes: readScopes(claims, this.options.claims),
      expiresAtSeconds: claims.exp as number,
      verifiedBy: 'local',
    };
  }
}
