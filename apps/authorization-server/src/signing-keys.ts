import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'oidc-provider';

const generate = promisify(generateKeyPair);

/** A fresh RSA and a fresh EC key pair, as private JWKs. */
export async function createSigningKeys(): Promise<JWK[]> {
  const [rsa, ec] = await Promise.all([generate('rsa', { modulusLength: 2048 }), generate('ec', { namedCurve: 'P-256' })]);
  // A key id must never name two keys, or a resource server that outlives a restart keeps checking with the old one.
  const keyId = () => randomBytes(6).toString('base64url');
  return [
    { ...rsa.privateKey.export({ format: 'jwk' }), kid: keyId(), use: 'sig', alg: 'RS256' },
    { ...ec.privateKey.export({ format: 'jwk' }), kid: keyId(), use: 'sig', alg: 'ES256' },
  ] as JWK[];
}
