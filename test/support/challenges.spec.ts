import { describe, expect, it } from 'vitest';
import { parseChallenges } from './challenges.js';

const parse = (...lines: string[]): unknown =>
  parseChallenges(lines).map(({ scheme, params, token68 }) => [
    scheme,
    Object.fromEntries(params),
    ...(token68 === undefined ? [] : [token68]),
  ]);

// Every challenge assertion of the suite stands on this parser: it must refuse what a lenient client would forgive.
describe('the strict challenge parser', () => {
  it('reads several challenges in one line and in several', () => {
    const both = [
      ['Bearer', { realm: 'a, b', error: 'invalid_token' }],
      ['DPoP', { algs: 'ES256' }],
    ];
    expect(parse('Bearer realm="a, b", error=invalid_token, DPoP algs="ES256"')).toEqual(both);
    expect(parse('Bearer realm="a, b", error=invalid_token', 'DPoP algs="ES256"')).toEqual(both);
  });

  it('unescapes quoted strings, lowers parameter names, knows token68 and bare schemes', () => {
    expect(parse(String.raw`Bearer Realm="a\"b\\c"`)).toEqual([['Bearer', { realm: String.raw`a"b\c` }]]);
    expect(parse('Negotiate YWJj==, Basic')).toEqual([
      ['Negotiate', {}, 'YWJj=='],
      ['Basic', {}],
    ]);
  });

  it.each([
    ['an empty line', ''],
    ['an empty list element', 'Bearer realm="a",, error="b"'],
    ['a trailing comma', 'Bearer realm="a",'],
    ['a leading comma', ', Bearer realm="a"'],
    ['whitespace before =', 'Bearer realm ="a"'],
    ['whitespace after =', 'Bearer realm= "a"'],
    ['a parameter twice', 'Bearer realm="a", REALM="b"'],
    ['an open quoted string', 'Bearer realm="a'],
    ['an unescaped quote', 'Bearer realm="a"b"'],
    ['a control character', 'Bearer realm="a\u0007"'],
    ['parameters without a comma', 'Bearer realm="a" error="b"'],
    ['a value that is neither token nor quoted string', 'Bearer realm=a b'],
    ['a scheme that is no token', 'Bear"er realm="a"'],
    ['a scheme and spaces, then nothing', 'Bearer '],
  ])('refuses %s', (_what, line) => {
    expect(() => parse(line)).toThrow();
  });
});
