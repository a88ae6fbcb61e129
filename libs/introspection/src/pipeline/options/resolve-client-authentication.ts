import type { ClientAuthentication } from './options.js';
import type { OptionGroup } from './option-group.js';

const METHODS = ['client_secret_basic', 'client_secret_post'];
const LATER_METHODS = [
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'bearer',
  'none',
];

/** Checks how we authenticate at the introspection endpoint. There is no default method (RFC 8414 §2). */
export function resolveClientAuthentication(options: OptionGroup): ClientAuthentication | undefined {
  if (!options.has('clientAuthentication')) return undefined;
  const group = options.group('clientAuthentication');
  const method = group.get('method');
  if (LATER_METHODS.includes(method as string)) {
    group.refuse('method', `not supported in this version: give one of ${METHODS.join(', ')}`);
    return undefined;
  }
  group.allowOnly(['method', 'clientId', 'clientSecret']);
  if (!METHODS.includes(method as string)) {
    group.refuse('method', `there is no default: give one of ${METHODS.join(', ')}`);
  }
  const clientId = group.get('clientId');
  if (typeof clientId !== 'string' || clientId === '') group.refuse('clientId', 'give the client id of this resource server');
  const clientSecret = group.get('clientSecret');
  if (typeof clientSecret !== 'function' && (typeof clientSecret !== 'string' || clientSecret === '')) {
    group.refuse('clientSecret', 'give the client secret or a function that answers it; is the environment variable set?');
  }
  return { method, clientId, clientSecret } as ClientAuthentication;
}
