import { formatBasicCredentials } from '../../../protocol/client-credentials.js';
import type { ClientAuthentication } from '../../options/options.js';
import { askForText } from './ask-application.js';
import type { ClientAuthenticator } from './client-authenticator.js';

type SharedSecret = Extract<ClientAuthentication, { method: 'client_secret_basic' | 'client_secret_post' }>;

/** Id and secret in the header or in the body. @see RFC 6749 §2.3.1 */
export function sharedSecret(options: SharedSecret, rawBasicEncoding: boolean): ClientAuthenticator {
  return {
    async authenticate({ form, headers }, deadline) {
      const secret = await askForText(options.clientSecret, 'clientSecret', deadline);
      if (options.method === 'client_secret_basic') {
        headers.authorization = formatBasicCredentials(options.clientId, secret, rawBasicEncoding);
      } else {
        form.set('client_id', options.clientId);
        form.set('client_secret', secret);
      }
    },
  };
}
