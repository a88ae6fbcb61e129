import { InvalidTokenError } from '../../protocol/errors.js';
import { isJsonObject, type JsonObject } from '../../protocol/json.js';
import { isDPoPToken } from '../../protocol/token-purpose.js';

/**
 * Refuses tokens that are bound to a key or certificate whose possession nobody has shown: ignoring a binding would turn
 * a token that is worthless to a thief into one that is not. Any confirmation method is unknown here, so any refuses.
 *
 * @throws {InvalidTokenError} reason `binding`
 * @see RFC 7800 §3.1, RFC 9449 §7.2
 */
export function assertSenderConstraint(claims: JsonObject): void {
  if (isDPoPToken(claims))
    throw new InvalidTokenError('binding', {
      detail: 'the token is for the DPoP scheme, which is not supported in this version',
    });
  if (!Object.hasOwn(claims, 'cnf')) return;
  const { cnf } = claims;
  if (isJsonObject(cnf) && Object.keys(cnf).length === 0) return;
  throw new InvalidTokenError('binding', {
    detail: 'the token is sender-constrained (cnf), which is not supported in this version',
  });
}
