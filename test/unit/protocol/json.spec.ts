import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeUtf8,
  deepFreeze,
  hasRepeatedMembers,
  member,
  parseJsonObject,
} from '../../../libs/introspection/src/protocol/json.js';

/** Node's parser as the judge: it is asked for the members of every object in turn, each under a name of its own. */
function repeatsAName(pairs: readonly Pair[]): boolean {
  const names = pairs.map(([name]) => name);
  return new Set(names).size < names.length || pairs.some(([, value]) => containsRepetition(value));
}

type Pair = readonly [name: string, value: Tree];
type Tree = { readonly object: readonly Pair[] } | { readonly list: readonly Tree[] } | { readonly leaf: unknown };

function containsRepetition(tree: Tree): boolean {
  if ('object' in tree) return repeatsAName(tree.object);
  return 'list' in tree && tree.list.some(containsRepetition);
}

const name = fc.oneof(
  fc.constantFrom('a', 'b', '', '"', '\\', '\\"', 'a:b', '{', '__proto__', 'é', '\u2028'),
  fc.string({ maxLength: 4 }),
);
const leaf = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom('"a":', '{"a":1,"a":2}', '\\'),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const { tree } = fc.letrec<{ tree: Tree; object: Tree; list: Tree; leaf: Tree }>((tie) => ({
  tree: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('object'), tie('list')),
  object: fc.array(fc.tuple(name, tie('tree')), { maxLength: 4 }).map((object) => ({ object })),
  list: fc.array(tie('tree'), { maxLength: 3 }).map((list) => ({ list })),
  leaf: leaf.map((value) => ({ leaf: value })),
}));

/** Writes a tree with repeated names, white space and escapes that `JSON.stringify` would never write. */
function write(value: Tree, blank: string, escape: boolean): string {
  if ('leaf' in value) return JSON.stringify(value.leaf);
  if ('list' in value) return `[${value.list.map((item) => blank + write(item, blank, escape)).join(`${blank},`)}${blank}]`;
  const text = (key: string): string => (escape ? escaped(key) : JSON.stringify(key));
  return `{${value.object.map(([key, item]) => `${blank}${text(key)}${blank}:${blank}${write(item, blank, escape)}`).join(',')}${blank}}`;
}

function escaped(key: string): string {
  const units = Array.from({ length: key.length }, (_none, index) => key.charCodeAt(index));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`;
}

describe('hasRepeatedMembers', () => {
  it('agrees with an oracle that knows how the text was made', () => {
    const blank = fc.constantFrom('', ' ', '\n\t', '\r\n ');
    fc.assert(
      fc.property(tree, blank, fc.boolean(), (value, between, escape) => {
        const text = write(value, between, escape);
        expect(() => JSON.parse(text) as unknown).not.toThrow();
        expect(hasRepeatedMembers(text)).toBe(containsRepetition(value));
      }),
      { numRuns: 1000 },
    );
  });

  it('finds a repetition that one spelling hides', () => {
    expect(hasRepeatedMembers('{"active":false,"\\u0061ctive":true}')).toBe(true);
    expect(hasRepeatedMembers('{"a":{"x":1},"b":{"x":1}}')).toBe(false);
    expect(hasRepeatedMembers('[{"a":[{"b":1,"c":"\\"b\\":","b":2}]}]')).toBe(true);
  });
});

describe('parseJsonObject', () => {
  it('never throws, and gives objects only', () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.constantFrom('null', '[]', '5', '"x"', '{', '{}x', '\ufeff{}', '{"a":NaN}'));
    fc.assert(
      fc.property(text, (value) => {
        const object = parseJsonObject(value);
        if (object !== undefined) expect(JSON.stringify(object)).toBe(JSON.stringify(JSON.parse(value)));
        expect(object === undefined || (typeof object === 'object' && !Array.isArray(object))).toBe(true);
      }),
    );
  });

  it('refuses depth without recursion', () => {
    const nested = (depth: number): string => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(parseJsonObject(nested(50))).toBeDefined();
    expect(parseJsonObject(nested(70))).toBeUndefined();
    expect(parseJsonObject(nested(3000))).toBeUndefined();
  });

  it('reads members as data, whatever they are called', () => {
    const object = parseJsonObject('{"__proto__":{"admin":true},"constructor":1}') ?? {};
    expect(member(object, 'admin')).toBeUndefined();
    expect(member(object, '__proto__')).toEqual({ admin: true });
    expect(member(object, 'constructor')).toBe(1);
    expect(member({}, 'toString')).toBeUndefined();
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });
});

describe('decodeUtf8', () => {
  it('is strict: what it reads encodes to the same bytes, everything else is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const text = decodeUtf8(bytes);
        if (text !== undefined) expect([...new TextEncoder().encode(text)]).toEqual([...bytes]);
        else expect(Buffer.from(bytes).toString('utf8')).toContain('\ufffd');
      }),
    );
  });
});

describe('a byte order mark', () => {
  it('JWT-03 is kept, so that a text with one is no JSON', () => {
    const text = decodeUtf8(Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]));
    expect(text).toBe('\ufeff{}');
    expect(parseJsonObject(text ?? '')).toBeUndefined();
  });
});

describe('deepFreeze', () => {
  it('freezes everything', () => {
    const isFrozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen));
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(isFrozen(deepFreeze(value))).toBe(true);
      }),
    );
  });
});
