import type { KeyObject } from 'node:crypto';
import { compactVerify } from 'jose';
import type { VerificationKey } from '../keys/jwk.js';

/**
 * The key among these with which a compact JWS was signed, by exactly this algorithm; `undefined` where none is.
 *
 * Not checked: the header; what it may say is decided before. A key is used only with algorithms that fit it.
 *
 * @see RFC 7515 §5.2
 */
export async function findSigningKey(
  jws: string,
  algorithm: string,
  keys: readonly VerificationKey[],
): Promise<KeyObject | undefined> {
  for (const { key } of keys) {
    if (key !== undefined && (await isSignedBy(jws, algorithm, key))) return key;
  }
  return undefined;
}

async function isSignedBy(jws: string, algorithm: string, key: KeyObject): Promise<boolean> {
  try {
    await compactVerify(jws, key, { algorithms: [algorithm] });
    return true;
  } catch {
    // Whatever fails in verifying a signature, the token is not verified (RFC 8725 §3.3).
    return false;
  }
}
