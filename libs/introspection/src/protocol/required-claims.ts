import { type JsonObject, member } from './json.js';
import { disregard, isThenable } from './thenable.js';

/** What a claim must be: there, a text, one of several texts, or what a function says. */
export type ClaimCondition = true | string | readonly string[] | ((value: unknown, claims: JsonObject) => boolean);

/**
 * The first claim that does not meet its condition. `null` and the empty text count as absent, and a function that
 * throws says no.
 *
 * @param read gives the value of a claim that may be found under another name
 */
export function unmetClaim(
  claims: JsonObject,
  conditions: Readonly<Record<string, ClaimCondition>>,
  read: (name: string) => unknown = (name) => member(claims, name),
): string | undefined {
  return Object.keys(conditions).find((name) => {
    const condition = conditions[name];
    return condition !== undefined && !isMet(condition, read(name), claims);
  });
}

function isMet(condition: ClaimCondition, value: unknown, claims: JsonObject): boolean {
  if (typeof condition === 'function') return callSafely(() => condition(value, claims));
  if (value === undefined || value === null || value === '') return false;
  if (condition === true) return true;
  return typeof condition === 'string' ? value === condition : typeof value === 'string' && condition.includes(value);
}

function callSafely(condition: () => unknown): boolean {
  try {
    const answer = condition();
    // A promise says neither yes nor no.
    if (isThenable(answer)) disregard(answer);
    return answer === true;
  } catch {
    return false;
  }
}
