import type { Requirement } from '../../protocol/requirement.js';
import { isScopeToken } from '../../protocol/scope.js';

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isTextOrTexts = (value: unknown): boolean => isText(value) || (isList(value) && value.every(isText));
const isList = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0;

const MEMBERS: Readonly<Record<string, (value: unknown) => boolean>> = {
  scopes: (value) => isList(value) && value.every(isScopeToken),
  anyScope: (value) => isList(value) && value.every(isScopeToken),
  anyRole: (value) => isList(value) && value.every(isText),
  audience: isTextOrTexts,
  issuer: isTextOrTexts,
  introspectMaxAgeMs: (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
};
const LATER = ['acrValues', 'maxAgeSeconds', 'authorizationDetails', 'senderConstrained'];

/**
 * Refuses a requirement with a member that is unknown or has a wrong type: a misspelt one would demand nothing.
 *
 * @throws {TypeError}
 */
export function checkRequirement(requirement: Requirement): void {
  const prototype: unknown =
    typeof requirement === 'object' && requirement !== null ? Object.getPrototypeOf(requirement) : undefined;
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('A requirement is a plain object');
  for (const [name, value] of Object.entries(requirement)) {
    if (value === undefined) continue;
    if (LATER.includes(name)) throw new TypeError(`The requirement '${name}' is not supported in this version`);
    const isWell = Object.hasOwn(MEMBERS, name) ? MEMBERS[name] : undefined;
    if (isWell === undefined)
      throw new TypeError(`There is no requirement '${name}'; there are ${Object.keys(MEMBERS).join(', ')}`);
    if (!isWell(value)) throw new TypeError(`The requirement '${name}' has a wrong type or is empty`);
  }
}
