import { compactVerify } from 'jose';
import type { VerificationKey } from './jwk.js';

/**
 * Whether a compact JWS was signed with one of the keys, by exactly this algorithm.
 *
 * Not checked: the header; what it may say is decided before. A key is used only with algorithms that fit it.
 *
 * @see RFC 7515 §5.2
 */
export async function isSignedByOneOf(jws: string, algorithm: string, keys: readonly VerificationKey[]): Promise<boolean> {
  for (const { key } of keys) {
    if (key !== undefined && (await isSignedBy(jws, algorithm, key))) return true;
  }
  return false;
}

async function isSignedBy(jws: string, algorithm: string, key: NonNullable<VerificationKey['key']>): Promise<boolean> {
  try {
    await compactVerify(jws, key, { algorithms: [algorithm] });
    return true;
  } catch {
    // Whatever fails in verifying a signature, the token is not verified (RFC 8725 §3.3).
    return false;
  }
}
