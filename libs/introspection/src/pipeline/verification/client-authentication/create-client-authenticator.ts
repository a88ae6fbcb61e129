import type { Clock } from '../../clock.js';
import type { ResolvedHttpOptions, ResolvedIssuerOptions } from '../../options/resolved-options.js';
import { bearerToken } from './bearer-token.js';
import { clientAssertion } from './client-assertion.js';
import type { ClientAuthenticator } from './client-authenticator.js';
import { mutualTls } from './mutual-tls.js';
import { sharedSecret } from './shared-secret.js';

/** Makes the authenticator for the configured method; `undefined` where none is configured. */
export function createClientAuthenticator(
  options: ResolvedIssuerOptions,
  http: ResolvedHttpOptions,
  clock: Clock,
): ClientAuthenticator | undefined {
  const { clientAuthentication: authentication, compatibility, issuer } = options;
  switch (authentication?.method) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return sharedSecret(authentication, compatibility.rawBasicEncoding);
    case 'client_secret_jwt':
    case 'private_key_jwt':
      return clientAssertion(authentication, issuer, clock);
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return mutualTls(authentication, http);
    case 'bearer':
      return bearerToken(authentication);
    case 'none':
      return { authenticate: () => Promise.resolve() };
    case undefined:
      return undefined;
  }
}
