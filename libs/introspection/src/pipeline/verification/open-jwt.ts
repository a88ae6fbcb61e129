import { parseUnverifiedJwt } from '../../protocol/compact-jwt.js';
import { InvalidTokenError } from '../../protocol/errors.js';
import type { PresentedToken } from '../presented-token.js';
import type { ResolvedIssuerOptions } from '../options/resolved-options.js';
import type { Decrypter } from './decryption.js';
import type { OpenedJwt } from './local-verifier.js';

/**
 * The JWT that a token is, or that is encrypted in it; `undefined` where the token is opaque to us. An encrypted JWT is
 * opaque where there are no keys for it.
 *
 * @throws {InvalidTokenError} for an encrypted token that is not allowed, not for us or broken, and for one that ought
 *   to be encrypted
 * @see RFC 9068 §4, RFC 7519 §5.2
 */
export async function openJwt(
  presented: PresentedToken,
  options: ResolvedIssuerOptions,
  decrypter: Decrypter | undefined,
): Promise<OpenedJwt | undefined> {
  const { token, unverifiedJwt } = presented;
  if (unverifiedJwt !== undefined) {
    if (options.encryptedTokens !== 'required') return { jws: token, jwt: unverifiedJwt };
    throw refusal('the token is not encrypted: see the option encryptedTokens');
  }
  if (decrypter === undefined || presented.unverifiedJweHeader === undefined) return undefined;
  if (options.encryptedTokens === 'refused') throw refusal('the token is encrypted: see the option encryptedTokens');
  const jws = await decrypter.decrypt(token);
  const jwt = jws === undefined ? undefined : parseUnverifiedJwt(jws);
  if (jws === undefined || jwt === undefined) {
    throw new InvalidTokenError('malformed', { detail: 'the encrypted token cannot be opened, or holds no signed JWT' });
  }
  return { jws, jwt };
}

function refusal(detail: string): InvalidTokenError {
  return new InvalidTokenError('type', { detail });
}
