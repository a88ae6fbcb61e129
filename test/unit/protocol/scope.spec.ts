import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isScopeToken, parseScope, unique } from '../../../libs/introspection/src/protocol/scope.js';

const scopeToken = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,20}$/);

describe('scopes', () => {
  it('come back from their string, each once, in their order', () => {
    fc.assert(
      fc.property(fc.array(scopeToken), fc.stringMatching(/^ {1,3}$/), (scopes, gap) => {
        expect(parseScope(scopes.join(gap))).toEqual([...new Set(scopes)]);
        expect(parseScope(`${gap}${scopes.join(gap)}${gap}`)).toEqual(unique(scopes));
      }),
    );
  });

  it('are split at spaces and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const scopes = parseScope(text);
        expect(scopes.every((scope) => scope !== '' && !scope.includes(' '))).toBe(true);
        expect(new Set(scopes)).toEqual(new Set(text.split(' ').filter(Boolean)));
      }),
    );
    expect(parseScope('a\tb\nc,d')).toEqual(['a\tb\nc,d']);
  });

  it('have the alphabet of RFC 6749 §3.3', () => {
    fc.assert(
      fc.property(scopeToken, (scope) => {
        expect(isScopeToken(scope)).toBe(true);
      }),
    );
    for (const value of ['', ' ', 'a b', '"', '\\', 'é', 'a\n', '\u007f', 5, null, undefined, ['a'], { toString: 1 }])
      expect(isScopeToken(value)).toBe(false);
  });
});
