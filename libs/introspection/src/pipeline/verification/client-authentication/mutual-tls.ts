import { IntrospectionUnavailableError } from '../../../protocol/authorization-server-errors.js';
import type { ResolvedHttpOptions } from '../../options/resolved-options.js';
import type { ClientAuthentication } from '../../options/options.js';
import { HttpClient } from '../../outbound/http-client.js';
import { askForText } from './ask-application.js';
import type { ClientAuthenticator } from './client-authenticator.js';

type MutualTls = Extract<ClientAuthentication, { method: 'tls_client_auth' | 'self_signed_tls_client_auth' }>;

/**
 * Our certificate on the connection, and the client id in the body. A rotated certificate gets connections of its own;
 * calls under way end on the old ones.
 *
 * @see RFC 8705 §2
 */
export function mutualTls(options: MutualTls, http: ResolvedHttpOptions): ClientAuthenticator {
  let current: { readonly certificate: string; readonly key: string; readonly client: HttpClient } | undefined;
  return {
    async authenticate({ form }) {
      form.set('client_id', options.clientId);
    },
    async transport(deadline) {
      if (http.fetch !== undefined || http.dispatcher !== undefined) {
        throw new IntrospectionUnavailableError({
          detail: 'mutual TLS needs our connections: leave http.fetch and http.dispatcher out',
        });
      }
      const certificate = await askForText(options.certificate, 'certificate', deadline);
      const key = await askForText(options.key, 'key', deadline);
      if (current === undefined || current.certificate !== certificate || current.key !== key) {
        current?.client.drain().catch(() => {});
        current = { certificate, key, client: new HttpClient(http, { cert: certificate, key }) };
      }
      return current.client;
    },
    async close() {
      await current?.client.drain();
    },
  };
}
