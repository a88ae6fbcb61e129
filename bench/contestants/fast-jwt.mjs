import { createVerifier } from 'fast-jwt';
import buildGetJwks from 'get-jwks';
import { AUDIENCE } from '../tokens/access-token.mjs';
import { BearerTokenGuard } from './bearer-token-guard.mjs';
import { ScopeGuard } from './scope-guard.mjs';

/** `cached`: with fast-jwt's own cache of verified tokens. */
export function setUp({ issuer, variant }) {
  const jwks = buildGetJwks({ issuersWhitelist: [issuer], providerDiscovery: true });
  const verify = createVerifier({
    key: ({ header }) => jwks.getPublicKey({ kid: header.kid, alg: header.alg, domain: issuer }),
    algorithms: ['RS256', 'ES256'],
    allowedIss: issuer,
    allowedAud: AUDIENCE,
    cache: variant === 'cached',
  });
  return { guards: [new BearerTokenGuard(verify), new ScopeGuard()] };
}
