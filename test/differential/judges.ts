import * as oauth from 'oauth4webapi';
import { createResourceServer, ResourceServerError } from 'nestjs-introspection/core';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { AUDIENCE } from '../support/authorization-server.js';
import { ALGORITHMS, ISSUER, NOW_SECONDS, TOLERANCE_SECONDS, type Keys } from './draft.js';

/** Says of each token whether it is accepted. */
export type Judge = (tokens: readonly string[]) => Promise<boolean[]>;

export function createOurs({ jwks }: Keys): Judge {
  const server = createResourceServer({
    issuer: ISSUER,
    audience: AUDIENCE,
    verification: 'local',
    discovery: false,
    jwks: jwks as never,
    algorithms: ALGORITHMS,
    clockToleranceSeconds: TOLERANCE_SECONDS,
    clock: { now: () => NOW_SECONDS * 1000 },
  });
  return inTurn(async (token) => {
    try {
      await server.authenticate({ method: 'GET', url: '/', headers: { authorization: `Bearer ${token}` } });
      return true;
    } catch (error) {
      // Anything else is no verdict but a fault of ours.
      if (error instanceof ResourceServerError && (error.status === 401 || error.status === 400)) return false;
      throw error;
    }
  });
}

export function createOAuth4WebApi({ jwks }: Keys): Judge {
  const metadata = { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` };
  const options = {
    [oauth.customFetch]: () => Promise.resolve(Response.json(jwks)),
    [oauth.jwksCache]: { jwks: jwks as never, uat: NOW_SECONDS },
    [oauth.clockTolerance]: TOLERANCE_SECONDS,
    signingAlgorithms: [...ALGORITHMS],
  };
  return inTurn(async (token) => {
    try {
      const request = new Request('https://rs.example.com/r', { headers: { authorization: `Bearer ${token}` } });
      await oauth.validateJwtAccessToken(metadata, request, AUDIENCE, options);
      return true;
    } catch {
      return false;
    }
  });
}

const PYTHON = '/usr/bin/python3';

/** Why there is no third judge, if there is none. */
export function whyNoPython(): string | undefined {
  const { status } = spawnSync(PYTHON, ['-c', 'import jwt, cryptography']);
  return status === 0 ? undefined : `${PYTHON} cannot import jwt: install python3-jwt and python3-cryptography`;
}

/** PyJWT in a process of its own: one JSON text per line in, one verdict per line out. */
export function createPyJwt({ jwks }: Keys): Judge {
  return async (tokens) => {
    const script = fileURLToPath(new URL('pyjwt_judge.py', import.meta.url));
    const child = spawn(PYTHON, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const config = {
      jwks,
      issuer: ISSUER,
      audience: AUDIENCE,
      now: NOW_SECONDS,
      leeway: TOLERANCE_SECONDS,
      algorithms: ALGORITHMS,
    };
    child.stdin.end(`${[config, ...tokens].map((line) => JSON.stringify(line)).join('\n')}\n`);
    const verdicts: boolean[] = [];
    const exited = once(child, 'exit');
    for await (const line of createInterface({ input: child.stdout })) verdicts.push(line === 'accepted');
    await exited;
    if (verdicts.length !== tokens.length) throw new Error(`${verdicts.length} verdicts on ${tokens.length} tokens`);
    return verdicts;
  };
}

function inTurn(judge: (token: string) => Promise<boolean>): Judge {
  return async (tokens) => {
    const verdicts: boolean[] = [];
    for (const token of tokens) verdicts.push(await judge(token));
    return verdicts;
  };
}
