import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import jwksRsa from 'jwks-rsa';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { AUDIENCE } from '../tokens/access-token.mjs';
import { ScopeGuard } from './scope-guard.mjs';

/** passport-jwt with the key provider of jwks-rsa, as both READMEs show. */
export function setUp({ issuer, jwksUri }) {
  class JwtStrategy extends PassportStrategy(Strategy) {
    constructor() {
      super({
        secretOrKeyProvider: jwksRsa.passportJwtSecret({ cache: true, rateLimit: true, jwksRequestsPerMinute: 5, jwksUri }),
        jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
        issuer,
        audience: AUDIENCE,
        algorithms: ['RS256', 'ES256'],
      });
    }
    validate(payload) {
      return payload;
    }
  }
  const JwtGuard = AuthGuard('jwt');
  return {
    imports: [{ module: PassportModule, providers: [JwtStrategy] }],
    guards: [new JwtGuard(), new ScopeGuard()],
  };
}
