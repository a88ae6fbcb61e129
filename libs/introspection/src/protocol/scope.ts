const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

const FEW = 8;

/** Whether a text is one scope token (RFC 6749 §3.3): printable ASCII without space, `"` and `\`. */
export function isScopeToken(text: unknown): text is string {
  return typeof text === 'string' && SCOPE_TOKEN.test(text);
}

/** Splits a scope string at its spaces; repeated scopes count once. @see RFC 6749 §3.3 */
export function parseScope(text: string): string[] {
  return unique(text.split(' ').filter((scope) => scope !== ''));
}

/** The list without repetitions, in its order. */
export function unique(list: readonly string[]): string[] {
  // Most lists hold a few entries, for which a set costs more than it saves.
  if (list.length > FEW) return [...new Set(list)];
  return list.filter((item, index) => list.indexOf(item) === index);
}
