import type { ServerResponse } from 'node:http';
import { CompactEncrypt, type CompactJWEHeaderParameters, type JWK, type KeyInput } from 'jose';
import type { AuthorizationServer, RawHandler } from './authorization-server.js';
import { compact, ownSigner, type Part } from './tokens.js';
import type { Signer } from './keys.js';

export const INTROSPECTION_JWT = 'application/token-introspection+jwt';

export interface SignedAnswer {
  /** Merged over the header; a member that is `undefined` is left out. */
  header?: Record<string, unknown>;
  /** Merged over the outer claims; a member that is `undefined` is left out. */
  outer?: Record<string, unknown>;
  /** Merged over T's claims with `active: true`. */
  inner?: Record<string, unknown>;
  /** In place of all claims. */
  payload?: Part;
  signature?: Signer | Buffer | '';
  alg?: 'RS256' | 'ES256' | 'PS256';
}

/** An answer as RFC 9701 has it, for the client `rs1`, or what a test makes of it. */
export function signedAnswer(as: AuthorizationServer, answer: SignedAnswer = {}): string {
  const { header = {}, outer = {}, inner = {}, payload, alg = 'RS256' } = answer;
  const claims = as.claims();
  const iat = Number(claims['exp']) - 300;
  const own = { active: true, token_type: 'Bearer', ...claims, ...inner };
  const full = { iss: as.issuer, aud: 'rs1', iat, token_introspection: own, ...outer };
  const kid = as.keys[alg === 'ES256' ? 'ES256' : 'RS256'].kid;
  const signature = answer.signature ?? ownSigner(as, alg);
  return compact({ alg, typ: 'token-introspection+jwt', kid, ...header }, payload ?? full, signature);
}

/** Wraps anything into a JWE. */
export function encrypted(
  plaintext: string,
  key: KeyInput | JWK,
  header: Partial<CompactJWEHeaderParameters> = {},
): Promise<string> {
  const full = { alg: 'ECDH-ES', enc: 'A128CBC-HS256', cty: 'JWT', ...header };
  return new CompactEncrypt(new TextEncoder().encode(plaintext)).setProtectedHeader(full).encrypt(key);
}

export function asIntrospectionJwt(response: ServerResponse, body: string, contentType: string = INTROSPECTION_JWT): void {
  response.writeHead(200, { 'content-type': contentType }).end(body);
}

/** Answers with these very bytes. */
export const says =
  (body: string, contentType?: string): RawHandler =>
  (_request, response) =>
    asIntrospectionJwt(response, body, contentType);
