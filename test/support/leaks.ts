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
  const hex = bytes.toString('hex');
  const forms: [string, string][] = [
    ['as it is', text],
    ['HEX', hex.toUpperCase()],
    ['percent-encoded', encodeURIComponent(text)],
    ['form-encoded', new URLSearchParams({ '': text }).toString().slice(1)],
    ['fully percent-encoded', hex.replace(/../g, '%$&')],
    ['JSON-escaped', JSON.stringify(text).slice(1, -1)],
    ['twice JSON-escaped', JSON.stringify(JSON.stringify(text)).slice(1, -1)],
    ['HTML-escaped', text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)],
    ['numbers', JSON.stringify([...bytes]).slice(1, -1)],
  ];
  return [...forms, ...encodedForms(bytes)];
}

/** The encodings in which a part of the text is a part of what is written; `width` characters stand for a piece. */
const ENCODINGS: Readonly<Record<string, number>> = {
  base64: 16,
  base64url: 16,
  hex: 2 * PIECE,
  'hex with spaces': 3 * PIECE - 1,
};

function encodedForms(bytes: Buffer): [form: string, written: string][] {
  const forms: [string, string][] = [
    ['hex', bytes.toString('hex')],
    // As `util.inspect` shows a Buffer.
    ['hex with spaces', bytes.toString('hex').replace(/..(?!$)/g, '$& ')],
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

interface Needle {
  readonly canary: string;
  readonly form: string;
}

/** Searches texts for canaries: whole in every form, and every piece of 12 characters as it is and encoded. */
export class LeakSearch {
  readonly #needles: (Needle & { text: string })[] = [];
  /** By their length. */
  readonly #pieces = new Map<number, Map<string, Needle>>();

  constructor(canaries: readonly Canary[]) {
    for (const { name, text } of canaries) {
      if (text.length < PIECE) throw new Error(`${name} is too short to be told from other text`);
      for (const [form, written] of formsOf(text)) this.#needles.push({ canary: name, form, text: written });
      this.#cut(text, PIECE, { canary: name, form: 'a piece' });
      for (const [form, written] of encodedForms(Buffer.from(text, 'utf8')))
        this.#cut(written, ENCODINGS[form] ?? PIECE, { canary: name, form: `a piece in ${form}` });
    }
  }

  find(place: string, text: string): Leak[] {
    const leaks = new Map<string, Leak>();
    for (const { canary, form, text: written } of this.#needles)
      if (!leaks.has(canary) && text.includes(written)) leaks.set(canary, { canary, place, form });
    for (const [width, pieces] of this.#pieces) {
      for (let at = 0; at + width <= text.length; at += 1) {
        const piece = pieces.get(text.slice(at, at + width));
        if (piece !== undefined && !leaks.has(piece.canary)) leaks.set(piece.canary, { ...piece, place });
      }
    }
    return [...leaks.values()];
  }

  /** Searches everything that a debugger, a log or an error report would make of a value. */
  findIn(place: string, value: unknown): Leak[] {
    return textsOf(value).flatMap(([how, text]) => this.find(`${place} (${how})`, text));
  }

  #cut(text: string, width: number, needle: Needle): void {
    let pieces = this.#pieces.get(width);
    if (pieces === undefined) this.#pieces.set(width, (pieces = new Map<string, Needle>()));
    for (let at = 0; at + width <= text.length; at += 1) pieces.set(text.slice(at, at + width), needle);
  }
}

/** Everything that a debugger, a log or an error report would make of a value, now. */
export function textsOf(value: unknown): [how: string, text: string][] {
  const all = { depth: Infinity, maxArrayLength: null, maxStringLength: null, compact: false } as const;
  const bytes: string[] = [];
  const list: [string, string][] = [
    ['inspect', inspect(value, { ...all, showHidden: true })],
    ['inspect with getters', inspect(value, { ...all, showHidden: true, getters: true, showProxy: true })],
    ['JSON', stringify(value, bytes)],
    ['bytes', bytes.join('\n')],
  ];
  for (let error = value, depth = 0; error instanceof Error && depth < 10; error = error.cause, depth += 1)
    list.push([`stack ${depth}`, `${String(error)} ${error.message} ${error.stack ?? ''}`]);
  return list;
}

/** JSON as error reporters write it: own members of errors too, circles cut. Bytes are also read as text. */
function stringify(value: unknown, bytes: string[]): string {
  const seen = new Set<object>();
  return (
    JSON.stringify(value, function (this: object, key, item: unknown) {
      const original: unknown = Reflect.get(this, key);
      if (ArrayBuffer.isView(original)) {
        bytes.push(Buffer.from(original.buffer, original.byteOffset, original.byteLength).toString('utf8'));
        return '[bytes]';
      }
      if (typeof item === 'bigint') return String(item);
      if (typeof item !== 'object' || item === null) return item;
      if (seen.has(item)) return '[again]';
      seen.add(item);
      if (!(item instanceof Error)) return item;
      return Object.fromEntries(Object.getOwnPropertyNames(item).map((name) => [name, Reflect.get(item, name) as unknown]));
    }) ?? ''
  );
}
