import type { Random } from '../differential/random.js';
import { allowedBy, type Draft, type Line, type Profile, type Verdict } from './oracle.js';
import type { FuzzToken } from './tokens.js';
import * as words from './vocabulary.js';

export interface FuzzRequest extends Verdict {
  readonly bytes: Buffer;
  readonly method: string;
  /** Whether it is one whole request for every reader, so that others may follow it on its connection. */
  readonly isPlain: boolean;
  readonly what: string;
}

/** Does one thing to a draft; `other` is a good token. */
type Mutation = (draft: Draft, random: Random, other: string) => void;

/** Takes the line that was written last, and puts another in its place. */
function rewrite(draft: Draft, write: (name: string, value: string) => Line | undefined): void {
  const [name, value] = draft.lines.pop() ?? ['Authorization', ''];
  const line = write(name, value);
  if (line !== undefined) draft.lines.push(line);
}

const CREDENTIALS: Record<string, Mutation> = {
  'two lines': (draft, random, other) => {
    const value = random.pick(['', 'x', `Bearer ${other}`, draft.lines.at(-1)?.[1] ?? '', 'Basic eDp4']);
    draft.lines.splice(random.integer(draft.lines.length + 1), 0, ['Authorization', value]);
  },
  'a list in one line': (draft, random, other) =>
    rewrite(draft, (name, value) => [
      name,
      random.pick([`${value}, Bearer ${other}`, `Bearer ${other}, ${value}`, `${value} ${other}`]),
    ]),
  'a control in the line': (draft, random) => {
    rewrite(draft, (name, value) => {
      const at = random.integer(value.length + 1);
      return [name, `${value.slice(0, at)}${random.pick(words.CONTROLS)}${value.slice(at)}`];
    });
    draft.isPlain = false;
  },
  'a folded line': (draft, random) => {
    rewrite(draft, (name, value) => [name, value.replace(' ', random.pick(['\r\n ', '\r\n\t', '\n ', '\r ']))]);
    draft.isPlain = false;
  },
  'a blank before the colon': (draft) => {
    rewrite(draft, (name, value) => [`${name} `, value]);
    draft.isPlain = false;
  },
  'no line': (draft) => rewrite(draft, () => undefined),
};

const PLACES: Record<string, Mutation> = {
  query: (draft, random, other) => {
    draft.target = `${draft.target}?${random.pick(words.QUERIES)(random.pick([other, 'not-a-token']))}`;
  },
  form: (draft, random, other) => {
    if (draft.method !== 'POST') draft.method = random.pick(['POST', 'PUT', 'PATCH', 'GET']);
    draft.lines.unshift(['Content-Type', random.pick(words.CONTENT_TYPES)]);
    draft.body = random.pick(words.QUERIES)(random.pick([other, 'not-a-token']));
  },
  'a broken body': (draft, random) => {
    draft.method = 'POST';
    draft.lines.unshift(['Content-Type', random.pick(words.CONTENT_TYPES)]);
    draft.body = random.pick(words.BODIES);
    if (random.integer(3) === 0)
      draft.lines.unshift(['Content-Encoding', random.pick(['gzip', 'br', 'deflate', 'x', 'identity'])]);
  },
};

const ENVELOPE: Record<string, Mutation> = {
  'another method': (draft, random) => {
    draft.method = random.pick(words.METHODS);
    draft.isPlain &&= ['HEAD', 'DELETE'].includes(draft.method);
  },
  'another target': (draft, random) => {
    draft.target = random.pick(words.TARGETS);
    // Node takes others for no request, and answers before its turn.
    draft.isPlain &&= /^(\/|https?:\/\/\w)[!-~]*$/.test(draft.target);
  },
  'another version': (draft, random) => {
    draft.version = random.pick(words.VERSIONS);
    draft.isPlain = false;
  },
  'lines of other fields': (draft, random, other) => {
    const lines: readonly Line[] = [...words.FOREIGN_LINES, ['Cookie', `access_token=${other}`], ['DPoP', other]];
    for (let count = random.integer(3) + 1; count > 0; count -= 1) draft.lines.unshift(random.pick(lines));
  },
  'a hundred lines': (draft, random) => {
    for (let count = random.pick([50, 100, 1999]); count > 0; count -= 1) draft.lines.unshift([`X-${count}`, '1']);
    draft.isPlain = false;
  },
  'lines of the connection': (draft, random) => {
    draft.lines.unshift(random.pick(words.CONNECTION_LINES));
    draft.isPlain = false;
  },
  'lengths that lie': (draft, random) => {
    draft.method = random.pick(['POST', 'GET']);
    draft.body = random.pick(words.BODIES);
    const [length, coding]: Line[] = [
      ['Content-Length', random.pick(words.LENGTHS)],
      ['Transfer-Encoding', random.pick(words.CODINGS)],
    ];
    draft.lines.unshift(...random.pick([[length], [coding], [coding, length]]).filter((line) => line !== undefined));
    draft.isPlain = false;
  },
};

const MUTATIONS = { ...CREDENTIALS, ...PLACES, ...ENVELOPE };
/** What is about credentials comes twice as often. */
const NAMES = [CREDENTIALS, CREDENTIALS, PLACES, ENVELOPE].map((group) => Object.keys(group));

/** A request with a token, to which something was done; `good` is another token that may come into it. */
export function createRequest(random: Random, profile: Profile, token: FuzzToken, good: FuzzToken, id: string): FuzzRequest {
  const method = random.pick(['GET', 'GET', 'GET', 'POST']);
  const draft: Draft = { method, target: '/r', version: 'HTTP/1.1', lines: [], body: undefined, isPlain: true, isOrdinary: true };
  const word = (list: readonly string[]): string => (random.integer(6) === 0 ? random.pick(list) : (list[0] ?? ''));
  draft.lines.push([word(words.NAMES), `${word(words.SCHEMES)}${token.text}${word(words.TAILS)}`]);
  const what = [token.kind];
  for (let more = random.pick([0, 0, 0, 1, 1, 2]); more > 0; more -= 1) {
    const names = random.pick(NAMES);
    const name = random.pick(names);
    MUTATIONS[name]?.(draft, random, good.text);
    if (!(name in CREDENTIALS)) draft.isOrdinary = false;
    what.push(name);
  }
  let bytes = format(draft, id);
  // Node takes no more than 16 KiB of lines.
  if (bytes.indexOf('\r\n\r\n') > 15_000) draft.isPlain = false;
  if (random.integer(12) === 0) {
    bytes = bend(bytes, random);
    draft.isPlain = false;
    what.push('bent bytes');
  }
  const verdict = allowedBy(draft, bytes, profile, [token, good]);
  return { bytes, method: draft.method, isPlain: draft.isPlain, what: what.join(' + '), ...verdict };
}

function format({ method, target, version, lines, body }: Draft, id: string): Buffer {
  const complete: Line[] = [['X-Id', id], ['Host', '127.0.0.1'], ...lines];
  const hasLength = lines.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  if (body !== undefined && !hasLength) complete.push(['Content-Length', String(Buffer.byteLength(body, 'latin1'))]);
  const head = complete.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`${method} ${target} ${version}\r\n${head}\r\n${body ?? ''}`, 'latin1');
}

/** Changes, removes or adds a few bytes behind the id. */
function bend(bytes: Buffer, random: Random): Buffer {
  let bent = bytes;
  for (let count = random.integer(4) + 1; count > 0; count -= 1) {
    const at = 60 + random.integer(Math.max(1, bent.length - 60));
    const end = random.integer(3) === 0 ? at + 1 + random.integer(20) : at + random.integer(2);
    const inserted = Buffer.from(random.pick(words.INSERTIONS), 'latin1');
    bent = Buffer.concat([bent.subarray(0, at), inserted, bent.subarray(end)]);
  }
  return bent;
}
