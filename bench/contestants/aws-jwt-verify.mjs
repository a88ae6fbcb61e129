import { JwtVerifier } from 'aws-jwt-verify';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import { AUDIENCE } from '../tokens/access-token.mjs';
import { BearerTokenGuard } from './bearer-token-guard.mjs';
import { ScopeGuard } from './scope-guard.mjs';

/** Its own fetcher speaks https only; the README shows how to bring another. */
const fetcher = {
  async fetch(uri) {
    return (await fetch(uri)).arrayBuffer();
  },
};

export function setUp({ issuer, jwksUri }) {
  const verifier = JwtVerifier.create({ issuer, audience: AUDIENCE, jwksUri }, { jwksCache: new SimpleJwksCache({ fetcher }) });
  return { guards: [new BearerTokenGuard((token) => verifier.verify(token)), new ScopeGuard()] };
}
