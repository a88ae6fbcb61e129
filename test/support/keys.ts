import { createHmac, generateKeyPair, generateKeyPairSync, KeyObject, randomBytes, sign, type JsonWebKey } from 'node:crypto';
import { promisify } from 'node:util';

/** Makes the signature over the bytes of `header.payload`. */
export type Signer = (input: Buffer) => Buffer;

/** A key pair that any test may publish, hide or misuse. */
export interface TestKey {
  kid: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  /** The public half with `kid` and nothing else, so that a test says what it publishes. */
  jwk: JsonWebKey & { kid: string };
}

const HASHES: Record<string, string> = { 256: 'sha256', 384: 'sha384', 512: 'sha512' };
const generateRsa = promisify(generateKeyPair) as unknown as (
  type: 'rsa',
  options: { modulusLength: number },
) => Promise<{ privateKey: KeyObject; publicKey: KeyObject }>;
let generated = 0;

function testKey(pair: { privateKey: KeyObject; publicKey: KeyObject }, kid = `key-${++generated}`): TestKey {
  return { kid, ...pair, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid } };
}

export function ecKey(namedCurve: 'P-256' | 'P-384' | 'P-521' = 'P-256', kid?: string): TestKey {
  return testKey(generateKeyPairSync('ec', { namedCurve }), kid);
}

export function edKey(curve: 'ed25519' | 'ed448' = 'ed25519', kid?: string): TestKey {
  const pair = curve === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ed448');
  return testKey(pair, kid);
}

export async function rsaKey(modulusLength = 2048, kid?: string): Promise<TestKey> {
  return testKey(await generateRsa('rsa', { modulusLength }), kid);
}

/** A symmetric key as a JWK. */
export function octKey(bytes: number | Buffer, kid = `oct-${++generated}`): JsonWebKey & { kid: string } {
  const secret = typeof bytes === 'number' ? randomBytes(bytes) : bytes;
  return { kty: 'oct', k: secret.toString('base64url'), kid };
}

/** The signer of a JOSE algorithm; it does not care whether key and algorithm fit, as a forger would not. */
export function signer(alg: string, key: KeyObject): Signer {
  const hash = HASHES[alg.slice(2)] ?? null;
  const pss = alg.startsWith('PS') ? { padding: 6, saltLength: -1 } : {};
  return (input) => sign(hash, input, { key, dsaEncoding: 'ieee-p1363', ...pss });
}

/** ECDSA in the form that X.509 uses and JOSE forbids. */
export function derSigner(alg: string, key: KeyObject): Signer {
  return (input) => sign(HASHES[alg.slice(2)] ?? null, input, { key, dsaEncoding: 'der' });
}

export function macSigner(alg: string, secret: string | Buffer): Signer {
  return (input) =>
    createHmac(HASHES[alg.slice(2)] ?? 'sha256', secret)
      .update(input)
      .digest();
}
