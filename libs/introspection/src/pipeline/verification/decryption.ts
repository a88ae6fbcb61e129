import { compactDecrypt, importJWK, type JWK } from 'jose';
import { isNested, parseUnverifiedJweHeader } from '../../protocol/compact-jwt.js';
import { KEY_MANAGEMENT } from '../keys/key-management.js';
import { decodeUtf8, type JsonObject, member } from '../../protocol/json.js';

const CONTENT_ENCRYPTION = ['A128GCM', 'A192GCM', 'A256GCM', 'A128CBC-HS256', 'A192CBC-HS384', 'A256CBC-HS512'];
/** A JWE without `kid` is tried with so many keys at most. */
const MAX_TRIED = 4;

/** Opens encrypted JWTs with the resource server's private keys. What comes out is not verified. */
export class Decrypter {
  constructor(private readonly keys: readonly JWK[]) {}

  /**
   * Decrypts a compact JWE. Every failure looks the same (RFC 7516 §11.5).
   *
   * Not checked: anything about the content. Compressed content (`zip`) is refused.
   *
   * @returns the text that was encrypted, or `undefined`
   */
  async decrypt(jwe: string): Promise<string | undefined> {
    const header = parseUnverifiedJweHeader(jwe);
    if (header === undefined || !isAcceptable(header)) return undefined;
    for (const key of this.#candidates(header)) {
      const text = await open(jwe, key, String(header.alg));
      if (text !== undefined) return text;
    }
    return undefined;
  }

  /** Whether a key with the JWE's `kid` is here, or a JWE names none. */
  mayDecrypt(header: JsonObject): boolean {
    return this.#candidates(header).length > 0;
  }

  #candidates(header: JsonObject): readonly JWK[] {
    const kid = member(header, 'kid');
    const kty = String(header.alg).startsWith('RSA') ? ['RSA'] : ['EC', 'OKP'];
    return this.keys
      .filter((key) => kty.includes(key.kty ?? '') && (key.alg === undefined || key.alg === header.alg))
      .filter((key) => kid === undefined || key.kid === undefined || key.kid === kid)
      .slice(0, MAX_TRIED);
  }
}

function isAcceptable(header: JsonObject): boolean {
  const hasExtensions = Object.hasOwn(header, 'zip') || Object.hasOwn(header, 'crit');
  const isNestedOrSilent = !Object.hasOwn(header, 'cty') || isNested(header);
  return (
    !hasExtensions &&
    isNestedOrSilent &&
    KEY_MANAGEMENT.includes(header.alg as string) &&
    CONTENT_ENCRYPTION.includes(header.enc as string)
  );
}

async function open(jwe: string, jwk: JWK, algorithm: string): Promise<string | undefined> {
  try {
    const key = await importJWK(jwk, algorithm);
    const options = { keyManagementAlgorithms: [algorithm], contentEncryptionAlgorithms: CONTENT_ENCRYPTION };
    return decodeUtf8((await compactDecrypt(jwe, key, options)).plaintext);
  } catch {
    // Which step failed is for nobody to know: it would be an oracle.
    return undefined;
  }
}
