import type { Deadline } from '../../deadline.js';
import type { ClientAuthentication } from '../../options/options.js';
import { askForText } from './ask-application.js';
import type { ClientAuthenticator } from './client-authenticator.js';

type Bearer = Extract<ClientAuthentication, { method: 'bearer' }>;

/**
 * An access token of our own. A function's answer is kept until the endpoint refuses it, and asked for once by however
 * many calls need it.
 *
 * @see RFC 7662 §2.1
 */
export function bearerToken(options: Bearer): ClientAuthenticator {
  const { token } = options;
  let kept: string | undefined;
  let pending: Promise<string> | undefined;
  let wasRejected = false;

  const ask = async (deadline: Deadline): Promise<string> => {
    const rejected = wasRejected;
    const answer = await askForText(typeof token === 'function' ? () => token({ rejected }) : token, 'token', deadline);
    wasRejected = false;
    kept = answer;
    return answer;
  };
  const current = (deadline: Deadline): Promise<string> => {
    pending ??= ask(deadline).finally(() => {
      pending = undefined;
    });
    return pending;
  };

  return {
    async authenticate({ headers }, deadline) {
      headers.authorization = `Bearer ${kept ?? (await current(deadline))}`;
    },
    renew({ headers }) {
      if (typeof token !== 'function') return false;
      // Another call may have renewed it while this one was under way.
      if (headers.authorization === `Bearer ${kept}`) {
        kept = undefined;
        wasRejected = true;
      }
      return true;
    },
  };
}
