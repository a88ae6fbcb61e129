import { createPrivateKey, KeyObject } from 'node:crypto';
import type { JWK } from 'jose';

/** What a client assertion is signed with. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly algorithm: string;
  readonly keyId: string | undefined;
}

const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const CURVE_ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};

/**
 * Reads a private key as the operator gives it: a JWK, PEM text or a key object.
 *
 * @returns why it cannot sign, as a constant text that quotes nothing of it
 */
export function readSigningKey(
  given: unknown,
  algorithm: string | undefined,
  keyId: string | undefined,
): SigningKey | { readonly fault: string } {
  const jwk = typeof given === 'object' && given !== null && !(given instanceof KeyObject) ? (given as JWK) : undefined;
  const key = toPrivateKey(given, jwk);
  if (key === undefined) return { fault: 'it is no private key: give PEM text, a JWK or a key object' };
  const fitting = algorithmsOf(key);
  const chosen = algorithm ?? (typeof jwk?.alg === 'string' ? jwk.alg : undefined) ?? fitting[0];
  if (chosen === undefined || !fitting.includes(chosen)) {
    return {
      fault:
        fitting.length === 0
          ? 'it is too weak, or of an unknown kind'
          : `it signs with ${fitting.join(', ')} only: see algorithm`,
    };
  }
  return { key, algorithm: chosen, keyId: keyId ?? (typeof jwk?.kid === 'string' ? jwk.kid : undefined) };
}

function toPrivateKey(given: unknown, jwk: JWK | undefined): KeyObject | undefined {
  try {
    const key =
      given instanceof KeyObject
        ? given
        : createPrivateKey(jwk === undefined ? String(given) : { key: { ...jwk }, format: 'jwk' });
    return key.type === 'private' ? key : undefined;
  } catch {
    // What the parser says may quote the key.
    return undefined;
  }
}

function algorithmsOf(key: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') return modulusLength >= 2048 ? RSA_ALGORITHMS : [];
  return key.asymmetricKeyType === 'ed25519' ? ['EdDSA', 'Ed25519'] : (CURVE_ALGORITHMS[namedCurve] ?? []);
}
