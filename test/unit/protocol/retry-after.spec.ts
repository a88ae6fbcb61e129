import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from '../../../libs/introspection/src/protocol/retry-after.js';

const NOW = Date.UTC(2030, 0, 1, 12, 0, 0);

describe('parseRetryAfter', () => {
  it('reads seconds, at most 60', () => {
    fc.assert(
      fc.property(fc.nat(), (seconds) => {
        expect(parseRetryAfter(String(seconds), NOW)).toBe(Math.min(seconds, 60));
      }),
    );
  });

  it('reads through blanks', () => {
    expect(parseRetryAfter(' 5 ', NOW)).toBe(5);
    expect(parseRetryAfter(`\t${new Date(NOW + 30_000).toUTCString()} `, NOW)).toBe(30);
  });

  it('reads any number of digits (RFC 9110 §10.2.3)', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[1-9]\d{2,40}$/), (digits) => {
        expect(parseRetryAfter(digits, NOW)).toBe(60);
      }),
    );
  });

  it('reads dates, never before now and at most 60 s ahead', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000, max: 100_000 }), (seconds) => {
        const date = new Date(NOW + seconds * 1000).toUTCString();
        expect(parseRetryAfter(date, NOW)).toBe(Math.min(60, Math.max(0, seconds)));
      }),
    );
  });

  // RFC 9110 §5.6.7: a recipient must accept all three forms.
  it.each(['Tuesday, 01-Jan-30 12:00:30 GMT', 'Tue Jan  1 12:00:30 2030'])('reads the obsolete date %s', (date) => {
    expect(parseRetryAfter(date, NOW)).toBe(30);
  });

  it('is undefined for everything else, and never throws', () => {
    for (const value of [
      undefined,
      '',
      ' ',
      '-1',
      '+5',
      '1.5',
      '5s',
      '0x10',
      '1e3',
      'soon',
      '2030-01-01',
      'Tue, 99 Foo 2030 12:00:30 GMT',
      '5, 6',
    ])
      expect(parseRetryAfter(value, NOW)).toBeUndefined();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const seconds = parseRetryAfter(value, NOW);
        expect(seconds === undefined || (Number.isInteger(seconds) && seconds >= 0 && seconds <= 60)).toBe(true);
      }),
    );
  });
});
