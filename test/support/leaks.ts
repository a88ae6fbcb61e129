import { inspect } from 'node:util';

/** A secret, and what to call it in a report: the report itself must not show it. */
export interface Canary {
  readonly name: string;
  readonly text: string;
}

export interface Leak {
  readonly canary: string;
  readonly place: string;
  readonly form: string;
}

const PIECE = 12;

/** Every way in which a text is commonly written down. */
function formsOf(text: string): [form: string, written: string][] {
  const bytes = Buffer.from(text, 'utf8');
  const forms: [string, string][] = [
    ['as it is', text],
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ['percent-encoded', encodeURIComponent(text)],
    ['form-encoded', new URLSearchParams({ '': text }).toString().slice(1)],
    ['fully percent-encoded', bytes.toString('hex').replace(/../g, '%$&')],
    ['JSON-escaped', JSON.stringify(text).slice(1, -1)],
    ['twice JSON-escaped', JSON.stringify(JSON.stringify(text)).slice(1, -1)],
  ];
  // Inside a longer text, base64 depends on what stands before: three alignments, without the characters at the edges.
  for (const shift of [0, 1, 2]) {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
    for (const alphabet of ['base64', 'base64url'] as const)
      forms.push([
        alphabet,
        shifted
          .toString(alphabet)
          .replace(/=+$/, '')
          .slice(shift === 0 ? 0 : shift + 1, -2),
      ]);
  }
  return forms;
}

/** Searches texts for canaries: whole in every form, and every piece of 12 characters as it is. */
export class LeakSearch {
  readonly #needles: { canary: string; form: string; text: string }[] = [];
  readonly #pieces = new Map<string, string>();

  constructor(canaries: readonly Canary[]) {
    for (const { name, text } of canaries) {
      if (text.length < PIECE) throw new Error(`${name} is too short to be told from other text`);
      for (const [form, written] of formsOf(text)) this.#needles.push({ canary: name, form, text: written });
      for (let at = 0; at + PIECE <= text.length; at += 1) this.#pieces.set(text.slice(at, at + PIECE), name);
    }
  }

  find(place: string, text: string): Leak[] {
    const leaks = this.#needles
      .filter((needle) => text.includes(needle.text))
      .map(({ canary, form }): Leak => ({ canary, place, form }));
    if (leaks.length > 0) return leaks;
    for (let at = 0; at + PIECE <= text.length; at += 1) {
      const canary = this.#pieces.get(text.slice(at, at + PIECE));
      if (canary !== undefined) return [{ canary, place, form: 'a piece' }];
    }
    return [];
  }

  /** Searches everything that a debugger, a log or an error report would make of a value. */
  findIn(place: string, value: unknown): Leak[] {
    return texts(value).flatMap(([how, text]) => this.find(`${place} (${how})`, text));
  }
}

function texts(value: unknown): [how: string, text: string][] {
  const list: [string, string][] = [
    [
      'inspect',
      inspect(value, { depth: Infinity, showHidden: true, maxArrayLength: null, maxStringLength: null, compact: false }),
    ],
    ['JSON', stringify(value)],
  ];
  for (let error = value, depth = 0; error instanceof Error && depth < 10; error = error.cause, depth += 1)
    list.push([`stack ${depth}`, `${error.name} ${error.message} ${error.stack ?? ''}`]);
  return list;
}

/** JSON as error reporters write it: own members of errors too, circles cut. */
function stringify(value: unknown): string {
  const seen = new Set<object>();
  return (
    JSON.stringify(value, (_key, item: unknown) => {
      if (typeof item === 'bigint') return String(item);
      if (typeof item !== 'object' || item === null) return item;
      if (seen.has(item)) return '[again]';
      seen.add(item);
      if (!(item instanceof Error)) return item;
      return Object.fromEntries(Object.getOwnPropertyNames(item).map((name) => [name, Reflect.get(item, name) as unknown]));
    }) ?? ''
  );
}
