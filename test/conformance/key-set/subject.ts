import { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { AuthorizationServerError, createResourceServer, InvalidTokenError, type KeySetOptions } from 'nestjs-introspection/core';
import { AUDIENCE, type AuthorizationServer } from '../../support/authorization-server.js';
import type { SettableClock } from '../../support/clock.js';

export type Verdict = 'accepted' | 'refused' | 'unavailable';

/** Whatever holds the keys: the library, or what stands in its place to show that a test can fail. */
export interface Subject {
  verify(token: string): Promise<Verdict>;
  /** Resolves when a fetch that is still to end has ended, well or badly; at once where nothing is fetched in the background. */
  fetchEnds(): Promise<void>;
  close(): Promise<void>;
}

export type SubjectName = 'ours' | 'jose' | 'a fetch per token';

export function createSubject(name: SubjectName, as: AuthorizationServer, clock: SettableClock, keySet: KeySetOptions): Subject {
  if (name === 'ours') return ourSubject(as, clock, keySet);
  return joseSubject(name === 'jose' ? joseKeySet(as, keySet) : fetchPerToken(as), as);
}

function ourSubject(as: AuthorizationServer, clock: SettableClock, keySet: KeySetOptions): Subject {
  const waiting = new Set<() => void>();
  const server = createResourceServer({
    issuer: as.issuer,
    audience: AUDIENCE,
    verification: 'local',
    discovery: false,
    jwksUri: as.jwksUri,
    keySet,
    clock,
    allowInsecureHttp: true,
    onEvent: ({ type }) => {
      if (type !== 'keys.refreshed' && type !== 'keys.failed') return;
      for (const notify of waiting) notify();
      waiting.clear();
    },
  });
  return {
    verify: (token) =>
      server.authenticate({ method: 'GET', url: '/', headers: { authorization: `Bearer ${token}` } }).then(
        () => 'accepted' as const,
        (error: unknown) => {
          if (error instanceof InvalidTokenError) return 'refused';
          if (error instanceof AuthorizationServerError) return 'unavailable';
          throw error;
        },
      ),
    fetchEnds: () => new Promise((resolve) => waiting.add(resolve)),
    close: () => server.close(),
  };
}

/** jose reads the time from `Date`, which the properties set together with the clock. */
function joseKeySet(as: AuthorizationServer, { maxAgeSeconds = 600, cooldownSeconds = 30 }: KeySetOptions): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(as.jwksUri), {
    cacheMaxAge: maxAgeSeconds * 1000,
    cooldownDuration: cooldownSeconds * 1000,
    timeoutDuration: 250,
  });
}

function fetchPerToken(as: AuthorizationServer): JWTVerifyGetKey {
  return async (header, token) => {
    const response = await fetch(as.jwksUri);
    return createLocalJWKSet((await response.json()) as JSONWebKeySet)(header, token);
  };
}

const VERDICTS_ON_THE_TOKEN = [errors.JWSSignatureVerificationFailed, errors.JWKSNoMatchingKey, errors.JWTClaimValidationFailed];

function joseSubject(keys: JWTVerifyGetKey, as: AuthorizationServer): Subject {
  return {
    verify: (token) =>
      jwtVerify(token, keys, { issuer: as.issuer, audience: AUDIENCE, typ: 'at+jwt', algorithms: ['ES256'] }).then(
        () => 'accepted' as const,
        (error: unknown) => (VERDICTS_ON_THE_TOKEN.some((type) => error instanceof type) ? 'refused' : 'unavailable'),
      ),
    fetchEnds: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
