import { createCache } from 'cache-manager';
import introspection from 'token-introspection';
import { BearerTokenGuard } from './bearer-token-guard.mjs';
import { ScopeGuard } from './scope-guard.mjs';

/** `cached`: behind cache-manager, as applications put it there. */
export function setUp({ introspectionEndpoint, variant }) {
  const introspect = introspection({ endpoint: introspectionEndpoint, client_id: 'api', client_secret: 'secret' });
  const cache = createCache({ ttl: 60_000 });
  const verify = variant === 'cached' ? (token) => cache.wrap(token, () => introspect(token)) : (token) => introspect(token);
  return { guards: [new BearerTokenGuard(verify), new ScopeGuard()] };
}
