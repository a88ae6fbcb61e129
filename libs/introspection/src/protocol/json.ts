/** A JSON object as parsed: own members only are data, whatever they are called. */
export type JsonObject = { readonly [member: string]: unknown };

/** Deeper nesting than this is refused: no honest claim needs it, and code that walks values may recurse. */
const MAX_DEPTH = 64;

/** Holds nothing between two calls; a new one for each costs more than the decoding. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether a value is a JSON object: no array, no `null`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member of an object, or `undefined`; never anything inherited, so `constructor` and `__proto__` are plain names. */
export function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/**
 * Parses one complete JSON text whose value is an object.
 *
 * A repeated member name: the last one counts (RFC 7515 §4 allows it); see {@link hasRepeatedMembers}.
 *
 * @param anyDepth whether to leave the depth for the caller to judge, by {@link isShallow}
 * @returns the object, or `undefined` when the text is no JSON, no object, or nested deeper than 64 levels
 */
export function parseJsonObject(text: string, anyDepth = false): JsonObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isJsonObject(value) && (anyDepth || isShallow(value)) ? value : undefined;
}

/** Decodes UTF-8 strictly; `undefined` when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Whether an object anywhere in a text that is known to be JSON names a member twice. Two readers of such a text may
 * see two different answers (RFC 8259 §4).
 */
export function hasRepeatedMembers(json: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfString(json, at);
      const names = open.at(-1);
      if (names !== undefined && isFollowedByColon(json, end)) {
        const name = JSON.parse(json.slice(at, end)) as string;
        if (names.has(name)) return true;
        names.add(name);
      }
      at = end - 1;
    }
  }
  return false;
}

function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

function isFollowedByColon(json: string, from: number): boolean {
  let at = from;
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\r' || json[at] === '\t') at += 1;
  return json[at] === ':';
}

/** Freezes a JSON value with everything in it. Iterative, as the depth is somebody else's choice. */
export function deepFreeze<T>(value: T): T {
  const rest: object[] = isFreezable(value) ? [value] : [];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    Object.freeze(next);
    for (const item of Object.values(next) as unknown[]) if (isFreezable(item)) rest.push(item);
  }
  return value;
}

function isFreezable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Object.isFrozen(value);
}

/** Whether a value is nested no deeper than 64 levels. */
export function isShallow(root: JsonObject): boolean {
  return isWithinDepth(root, MAX_DEPTH);
}

/** Recursive, as it stops where it would get deep. */
function isWithinDepth(value: object, depth: number): boolean {
  if (depth === 0) return false;
  for (const item of Object.values(value) as unknown[]) {
    if (typeof item === 'object' && item !== null && !isWithinDepth(item, depth - 1)) return false;
  }
  return true;
}
