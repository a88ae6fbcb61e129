import {
  CompactSign,
  exportJWK,
  generateKeyPair,
  type CompactJWSHeaderParameters,
  type CryptoKey,
  type GenerateKeyPairResult,
  type JWK,
} from 'jose';

export type SigningAlgorithm = 'ES256' | 'RS256';

export interface SigningKey {
  kid: string;
  alg: SigningAlgorithm;
  privateKey: CryptoKey;
  publicJwk: JWK;
}

export interface SignOptions {
  /** Merged over `{ alg, typ: 'at+jwt', kid }`; a member that is `undefined` is left out. */
  header?: Record<string, unknown>;
  key?: CryptoKey | Uint8Array;
  alg?: string;
}

export interface SigningKeys {
  ES256: SigningKey;
  RS256: SigningKey;
  /** What `/jwks` serves. */
  publicKeySet(): { keys: JWK[] };
  sign(payload: unknown, options?: SignOptions): Promise<string>;
  /** Lets the next server that starts have the RSA key. */
  release(): void;
}

/** An RSA key takes longer than most tests: servers that live at the same time have different ones, later ones may inherit. */
const releasedRsaPairs: GenerateKeyPairResult[] = [];
let generated = 0;

export async function generateSigningKey(alg: SigningAlgorithm, kid?: string): Promise<SigningKey> {
  return describeKey(alg, await generateKeyPair(alg, { extractable: true }), kid);
}

async function describeKey(
  alg: SigningAlgorithm,
  { privateKey, publicKey }: GenerateKeyPairResult,
  kid = `${alg.toLowerCase()}-${++generated}`,
): Promise<SigningKey> {
  return { kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export async function generateSigningKeys(): Promise<SigningKeys> {
  const rsaPair = releasedRsaPairs.pop() ?? (await generateKeyPair('RS256', { extractable: true }));
  const [ES256, RS256] = await Promise.all([generateSigningKey('ES256'), describeKey('RS256', rsaPair)]);
  return {
    ES256,
    RS256,
    publicKeySet: () => ({ keys: [ES256.publicJwk, RS256.publicJwk] }),
    sign: (payload, { header = {}, key, alg = 'ES256' } = {}) => {
      const own = alg === 'RS256' ? RS256 : ES256;
      const bytes = new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload));
      const full = { alg, typ: 'at+jwt', kid: own.kid, ...header };
      return new CompactSign(bytes).setProtectedHeader(full as CompactJWSHeaderParameters).sign(key ?? own.privateKey);
    },
    release: () => {
      if (!releasedRsaPairs.includes(rsaPair)) releasedRsaPairs.push(rsaPair);
    },
  };
}
