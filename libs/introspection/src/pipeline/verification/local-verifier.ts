import type { UnverifiedJwt } from '../../protocol/compact-jwt.js';
import { readScopes } from '../../protocol/claim-mapping.js';
import { InvalidTokenError } from '../../protocol/errors.js';
import { type JsonObject, member } from '../../protocol/json.js';
import { audienceOf } from '../../protocol/registered-claims.js';
import type { Deadline } from '../deadline.js';
import type { ResolvedIssuerOptions } from '../options/resolved-options.js';
import { checkJwt, type Instant } from './check-jwt.js';
import type { PresentedToken } from '../presented-token.js';
import type { KeySet } from './key-set.js';
import type { VerificationKey } from '../keys/jwk.js';
import { RememberedSignatures } from './remembered-signatures.js';
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
  readonly #signatures = new RememberedSignatures();

  /** @param nameOf names a JWS in the table of those that were verified */
  constructor(
    private readonly options: ResolvedIssuerOptions,
    private readonly keys: KeySet,
    private readonly nameOf: (jws: string) => string,
  ) {}

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
    const name = jws === presented.token ? presented.name : this.nameOf(jws);
    await this.#verifySignature(jws, name, algorithm, lookup.keys);
    return this.#verified(presented.token, jwt.unverifiedClaims ?? {});
  }

  async #verifySignature(jws: string, name: string, algorithm: string, keys: readonly VerificationKey[]): Promise<void> {
    if (this.#signatures.wasVerifiedBy(name, keys)) return;
    const key = await findSigningKey(jws, algorithm, keys);
    if (key !== undefined) {
      this.#signatures.remember(name, key);
      return;
    }
    this.keys.noteBadSignature();
    throw new InvalidTokenError('signature', { detail: 'the signature is not of the key that the token names' });
  }

  #verified(token: string, claims: JsonObject): VerifiedToken {
    return {
      token,
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
