import { createResourceServer } from 'nestjs-introspection/core';
import { AUDIENCE } from '../tokens/access-token.mjs';

/** Our engine without Nest, for an authorization server on the loopback interface. */
export function createEngine({ issuer, introspectionEndpoint, keySet }, options) {
  return createResourceServer({
    issuer,
    introspectionEndpoint,
    jwks: keySet,
    audience: AUDIENCE,
    allowInsecureHttp: true,
    ...options,
  });
}

/** How the engine is known at the introspection endpoint. */
export const CLIENT = { method: 'client_secret_basic', clientId: 'api', clientSecret: 'secret' };

export function requestWith(token) {
  return { method: 'GET', url: '/albums', headers: { authorization: `Bearer ${token}` } };
}
