import { createPrivateKey, sign } from 'node:crypto';

const DIGESTS = { RS256: 'sha256', ES256: 'sha256', EdDSA: null };
const keyObjects = new WeakMap();

/**
 * A JWT under a private JWK.
 *
 * @param {Record<string, unknown>} claims
 * @param {{ kid: string, alg: string }} privateJwk
 * @param {Record<string, unknown>} [header] over `alg`, `typ` and `kid`
 */
export function signJwt(claims, privateJwk, header = {}) {
  const { kid, alg } = privateJwk;
  const input = `${encode({ alg, typ: 'at+jwt', kid, ...header })}.${encode(claims)}`;
  const signature = sign(DIGESTS[alg], Buffer.from(input), { key: keyObjectOf(privateJwk), dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

/** A JWT without a signature. */
export function unsignedJwt(claims) {
  return `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claims)}.`;
}

function keyObjectOf(privateJwk) {
  let key = keyObjects.get(privateJwk);
  if (key === undefined) {
    key = createPrivateKey({ key: privateJwk, format: 'jwk' });
    keyObjects.set(privateJwk, key);
  }
  return key;
}

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
