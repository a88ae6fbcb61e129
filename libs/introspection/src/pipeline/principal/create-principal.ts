import type { ClaimMapping } from '../../protocol/claim-mapping.js';
import { readRoles, readText } from '../../protocol/claim-mapping.js';
import { deepFreeze, isJsonObject, type JsonObject, member } from '../../protocol/json.js';
import { AccessTokenPrincipal, type Actor, type PrincipalFacts } from './access-token-principal.js';

/** What a verification found out about a token. */
export interface VerifiedFacts {
  readonly token: string;
  readonly issuer: string;
  readonly claims: JsonObject;
  readonly facts: JsonObject;
  readonly mapping: ClaimMapping;
  readonly audience: readonly string[];
  readonly scopes: readonly string[] | undefined;
  readonly expiresAtSeconds: number | undefined;
  readonly verifiedBy: 'local' | 'introspection' | 'both';
}

/** Makes the principal of a verified token. */
export function principalOfToken(verified: VerifiedFacts): AccessTokenPrincipal {
  const { facts: claims, mapping } = verified;
  const subject = textOf(claims, 'sub');
  const clientId = readText(claims, mapping.clientId);
  const issuedAt = member(claims, 'iat');
  return new AccessTokenPrincipal({
    issuer: verified.issuer,
    subject,
    clientId,
    subjectType: subjectTypeOf(claims, mapping, subject, clientId),
    scopes: verified.scopes,
    roles: readRoles(claims, mapping.roles),
    audience: verified.audience,
    expiresAtSeconds: verified.expiresAtSeconds,
    issuedAtSeconds: typeof issuedAt === 'number' ? issuedAt : undefined,
    tokenId: readText(claims, mapping.tokenId),
    sessionId: readText(claims, mapping.sessionId),
    scheme: 'Bearer',
    verifiedBy: verified.verifiedBy,
    actor: actorOf(claims),
    authorizationDetails: authorizationDetailsOf(claims),
    claims: verified.claims,
    token: verified.token,
  });
}

/** What an application says of a principal it makes itself. */
export type ApplicationPrincipal = Omit<PrincipalFacts, 'verifiedBy' | 'token'>;

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
