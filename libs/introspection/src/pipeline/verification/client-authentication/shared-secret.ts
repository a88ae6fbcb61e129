import { formatBasicCredentials } from '../../../protocol/client-credentials.js';
import type { ClientAuthentication } from '../../options/options.js';
import { askForText } from './ask-application.js';
import type { ClientAuthenticator } from './client-authenticator.js';

type SharedSecret = Extract<ClientAuthentication, { method: 'client_secret_basic' | 'client_secret_post' }>;

/** Id and secret in the header or in the body. @see RFC 6749 §2.3.1 */
export function sharedSecret(options: SharedSecret, rawBasicEncoding: boolean): ClientAuthenticator {
  const { method, clientId, clientSecret } = options;
  const isFixed = method === 'client_secret_basic' && typeof clientSecret === 'string';
  const fixed = isFixed ? formatBasicCredentials(clientId, clientSecret, rawBasicEncoding) : undefined;
  return {
    async authenticate({ form, headers }, deadline) {
      if (fixed !== undefined) {
        headers.authorization = fixed;
        return;
      }
      const secret = await askForText(clientSecret, 'clientSecret', deadline);
      if (method === 'client_secret_basic') {
        headers.authorization = formatBasicCredentials(clientId, secret, rawBasicEncoding);
      } else {
        form.set('client_id', clientId);
        form.set('client_secret', secret);
      }
    },
  };
}
