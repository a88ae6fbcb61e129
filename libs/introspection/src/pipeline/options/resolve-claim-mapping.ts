import type { ClaimMapping, ClaimSource } from '../../protocol/claim-mapping.js';
import type { Compatibility } from '../../protocol/compatibility.js';
import type { OptionGroup } from './option-group.js';

type MappedMember = Exclude<keyof ClaimMapping, 'scopeArrays' | 'scopeSeparator'>;

const DEFAULTS: Readonly<Record<MappedMember, readonly ClaimSource[]>> = {
  scopes: ['scope', 'scp'],
  roles: ['roles'],
  clientId: ['client_id'],
  tokenId: ['jti'],
  sessionId: ['sid'],
  subjectType: [],
};

/** Checks where the principal's members are read. `sub` and `iss` cannot be mapped: they say who vouches for whom. */
export function resolveClaimMapping(claims: OptionGroup, compatibility: Compatibility): ClaimMapping {
  for (const name of ['subject', 'sub', 'issuer', 'iss'])
    if (claims.has(name)) claims.refuse(name, '`sub` and `iss` cannot be mapped');
  claims.allowOnly([...Object.keys(DEFAULTS), 'subject', 'sub', 'issuer', 'iss']);
  const read = (name: MappedMember): readonly ClaimSource[] => {
    const value = claims.given(name, DEFAULTS[name]);
    const sources: unknown[] = Array.isArray(value) ? value : [value];
    if ((sources.length > 0 || value === DEFAULTS[name]) && sources.every(isSource)) return sources;
    claims.refuse(name, "give a claim's name, a function of the claims, or a list of names, paths and functions");
    return DEFAULTS[name];
  };
  return {
    scopes: read('scopes'),
    roles: read('roles'),
    clientId: read('clientId'),
    tokenId: read('tokenId'),
    sessionId: read('sessionId'),
    subjectType: read('subjectType'),
    scopeArrays: compatibility.scopeArrays,
    scopeSeparator: compatibility.scopeSeparator,
  };
}

function isSource(value: unknown): value is ClaimSource {
  if (Array.isArray(value)) return value.length > 0 && value.every((name) => typeof name === 'string' && name !== '');
  return typeof value === 'function' || (typeof value === 'string' && value !== '');
}
