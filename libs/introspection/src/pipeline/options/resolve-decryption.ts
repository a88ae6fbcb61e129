import { createPrivateKey, type JsonWebKey } from 'node:crypto';
import type { JWK } from 'jose';
import { KEY_MANAGEMENT } from '../keys/key-management.js';
import type { OptionGroup } from './option-group.js';

/** Checks the keys for encrypted tokens and responses, and whether access tokens may be encrypted. */
export function resolveDecryption(options: OptionGroup): {
  decryptionKeys: readonly JWK[];
  encryptedTokens: 'refused' | 'allowed' | 'required';
} {
  const keys = options.given('decryptionKeys', []);
  const isList = Array.isArray(keys) && (keys.length > 0 || !options.has('decryptionKeys'));
  if (!isList || !keys.every(isPrivateKey)) {
    options.refuse('decryptionKeys', 'give a list of private JWKs for decryption (RSA, EC or OKP)');
  }
  const encryptedTokens = options.oneOf('encryptedTokens', ['refused', 'allowed', 'required'], 'refused');
  if (encryptedTokens !== 'refused' && !options.has('decryptionKeys')) {
    options.refuse('encryptedTokens', 'give decryptionKeys, or leave it out');
  }
  if (encryptedTokens === 'required' && options.get('verification') === 'remote') {
    options.refuse('encryptedTokens', "with verification: 'remote' no token is opened here: leave it out");
  }
  return { decryptionKeys: Array.isArray(keys) ? (keys as JWK[]) : [], encryptedTokens };
}

function isPrivateKey(key: unknown): boolean {
  if (typeof key !== 'object' || key === null) return false;
  const { kty, d, use, alg } = key as Partial<JWK>;
  const isForDecryption = use !== 'sig' && (alg === undefined || KEY_MANAGEMENT.includes(alg));
  return isForDecryption && typeof d === 'string' && (kty === 'RSA' || kty === 'EC' || kty === 'OKP') && isReadable(key);
}

function isReadable(key: object): boolean {
  try {
    createPrivateKey({ key: key as JsonWebKey, format: 'jwk' });
    return true;
  } catch {
    // What the parser says may quote the key.
    return false;
  }
}
