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
    const claims = Object.fromEntries((names ?? DEFAULT).map((name) => [name, true as const]));
    return { claims, inResponses: false, askApplication: false };
  }
  const group = options.group('requiredClaims');
  for (const name of group.names) {
    if (!isRequirement(group.get(name))) group.refuse(name, 'give true, a text, a list of texts, or a function');
  }
  const claims = given as Record<string, ClaimRequirement>;
  const askApplication = Object.values(claims ?? {}).some((claim) => typeof claim === 'function');
  return { claims, inResponses: true, askApplication };
}

function isRequirement(value: unknown): value is ClaimRequirement {
  return value === true || typeof value === 'function' || (typeof value === 'string' && value !== '') || isTextList(value);
}
