import { isDeepStrictEqual } from 'node:util';
import { readText } from '../../protocol/claim-mapping.js';
import { InvalidTokenError } from '../../protocol/errors.js';
import type { JsonObject } from '../../protocol/json.js';
import type { VerifiedToken } from './verified-token.js';

const MUST_AGREE = ['iss', 'sub', 'client_id', 'cnf'] as const;

/**
 * Joins what a signature and an introspection response say of one token: they must agree on who it is and how it is
 * bound, and where they differ in extent the narrower counts.
 *
 * @throws {InvalidTokenError} when they disagree on `iss`, `sub`, `client_id` or `cnf`
 */
export function mergeVerified(local: VerifiedToken, introspected: VerifiedToken): VerifiedToken {
  const { facts: answer } = introspected;
  for (const name of MUST_AGREE) {
    if (
      Object.hasOwn(local.claims, name) &&
      Object.hasOwn(answer, name) &&
      !isDeepStrictEqual(local.claims[name], answer[name])
    ) {
      throw new InvalidTokenError(name === 'cnf' ? 'binding' : 'claim', {
        detail: `the JWT and the introspection response differ in ${name}`,
      });
    }
  }
  const [localClient, otherClient] = [readText(local.facts, local.mapping.clientId), readText(answer, local.mapping.clientId)];
  if (localClient !== undefined && otherClient !== undefined && localClient !== otherClient) {
    throw new InvalidTokenError('claim', { detail: 'the JWT and the introspection response name different clients' });
  }
  const expiresAtSeconds = earlier(local.expiresAtSeconds, introspected.expiresAtSeconds);
  const exp = expiresAtSeconds !== undefined && { exp: expiresAtSeconds };
  const scopes =
    local.scopes && introspected.scopes ? intersection(local.scopes, introspected.scopes) : (local.scopes ?? introspected.scopes);
  const sent = Object.fromEntries(Object.entries(introspected.claims).filter(([name]) => Object.hasOwn(answer, name)));
  return {
    issuer: local.issuer,
    claims: Object.freeze(narrowScopes({ ...local.claims, ...sent, ...exp }, scopes)),
    facts: Object.freeze({ ...local.facts, ...answer, ...exp }),
    mapping: local.mapping,
    audience: narrower(local.audience, introspected.audience),
    scopes,
    expiresAtSeconds,
    verifiedBy: 'both',
  };
}

/** What both give, also for those who read the wire's names. */
function narrowScopes(claims: JsonObject, scopes: readonly string[] | undefined): JsonObject {
  if (scopes === undefined) return claims;
  return {
    ...claims,
    ...(Object.hasOwn(claims, 'scope') && { scope: scopes.join(' ') }),
    ...(Object.hasOwn(claims, 'scp') && { scp: Object.freeze([...scopes]) }),
  };
}

function narrower(left: readonly string[], right: readonly string[]): readonly string[] {
  if (left.length === 0) return right;
  return right.length === 0 ? left : intersection(left, right);
}

function intersection(left: readonly string[], right: readonly string[]): readonly string[] {
  return left.filter((item) => right.includes(item));
}

function earlier(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || (right !== undefined && right < left) ? right : left;
}
