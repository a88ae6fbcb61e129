import { describe, expect, it } from 'vitest';
import { unmetClaim, type ClaimCondition } from '../../../libs/introspection/src/protocol/required-claims.js';

const isMet = (condition: ClaimCondition, value: unknown) => unmetClaim({ x: value }, { x: condition }) === undefined;

describe('unmetClaim', () => {
  it('AT-08 wants a claim to be there: null and the empty text are not', () => {
    for (const value of ['a', 0, false, [], {}]) expect(isMet(true, value), JSON.stringify(value)).toBe(true);
    for (const value of [undefined, null, '']) expect(isMet(true, value), String(value)).toBe(false);
    expect(unmetClaim({}, { x: true })).toBe('x');
    expect(unmetClaim(Object.create({ x: 'a' }), { x: true })).toBe('x');
  });

  it('wants a text exactly', () => {
    expect(isMet('a', 'a')).toBe(true);
    expect(isMet('abc', 'b')).toBe(false);
    for (const value of ['A', 'ab', '', ['a'], null, { toString: () => 'a' }]) expect(isMet('a', value)).toBe(false);
  });

  it('wants one of several texts', () => {
    expect(isMet(['a', 'b'], 'b')).toBe(true);
    for (const value of ['c', 'ab', ['a'], undefined, 5]) expect(isMet(['a', 'b'], value)).toBe(false);
    // A list of one must not turn into a search in a text.
    expect(isMet(['abc'], 'b')).toBe(false);
    expect(isMet([''], '')).toBe(false);
  });

  it('asks a function, which sees the value and all claims', () => {
    const seen: unknown[] = [];
    const condition = (value: unknown, claims: unknown): boolean => {
      seen.push(value, claims);
      return true;
    };
    expect(isMet(condition, 5)).toBe(true);
    expect(seen).toEqual([5, { x: 5 }]);
    expect(isMet(() => true, undefined)).toBe(true);
  });

  it.each<[string, ClaimCondition]>([
    ['says no', () => false],
    ['says something else', () => 'yes' as unknown as boolean],
    ['says nothing', () => undefined as unknown as boolean],
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['promises yes', () => Promise.resolve(true) as unknown as boolean],
  ])('is not met by a function that %s', (_what, condition) => {
    expect(isMet(condition, 'a')).toBe(false);
  });

  it('leaves no unhandled rejection of a function that should not have been asynchronous', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    expect(isMet(() => Promise.reject(new Error('late')) as unknown as boolean, 'a')).toBe(false);
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('names the first that is unmet, in the order of the conditions', () => {
    expect(unmetClaim({ b: 'x' }, { b: true, c: true, a: true })).toBe('c');
    expect(unmetClaim({}, {})).toBeUndefined();
    expect(unmetClaim({}, { a: undefined } as unknown as Record<string, ClaimCondition>)).toBeUndefined();
  });

  it('finds a claim under another name where it is told how', () => {
    expect(unmetClaim({ azp: 'c1' }, { client_id: true }, (name) => (name === 'client_id' ? 'c1' : undefined))).toBeUndefined();
    expect(unmetClaim({ client_id: 'c1' }, { client_id: true }, () => undefined)).toBe('client_id');
  });
});
