import {
  createResourceServer,
  type AccessTokenPrincipal,
  type IntrospectionEvent,
  type Requirement,
  type ResourceServer,
} from 'nestjs-introspection/core';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { AUDIENCE, startAuthorizationServer, type AuthorizationServer } from './authorization-server.js';

export type Mode = 'local' | 'remote' | 'hybrid' | 'both';
export const MODES: readonly Mode[] = ['local', 'remote', 'hybrid', 'both'];

export interface Opened {
  readonly server: ResourceServer;
  readonly events: IntrospectionEvent[];
}

export interface Judging {
  as: AuthorizationServer;
  /** A resource server with the keys at hand, closed with the rest. */
  open(mode: Mode, options?: Record<string, unknown>): Opened;
  /**
   * Who verified a token, or why it was refused, and how often the authorization server was asked. The operator is told
   * something about every refusal.
   */
  judge(token: string, by: Mode | Opened, requirement?: Requirement): Promise<string>;
  /** Makes the authorization server call a token active. */
  active(token: string, members?: Record<string, unknown>): string;
}

/** One authorization server, and a resource server for each mode of verification. */
export function judgingFixture(): Judging {
  const opened: Opened[] = [];
  const byMode = new Map<Mode, Opened>();
  const fixture: Omit<Judging, 'as'> & { as?: AuthorizationServer } = {
    open: (mode, options = {}) => {
      const as = fixture.as as AuthorizationServer;
      const events: IntrospectionEvent[] = [];
      const server = createResourceServer({
        issuer: as.issuer,
        audience: AUDIENCE,
        verification: mode,
        discovery: false,
        introspectionEndpoint: as.introspectionEndpoint,
        clientAuthentication: { method: 'none' },
        allowInsecureHttp: true,
        onEvent: (event) => events.push(event),
        ...(options['jwksUri'] === undefined && { jwks: as.keys.publicKeySet() }),
        ...options,
      } as Parameters<typeof createResourceServer>[0]);
      opened.push({ server, events });
      return { server, events };
    },
    judge: async (token, by, requirement) => {
      const as = fixture.as as AuthorizationServer;
      const own = typeof by === 'string' ? (byMode.get(by) ?? fixture.open(by)) : by;
      if (typeof by === 'string') byMode.set(by, own);
      const before = as.introspections;
      const outcome = await own.server.authenticate({ headers: { authorization: `Bearer ${token}` } }, requirement).then(
        ({ verifiedBy }: AccessTokenPrincipal) => verifiedBy,
        (error: { reason?: string; detail?: string; code?: string; name: string }) => {
          const what = error.reason ?? error.code;
          if (what !== undefined) expect(error.detail, `what the operator is told about ${what}`).toMatch(/\S/);
          return error.reason ?? error.code ?? error.name;
        },
      );
      return `${outcome} ${as.introspections - before}`;
    },
    active: (token, members = {}) => {
      const as = fixture.as as AuthorizationServer;
      as.answer(token, { active: true, token_type: 'Bearer', ...as.claims(), ...members });
      return token;
    },
  };
  beforeAll(async () => {
    fixture.as = await startAuthorizationServer();
  });
  beforeEach(() => fixture.as?.reset());
  afterAll(async () => {
    await Promise.all(opened.map(({ server }) => server.close()));
    await fixture.as?.close();
  });
  return fixture as Judging;
}
