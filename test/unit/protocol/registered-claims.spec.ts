import { describe, expect, it } from 'vitest';
import {
  audienceOf,
  isIntendedFor,
  timeFault,
  wronglyTypedClaim,
} from '../../../libs/introspection/src/protocol/registered-claims.js';

const NOW = 1_900_000_000;
const fault = (claims: Record<string, unknown>, tolerance = 0) => timeFault(claims, NOW * 1000, tolerance);

describe('timeFault', () => {
  it.each([
    [NOW + 1, 0, undefined],
    [NOW + 0.5, 0, undefined],
    [NOW, 0, 'expired'],
    [NOW - 1, 0, 'expired'],
    [NOW - 29, 30, undefined],
    [NOW - 30, 30, 'expired'],
    [0, 300, 'expired'],
  ])('JWT-11 JWT-12 judges exp %d with a tolerance of %d s as %s', (exp, tolerance, expected) => {
    expect(fault({ exp }, tolerance)).toBe(expected);
  });

  it.each([
    [NOW, 0, undefined],
    [NOW + 1, 0, 'not_yet_valid'],
    [NOW + 30, 30, undefined],
    [NOW + 31, 30, 'not_yet_valid'],
    [0, 0, undefined],
  ])('JWT-13 judges nbf %d with a tolerance of %d s as %s', (nbf, tolerance, expected) => {
    expect(fault({ nbf }, tolerance)).toBe(expected);
  });

  it.each([
    [NOW + 60, 0, undefined],
    [NOW + 61, 0, 'not_yet_valid'],
    [NOW + 61, 300, 'not_yet_valid'],
    [NOW - 10_000_000, 0, undefined],
  ])('JWT-14 judges iat %d with a tolerance of %d s as %s', (iat, tolerance, expected) => {
    expect(fault({ iat }, tolerance)).toBe(expected);
  });

  it('JWT-29 lets nothing pass where the clock tells no time', () => {
    expect(timeFault({ exp: NOW }, Number.NaN, 5)).toBe('expired');
    expect(timeFault({ nbf: NOW }, Number.NaN, 5)).toBe('not_yet_valid');
    expect(timeFault({ iat: NOW }, Number.NaN, 5)).toBe('not_yet_valid');
  });

  it('finds nothing wrong where no times are, and leaves types to others', () => {
    for (const claims of [{}, { exp: undefined }, { exp: '1', nbf: '9999999999', iat: '9999999999' }, { exp: null }])
      expect(fault(claims)).toBeUndefined();
  });
});

describe('wronglyTypedClaim', () => {
  const wrong = (name: string, value: unknown) => wronglyTypedClaim({ [name]: value }, [name]);

  it.each(['iss', 'sub', 'jti', 'client_id', 'token_type'])('JWT-19 wants a text for %s', (name) => {
    for (const value of [5, null, ['x'], {}, true]) expect(wrong(name, value)).toBe(name);
    for (const value of ['x', '']) expect(wrong(name, value)).toBeUndefined();
  });

  it.each(['exp', 'nbf', 'iat'])('JWT-15 wants a finite number for %s', (name) => {
    for (const value of ['1999999999', null, Infinity, -Infinity, Number.NaN, [], {}]) expect(wrong(name, value)).toBe(name);
    for (const value of [0, -1, 5.5, 1e20]) expect(wrong(name, value)).toBeUndefined();
  });

  it('JWT-16 wants a text or a list of texts for aud', () => {
    for (const value of [5, null, ['x', 5], {}, [null], [['x']]]) expect(wrong('aud', value)).toBe('aud');
    for (const value of ['x', ['x', 'y'], []]) expect(wrong('aud', value)).toBeUndefined();
  });

  it('wants an object for cnf and a boolean for active', () => {
    for (const value of ['x', null, [], 5]) expect(wrong('cnf', value)).toBe('cnf');
    expect(wrong('cnf', {})).toBeUndefined();
    for (const value of ['true', 1, null]) expect(wrong('active', value)).toBe('active');
    expect(wrong('active', false)).toBeUndefined();
  });

  it('names the first of those it is asked about, and nothing else', () => {
    const claims = { sub: 5, iss: 5, extra: 5 };
    expect(wronglyTypedClaim(claims, ['exp', 'iss', 'sub'])).toBe('iss');
    expect(wronglyTypedClaim(claims, ['exp', 'nbf'])).toBeUndefined();
    expect(wronglyTypedClaim(claims, ['extra'])).toBeUndefined();
    expect(wronglyTypedClaim(Object.create({ sub: 5 }), ['sub'])).toBeUndefined();
  });
});

describe('audienceOf and isIntendedFor', () => {
  it('read one audience, several, or none', () => {
    expect(audienceOf({ aud: 'a' })).toEqual(['a']);
    expect(audienceOf({ aud: ['a', 'b'] })).toEqual(['a', 'b']);
    for (const claims of [{}, { aud: null }, { aud: 5 }, Object.create({ aud: 'a' })]) expect(audienceOf(claims)).toEqual([]);
  });

  it('AT-03 compare exactly', () => {
    const ours = ['https://rs.example.com', 'api'];
    expect(isIntendedFor(['other', 'api'], ours)).toBe(true);
    for (const audience of [[], ['https://rs.example.com/'], ['https://RS.example.com'], ['https://rs.example'], ['ap']])
      expect(isIntendedFor(audience, ours)).toBe(false);
  });
});
