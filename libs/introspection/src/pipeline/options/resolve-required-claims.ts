import type { ClaimRequirement } from './options.js';
import { isTextList, type OptionGroup } from './option-group.js';
import type { RequiredClaims } from './resolved-options.js';

const DEFAULT = ['sub', 'client_id', 'iat', 'jti'];

/** Checks which claims must be there. A list is for JWTs, an object for introspection responses too. */
export function resolveRequiredClaims(options: OptionGroup): RequiredClaims {
  const given = options.given('requiredClaims', DEFAULT);
  if (Array.isArray(given)) {
    const names = given.length === 0 || isTextList(given) ? (given as readonly string[]) : undefined;
    if (names === undefined) options.refuse('requiredClaims', 'give claim names');
    return { claims: Object.fromEntries((names ?? DEFAULT).map((name) => [name, true as const])), inResponses: false };
  }
  const group = options.group('requiredClaims');
  for (const name of group.names) {
    if (!isRequirement(group.get(name))) group.refuse(name, 'give true, a text, a list of texts, or a function');
  }
  return { claims: given as Record<string, ClaimRequirement>, inResponses: true };
}

function isRequirement(value: unknown): value is ClaimRequirement {
  return value === true || typeof value === 'function' || (typeof value === 'string' && value !== '') || isTextList(value);
}
