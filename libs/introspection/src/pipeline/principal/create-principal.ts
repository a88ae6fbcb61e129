import type { ClaimMapping } from '../../protocol/claim-mapping.js';
import { readRoles, readText } from '../../protocol/claim-mapping.js';
import { deepFreeze, isJsonObject, type JsonObject, member } from '../../protocol/json.js';
import { AccessTokenPrincipal, type Actor, type PrincipalFacts } from './access-token-principal.js';

/** What a verification found out about a token. */
export interface VerifiedFacts {
  readonly issuer: string;
  readonly claims: JsonObject;
  readonly facts: JsonObject;
  readonly mapping: ClaimMapping;
  readonly audience: readonly string[];
  readonly scopes: readonly string[] | undefined;
  readonly expiresAtSeconds: number | undefined;
  readonly verifiedBy: 'local' | 'introspection' | 'both';
}

/** Makes principals of verified tokens. What of them depends on the verification alone is read once for it. */
export class Principals {
  readonly #known = new WeakMap<VerifiedFacts, PrincipalFacts>();

  of(verified: VerifiedFacts, token: string): AccessTokenPrincipal {
    let facts = this.#known.get(verified);
    if (facts === undefined) this.#known.set(verified, (facts = factsOf(verified)));
    return new AccessTokenPrincipal(facts, token);
  }
}

function factsOf(verified: VerifiedFacts): PrincipalFacts {
  const { facts: claims, mapping } = verified;
  const subject = textOf(claims, 'sub');
  const clientId = readText(claims, mapping.clientId);
  const issuedAt = member(claims, 'iat');
  return {
    issuer: verified.issuer,
    subject,
    clientId,
    subjectType: subjectTypeOf(claims, mapping, subject, clientId),
    scopes: frozenCopy(verified.scopes),
    roles: frozenCopy(readRoles(claims, mapping.roles)),
    audience: frozenCopy(verified.audience),
    expiresAtSeconds: verified.expiresAtSeconds,
    issuedAtSeconds: typeof issuedAt === 'number' ? issuedAt : undefined,
    tokenId: readText(claims, mapping.tokenId),
    sessionId: readText(claims, mapping.sessionId),
    scheme: 'Bearer',
    verifiedBy: verified.verifiedBy,
    actor: actorOf(claims),
    authorizationDetails: frozenCopy(authorizationDetailsOf(claims)),
    claims: verified.claims,
  };
}

function frozenCopy<T>(list: readonly T[] | undefined): readonly T[] {
  return Object.freeze([...(list ?? [])]);
}

/** What an application says of a principal it makes itself. */
export type ApplicationPrincipal = Omit<PrincipalFacts, 'verifiedBy'>;

/**
 * Makes a principal in the application's own name (`verifiedBy: 'application'`): for other credentials than access
 * tokens, and for tests. Its values are copied and frozen; empty texts count as absent.
 *
 * Not checked: anything. Whoever calls this vouches for it.
 *
 * @throws {TypeError} without an issuer
 */
export function createPrincipal(facts: ApplicationPrincipal): AccessTokenPrincipal {
  if (typeof facts.issuer !== 'string' || facts.issuer === '')
    throw new TypeError('createPrincipal needs an issuer: any stable name for who vouches');
  const copy = deepFreeze(
    structuredClone({ claims: facts.claims, actor: facts.actor, authorizationDetails: facts.authorizationDetails }),
  );
  return new AccessTokenPrincipal({
    ...facts,
    ...copy,
    scopes: frozenCopy(facts.scopes),
    roles: frozenCopy(facts.roles),
    audience: frozenCopy(facts.audience),
    authorizationDetails: frozenCopy(copy.authorizationDetails),
    subject: facts.subject || undefined,
    clientId: facts.clientId || undefined,
    tokenId: facts.tokenId || undefined,
    sessionId: facts.sessionId || undefined,
    verifiedBy: 'application',
  });
}

function subjectTypeOf(
  claims: JsonObject,
  mapping: ClaimMapping,
  subject: string | undefined,
  clientId: string | undefined,
): 'user' | 'client' | undefined {
  const said = readText(claims, mapping.subjectType);
  if (said === 'user' || said === 'client') return said;
  return subject !== undefined && subject === clientId ? 'client' : undefined;
}

function actorOf(claims: JsonObject): Actor | undefined {
  const act = member(claims, 'act');
  if (!isJsonObject(act)) return undefined;
  const subject = textOf(act, 'sub');
  const issuer = textOf(act, 'iss');
  const clientId = textOf(act, 'client_id');
  return Object.freeze({
    ...(subject !== undefined && { subject }),
    ...(issuer !== undefined && { issuer }),
    ...(clientId !== undefined && { clientId }),
    claims: act,
  });
}

function authorizationDetailsOf(claims: JsonObject): readonly JsonObject[] {
  const details = member(claims, 'authorization_details');
  return Array.isArray(details) ? details.filter((detail) => isJsonObject(detail) && typeof detail.type === 'string') : [];
}

function textOf(claims: JsonObject, name: string): string | undefined {
  const value = member(claims, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
