import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readRoles,
  readScopes,
  readText,
  type ClaimMapping,
  type ClaimSource,
} from '../../../libs/introspection/src/protocol/claim-mapping.js';

type Claims = Record<string, unknown>;

const name = fc.constantFrom('scope', 'scp', 'roles', 'a', '__proto__', 'constructor', 'toString', 'length');
const source: fc.Arbitrary<ClaimSource> = fc.oneof(
  name,
  fc.array(name, { minLength: 1, maxLength: 3 }),
  fc.constantFrom(
    () => {
      throw new Error('no');
    },
    () => 5,
    () => ({ toString: 1 }),
    () => ['a', 5],
    () => Promise.resolve(['admin']),
    (claims: Claims) => claims['a'],
  ),
);
const hostile = fc.constantFrom<unknown>(
  { toString: 1 },
  { length: 3 },
  [{ toString: 1 }],
  [['a']],
  ['a', null],
  5,
  true,
  null,
  '',
);
const claims = fc.dictionary(name, fc.oneof(hostile, fc.string(), fc.array(fc.string()), fc.jsonValue()));

function mapping(scopes: readonly ClaimSource[]): ClaimMapping {
  const rest = { roles: [], clientId: [], tokenId: [], sessionId: [], subjectType: [] };
  return { ...rest, scopes, scopeArrays: false, scopeSeparator: ' ' };
}

const isWordList = (value: readonly string[]): boolean => value.every((item) => typeof item === 'string');

describe('reading claims', () => {
  it('never throws and gives texts only, whatever the claims and the sources are', () => {
    fc.assert(
      fc.property(claims, fc.array(source, { maxLength: 3 }), (values, sources) => {
        expect(isWordList(readRoles(values, sources))).toBe(true);
        expect(isWordList(readScopes(values, mapping(sources)) ?? [])).toBe(true);
        const text = readText(values, sources);
        expect(text === undefined || (typeof text === 'string' && text !== '')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('finds nothing that is inherited', () => {
    for (const path of ['constructor', 'toString', '__proto__', ['constructor', 'name'], ['a', 'length']])
      expect(readText({ a: 'text' }, [path])).toBeUndefined();
  });

  it('takes scopes from the first source that is present', () => {
    const both = mapping(['scope', 'scp']);
    expect(readScopes({ scope: 'a b', scp: ['c'] }, both)).toEqual(['a', 'b']);
    expect(readScopes({ scp: ['c', 'c'] }, both)).toEqual(['c']);
    expect(readScopes({ scope: null, scp: 'c d' }, both)).toEqual(['c', 'd']);
    expect(readScopes({ scope: '' }, both)).toEqual([]);
    expect(readScopes({}, both)).toBeUndefined();
  });

  // A list where a text belongs must not fall through to another claim: that would be a scope nobody granted.
  it.each([[['admin']], [5], [{}], [true]])('takes scope %j for no scopes', (scope) => {
    expect(readScopes({ scope, scp: ['admin'] }, mapping(['scope', 'scp']))).toEqual([]);
  });

  it('joins roles of all sources', () => {
    expect(readRoles({ roles: ['a'], realm_access: { roles: ['b', 'a'] } }, ['roles', ['realm_access', 'roles']])).toEqual([
      'a',
      'b',
    ]);
    expect(readRoles({ roles: ['a', 5] }, ['roles'])).toEqual([]);
  });

  it('takes a function that throws, or returns another type, for an absent claim', () => {
    const throws = (): never => {
      throw new Error('no');
    };
    expect(readText({ sid: 'b' }, [throws, () => 5, 'sid'])).toBe('b');
  });
});
