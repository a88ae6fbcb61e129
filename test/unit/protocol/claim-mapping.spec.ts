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

  it('IRESP-10 splits at commas where the operator says so, and around blanks', () => {
    const commas: ClaimMapping = { ...mapping(['scope']), scopeSeparator: ',' };
    expect(readScopes({ scope: 'a, b,,a ,c d' }, commas)).toEqual(['a', 'b', 'c d']);
    expect(readScopes({ scope: 'a,b c' }, mapping(['scope']))).toEqual(['a,b', 'c']);
  });

  it('IRESP-10 reads scope as a list only where the operator says so', () => {
    expect(readScopes({ scope: ['a', 'b'] }, { ...mapping(['scope']), scopeArrays: true })).toEqual(['a', 'b']);
    expect(readScopes({ scope: ['a', 5] }, { ...mapping(['scope']), scopeArrays: true })).toEqual([]);
    expect(readScopes({ scopes: ['a', 'b'] }, mapping([(claims: Claims) => claims['scopes']]))).toEqual(['a', 'b']);
  });

  it('reads what a function answers: a text or a list', () => {
    expect(readText({ a: 'x' }, [(claims: Claims) => claims['a']])).toBe('x');
    expect(readRoles({ a: 'x y' }, [(claims: Claims) => claims['a']])).toEqual(['x', 'y']);
    expect(readRoles({ a: ['x'] }, [(claims: Claims) => claims['a']])).toEqual(['x']);
    expect(readRoles({ roles: 'x y' }, ['roles'])).toEqual(['x', 'y']);
  });

  it('waits for no promise, and leaves none that is unhandled', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    expect(readText({}, [() => Promise.reject(new Error('late'))])).toBeUndefined();
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('follows a path through objects only', () => {
    expect(readText({ a: { b: 'x' } }, [['a', 'b']])).toBe('x');
    for (const claims of [{ a: 'x' }, { a: ['x'] }, { a: null }, {}]) expect(readText(claims, [['a', '0']])).toBeUndefined();
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
