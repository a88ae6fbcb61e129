import { describe, expect, it } from 'vitest';
import { listOf, scopesOf } from '../../../libs/introspection/src/protocol/requirement.js';

describe('scopesOf', () => {
  it('names all that are needed, and all of which one is needed, each once', () => {
    expect(scopesOf({})).toEqual([]);
    expect(scopesOf({ scopes: ['a', 'b'] })).toEqual(['a', 'b']);
    expect(scopesOf({ anyScope: ['c', 'd'] })).toEqual(['c', 'd']);
    expect(scopesOf({ scopes: ['a', 'b'], anyScope: ['b', 'c'] })).toEqual(['a', 'b', 'c']);
  });
});

describe('listOf', () => {
  it('makes a list of one text, and leaves a list', () => {
    expect(listOf('ab')).toEqual(['ab']);
    expect(listOf(['a', 'b'])).toEqual(['a', 'b']);
    expect(listOf('')).toEqual(['']);
  });
});
