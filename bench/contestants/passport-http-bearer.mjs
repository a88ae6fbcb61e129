import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Strategy } from 'passport-http-bearer';
import { AUDIENCE } from '../tokens/access-token.mjs';
import { ScopeGuard } from './scope-guard.mjs';

/** The strategy that applications write by hand. */
export function setUp({ issuer, jwksUri }) {
  const keySet = createRemoteJWKSet(new URL(jwksUri));

  class BearerStrategy extends PassportStrategy(Strategy, 'bearer') {
    async validate(token) {
      try {
        const { payload } = await jwtVerify(token, keySet, { issuer, audience: AUDIENCE });
        return payload;
      } catch {
        return false;
      }
    }
  }
  const BearerGuard = AuthGuard('bearer');
  return {
    imports: [{ module: PassportModule, providers: [BearerStrategy] }],
    guards: [new BearerGuard(), new ScopeGuard()],
  };
}
