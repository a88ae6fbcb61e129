import { constants, createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto';
import type { VerificationKey } from '../keys/jwk.js';

/** How one algorithm is verified. @see RFC 7518 §3, RFC 8037 §3.1 */
interface Method {
  /** `undefined`: the algorithm hashes by itself. */
  readonly digest: string | undefined;
  readonly kind: 'rsa' | 'rsa-pss' | 'ecdsa' | 'eddsa' | 'hmac';
}

const METHODS: ReadonlyMap<string, Method> = new Map([
  ...['256', '384', '512'].flatMap((size): [string, Method][] => [
    [`RS${size}`, { digest: `sha${size}`, kind: 'rsa' }],
    [`PS${size}`, { digest: `sha${size}`, kind: 'rsa-pss' }],
    [`ES${size}`, { digest: `sha${size}`, kind: 'ecdsa' }],
    [`HS${size}`, { digest: `sha${size}`, kind: 'hmac' }],
  ]),
  ['EdDSA', { digest: undefined, kind: 'eddsa' }],
  ['Ed25519', { digest: undefined, kind: 'eddsa' }],
]);

/**
 * The key among these with which a compact JWS was signed, by exactly this algorithm; `undefined` where none is.
 *
 * Not checked: the header; what it may say is decided before. That a key fits the algorithm: the key set offers no other.
 *
 * @param jws three parts, whose alphabet is known to be base64url
 * @see RFC 7515 §5.2
 */
export function findSigningKey(jws: string, algorithm: string, keys: readonly VerificationKey[]): KeyObject | undefined {
  const method = METHODS.get(algorithm);
  if (method === undefined) return undefined;
  const end = jws.lastIndexOf('.');
  const signed = Buffer.from(jws.slice(0, end), 'latin1');
  const signature = Buffer.from(jws.slice(end + 1), 'base64url');
  return keys.find(({ key }) => key !== undefined && isSignedBy(signed, signature, method, key))?.key;
}

function isSignedBy(signed: Buffer, signature: Buffer, { digest, kind }: Method, key: KeyObject): boolean {
  try {
    switch (kind) {
      case 'hmac': {
        const expected = createHmac(digest ?? '', key)
          .update(signed)
          .digest();
        return expected.length === signature.length && timingSafeEqual(expected, signature);
      }
      case 'ecdsa':
        return verify(digest, signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
      case 'rsa-pss': {
        const padding = constants.RSA_PKCS1_PSS_PADDING;
        return verify(digest, signed, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature);
      }
      default:
        return verify(digest, signed, key, signature);
    }
  } catch {
    // Whatever fails in verifying a signature, the token is not verified (RFC 8725 §3.3).
    return false;
  }
}
