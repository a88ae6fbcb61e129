import { IntrospectionGuard, IntrospectionModule, Scopes } from 'nestjs-introspection';
import { AUDIENCE } from '../tokens/access-token.mjs';

/** Ours: default options. `local` is for tokens that are never asked about. */
export function setUp({ issuer, variant }) {
  const remote = {
    clientAuthentication: { method: 'client_secret_basic', clientId: 'api', clientSecret: 'secret' },
    cache: { ttlMs: 60_000 },
  };
  return {
    imports: [
      IntrospectionModule.forRoot({
        issuer,
        audience: AUDIENCE,
        allowInsecureHttp: true,
        ...(variant === 'local' ? { verification: 'local' } : remote),
      }),
    ],
    globalGuards: [IntrospectionGuard],
    decorators: [Scopes('read')],
  };
}
