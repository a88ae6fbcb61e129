import { randomUUID } from 'node:crypto';
import { signJwt, unsignedJwt } from './sign-jwt.mjs';

export const AUDIENCE = 'https://albums.example.com';
const LIFETIME_SECONDS = 3600;

/**
 * Every kind of token that is sent, made anew at each call. `settings` has the issuer, its keys, and a stranger's.
 *
 * @type {Record<string, (settings: { issuer: string, keys: any, foreignKeys: any }) => string>}
 */
export const TOKEN_KINDS = {
  RS256: (settings) => signJwt(claims(settings), settings.keys.RS256.privateJwk),
  ES256: (settings) => signJwt(claims(settings), settings.keys.ES256.privateJwk),
  EdDSA: (settings) => signJwt(claims(settings), settings.keys.EdDSA.privateJwk),
  expired: (settings) => signJwt(claims(settings, { exp: nowSeconds() - 600 }), settings.keys.RS256.privateJwk),
  'bad signature': ({ keys, foreignKeys, ...settings }) =>
    signJwt(claims(settings), foreignKeys.RS256.privateJwk, { kid: keys.RS256.privateJwk.kid }),
  'unknown key': (settings) => signJwt(claims(settings), settings.foreignKeys.RS256.privateJwk),
  'wrong audience': (settings) => signJwt(claims(settings, { aud: 'https://other.example.com' }), settings.keys.RS256.privateJwk),
  'wrong issuer': (settings) => signJwt(claims(settings, { iss: 'http://127.0.0.1:1' }), settings.keys.RS256.privateJwk),
  'missing scope': (settings) => signJwt(claims(settings, { scope: 'write' }), settings.keys.RS256.privateJwk),
  'alg none': (settings) => unsignedJwt(claims(settings)),
  'ID token': (settings) => {
    const identity = { scope: undefined, client_id: undefined, jti: undefined, nonce: randomUUID(), at_hash: 'MTIzNDU2Nzg5MGFi' };
    return signJwt(claims(settings, identity), settings.keys.RS256.privateJwk, { typ: 'JWT' });
  },
  garbage: () => `garbage-${randomUUID()}`,
  // The authorization server reads what to answer from the start of an opaque token.
  opaque: () => `opaque-${randomUUID()}`,
  'opaque, inactive': () => `inactive-${randomUUID()}`,
  'opaque, expired': () => `expired-${randomUUID()}`,
  'opaque, wrong audience': () => `audience-${randomUUID()}`,
  'opaque, wrong issuer': () => `issuer-${randomUUID()}`,
  'opaque, missing scope': () => `scope-${randomUUID()}`,
  'opaque, active: "true"': () => `text-${randomUUID()}`,
  'opaque, answered with 500': () => `error-${randomUUID()}`,
  'opaque, our client refused': () => `client-${randomUUID()}`,
};

/** The claims of a good access token (RFC 9068 §2.2). */
export function claims({ issuer }, overrides = {}) {
  const iat = nowSeconds();
  return {
    iss: issuer,
    aud: AUDIENCE,
    sub: 'user-1',
    client_id: 'client-1',
    scope: 'read profile',
    iat,
    exp: iat + LIFETIME_SECONDS,
    jti: randomUUID(),
    ...overrides,
  };
}

function nowSeconds() {
  return Math.floor(Date.now() / 1000);
}
