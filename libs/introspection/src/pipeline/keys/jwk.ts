import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { isJsonObject, type JsonObject, member } from '../../protocol/json.js';

/** A key of a set: usable for the algorithms it lists, none where it may not verify signatures. */
export interface VerificationKey {
  readonly kid: string | undefined;
  readonly key: KeyObject | undefined;
  readonly algorithms: readonly string[];
}

const CURVES: Readonly<Record<string, readonly string[]>> = {
  'EC P-256': ['ES256'],
  'EC P-384': ['ES384'],
  'EC P-521': ['ES512'],
  'OKP Ed25519': ['EdDSA', 'Ed25519'],
};
const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const PUBLIC_MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e'];
const HMAC_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };

/**
 * Reads one JWK. A key that may not verify signatures (`use`, `key_ops`), is too weak (RSA under 2048 bits), of an
 * unknown kind or broken is kept without algorithms: its `kid` is known, and nothing verifies with it.
 *
 * Only public members are read. `oct` keys count only where the set is static: a fetched secret is no secret.
 *
 * @see RFC 7517 §4, RFC 7518 §3.1 and §6
 */
export function readJwk(jwk: unknown, allowSecrets: boolean): VerificationKey | undefined {
  if (!isJsonObject(jwk)) return undefined;
  const kid = member(jwk, 'kid');
  const name = typeof kid === 'string' ? kid : undefined;
  const unusable = { kid: name, key: undefined, algorithms: [] };
  if (!mayVerify(jwk)) return unusable;
  try {
    const isSecret = jwk.kty === 'oct';
    if (isSecret && !allowSecrets) return unusable;
    const key = isSecret
      ? createSecretKey(Buffer.from(String(member(jwk, 'k')), 'base64url'))
      : createPublicKey({ key: publicMembers(jwk), format: 'jwk' });
    const fitting = isSecret ? hmacAlgorithms(key) : asymmetricAlgorithms(jwk, key);
    const named = member(jwk, 'alg');
    const algorithms = named === undefined ? fitting : fitting.filter((algorithm) => algorithm === named);
    return algorithms.length === 0 ? unusable : { kid: name, key, algorithms };
  } catch {
    return unusable;
  }
}

function mayVerify(jwk: JsonObject): boolean {
  const use = member(jwk, 'use');
  const operations = member(jwk, 'key_ops');
  return (
    (use === undefined || use === 'sig') &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify')))
  );
}

function publicMembers(jwk: JsonObject): JsonWebKey {
  return Object.fromEntries(
    PUBLIC_MEMBERS.filter((name) => Object.hasOwn(jwk, name)).map((name) => [name, jwk[name]]),
  ) as JsonWebKey;
}

function asymmetricAlgorithms(jwk: JsonObject, key: KeyObject): readonly string[] {
  if (jwk.kty !== 'RSA') return CURVES[`${String(jwk.kty)} ${String(jwk.crv)}`] ?? [];
  return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048 ? RSA_ALGORITHMS : [];
}

function hmacAlgorithms(key: KeyObject): readonly string[] {
  return Object.keys(HMAC_BYTES).filter((algorithm) => (key.symmetricKeySize ?? 0) >= (HMAC_BYTES[algorithm] ?? Infinity));
}
