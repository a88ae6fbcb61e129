import { createPublicKey, KeyObject, randomBytes, type webcrypto } from 'node:crypto';
import type { AuthorizationServer } from './authorization-server.js';
import { signer, type Signer, type TestKey } from './keys.js';

/** JSON, the text as it stands, or the bytes as they stand. */
export type Part = Record<string, unknown> | unknown[] | string | Buffer;

export function encodePart(part: Part): string {
  if (Buffer.isBuffer(part)) return part.toString('base64url');
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

/** A compact JWS from any bytes: nothing here asks whether it makes sense. */
export function compact(header: Part, payload: Part, signature: Signer | Buffer | ''): string {
  const input = `${encodePart(header)}.${encodePart(payload)}`;
  const bytes = typeof signature === 'function' ? signature(Buffer.from(input)) : Buffer.from(signature);
  return `${input}.${bytes.toString('base64url')}`;
}

/** The header that the authorization server itself would write. */
export function ownHeader(as: AuthorizationServer, overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return { alg: 'ES256', typ: 'at+jwt', kid: as.keys.ES256.kid, ...overrides };
}

/** T's claims as a complete RFC 9068 payload; a claim that is `undefined` is left out. */
export function ownClaims(as: AuthorizationServer, overrides: Record<string, unknown> = {}): Record<string, unknown> {
  const claims = as.claims();
  return { ...claims, iat: Number(claims['exp']) - 300, jti: randomBytes(8).toString('hex'), ...overrides };
}

/** Signs with the authorization server's own key, whatever the header says. */
export function ownSigner(as: AuthorizationServer, alg: 'ES256' | 'RS256' | 'PS256' = 'ES256'): Signer {
  return signer(alg, ownPrivateKey(as, alg === 'ES256' ? 'ES256' : 'RS256'));
}

export function ownPrivateKey(as: AuthorizationServer, name: 'ES256' | 'RS256' = 'ES256'): KeyObject {
  return KeyObject.from(as.keys[name].privateKey as webcrypto.CryptoKey);
}

/** The public key of the authorization server in the encodings that key confusion has been tried with. */
export function publicKeyTexts(as: AuthorizationServer): Record<string, string | Buffer> {
  const { publicJwk } = as.keys.RS256;
  const publicKey = createPublicKey(ownPrivateKey(as, 'RS256'));
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  return {
    PEM: pem,
    'PEM without its last line end': pem.trimEnd(),
    'PEM after a byte order mark': `\uFEFF${pem}`,
    'PEM after a zero-width space': `\u200B${pem}`,
    'PEM after blanks': ` \n${pem}`,
    'PEM after a comment': `# key\n${pem}`,
    'PKCS #1 PEM': publicKey.export({ format: 'pem', type: 'pkcs1' }).toString(),
    DER: publicKey.export({ format: 'der', type: 'spki' }),
    'JWK text': JSON.stringify(publicJwk),
    'key set text': JSON.stringify(as.keySet),
    modulus: Buffer.from(publicJwk.n ?? '', 'base64url'),
    'empty key': '',
  };
}

/** A JWT with T's claims by a key of the test's own, published or not. */
export function signedBy(
  as: AuthorizationServer,
  key: TestKey,
  alg: string,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): string {
  const full = { alg, typ: 'at+jwt', kid: key.kid, ...header };
  return compact(full, ownClaims(as, claims), signer(alg, key.privateKey));
}

/** The same token with one bit of one part flipped; the part stays base64url. */
export function flipBit(token: string, part: 0 | 1 | 2, bit: number): string {
  const parts = token.split('.');
  const bytes = Buffer.from(parts[part] ?? '', 'base64url');
  const at = Math.floor(bit / 8) % bytes.length;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8));
  parts[part] = bytes.toString('base64url');
  return parts.join('.');
}
