import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isToken68, parseAuthorization } from '../../../libs/introspection/src/protocol/authorization-header.js';

const parse = (value: string) => parseAuthorization(value, 8192);

const token68 = fc.stringMatching(/^[A-Za-z0-9\-._~+/]{1,80}={0,3}$/);
const spelling = fc.mixedCase(fc.constant('bearer'));
const spaces = fc.stringMatching(/^ {1,5}$/);
const blanks = fc.stringMatching(/^[ \t]{0,4}$/);
const scheme = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,20}$/).filter((name) => name.toLowerCase() !== 'bearer');

describe('parseAuthorization', () => {
  it('finds every token68 behind any spelling of the scheme, byte for byte', () => {
    fc.assert(
      fc.property(blanks, spelling, spaces, token68, blanks, (before, name, between, token, after) => {
        expect(parse(`${before}${name}${between}${token}${after}`)).toEqual({ kind: 'bearer', token });
      }),
    );
  });

  it('never gives out a token that is not a token68, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `Bearer ${text}`),
        ),
        (value) => {
          const field = parse(value);
          if (field.kind === 'bearer') expect(field.token).toMatch(/^[A-Za-z0-9\-._~+/]+=*$/);
        },
      ),
    );
  });

  it('refuses a character that no token has, wherever it stands', () => {
    const foreign = fc
      .string({ minLength: 1, maxLength: 1, unit: 'binary' })
      .filter((text) => !/^[A-Za-z0-9\-._~+/= \t]$/.test(text));
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]{1,20}$/), foreign, fc.stringMatching(/^[a-z0-9]{1,20}$/), (head, bad, tail) => {
        expect(parse(`Bearer ${head}${bad}${tail}`)).toEqual({ kind: 'malformed' });
      }),
    );
  });

  it.each([
    'Bearer',
    'Bearer ',
    'Bearer =',
    'Bearer a b',
    'Bearer\ta',
    'Bearer a=b',
    'Bearer,a',
    'Bearer a,Bearer b',
    'Bearer:a',
    'Bearer"a"',
  ])('refuses %j', (value) => {
    expect(parse(value)).toEqual({ kind: 'malformed' });
  });

  it('leaves other schemes alone, whatever follows them', () => {
    fc.assert(
      fc.property(scheme, fc.string(), (name, rest) => {
        expect(parse(`${name} ${rest}`)).toEqual({ kind: 'none' });
      }),
    );
  });

  it.each<[field: string, kind: string]>([
    ['Basic', 'none'],
    ['Basic\tx', 'none'],
    ['Basic  x y', 'none'],
    ['Bearers x', 'none'],
    ['Basic,x', 'malformed'],
    ['Basic"x"', 'malformed'],
    ['"Basic" x', 'malformed'],
    [',', 'malformed'],
  ])('reads the scheme of %j as a whole: %s', (field, kind) => {
    expect(parse(field)).toEqual({ kind });
  });

  it('looks at no token that is too long, and does not count the spaces before it', () => {
    const token = 'a'.repeat(8192);
    expect(parse(`Bearer ${token}`)).toEqual({ kind: 'bearer', token });
    expect(parse(`Bearer   ${token}  `)).toEqual({ kind: 'bearer', token });
    for (const longer of [`${token}a`, `${token} `.repeat(2), `${token}"`])
      expect(parse(`Bearer ${longer}`)).toEqual({ kind: 'too_long' });
  });

  it('takes a field of blanks for none', () => {
    fc.assert(
      fc.property(blanks, (value) => {
        expect(parse(value)).toEqual({ kind: 'none' });
      }),
    );
  });

  it('takes no longer for hostile lengths', () => {
    const started = performance.now();
    for (const value of [
      `Bearer ${'='.repeat(200_000)}`,
      `Bearer ${'a'.repeat(200_000)}!`,
      ' '.repeat(200_000),
      `Bearer${' '.repeat(200_000)}`,
    ])
      parse(value);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('isToken68', () => {
  it('agrees with the grammar of RFC 9110 §11.2', () => {
    fc.assert(
      fc.property(token68, (token) => {
        expect(isToken68(token)).toBe(true);
      }),
    );
    for (const text of ['', '=', '==', 'a=a', 'a ', 'a\n', 'a\u0000', 'ä']) expect(isToken68(text)).toBe(false);
  });
});
