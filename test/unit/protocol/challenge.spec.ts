import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatChallenge, isQuotable } from '../../../libs/introspection/src/protocol/challenge.js';
import { parseChallenges } from '../../support/challenges.js';

const quotable = fc.stringMatching(/^[\t\x20-\x7e]{0,40}$/);
const anything = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\r\n', '"', '\\', '\\"', '\u0000', '\u2028', 'é'),
);

function only(header: string): Map<string, string> {
  const challenges = parseChallenges([header]);
  expect(challenges).toHaveLength(1);
  expect(challenges[0]?.scheme).toBe('Bearer');
  return challenges[0]?.params ?? new Map();
}

describe('formatChallenge', () => {
  it('comes back from a strict parser as it was, for every text that a quoted-string can hold', () => {
    fc.assert(
      fc.property(quotable, quotable, (realm, scope) => {
        expect(Object.fromEntries(only(formatChallenge('Bearer', { realm, scope })))).toEqual({ realm, scope });
      }),
    );
  });

  it('T63 is one challenge with the same parameters, whatever the texts hold', () => {
    fc.assert(
      fc.property(anything, anything, anything, (realm, error, description) => {
        const header = formatChallenge('Bearer', { realm, error, error_description: description });
        expect(header).toMatch(/^[\t\x20-\x7e]*$/);
        const params = only(header);
        expect([...params.keys()]).toEqual(['realm', 'error', 'error_description']);
        // RFC 6750 §3: not even escaped.
        for (const name of ['error', 'error_description']) expect(params.get(name)).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
      }),
    );
  });

  it('puts one character in the place of each that does not fit', () => {
    const params = only(formatChallenge('Bearer', { realm: 'é"\n', error_description: 'a"b\\c\té' }));
    expect(Object.fromEntries(params)).toEqual({ realm: '?"?', error_description: "a'b'c??" });
  });

  it('leaves out what is undefined', () => {
    expect([...only(formatChallenge('Bearer', { realm: 'api', error: undefined })).keys()]).toEqual(['realm']);
  });
});

describe('isQuotable', () => {
  it('is true of exactly the texts that pass unchanged', () => {
    fc.assert(
      fc.property(anything, (realm) => {
        expect(only(formatChallenge('Bearer', { realm })).get('realm') === realm).toBe(isQuotable(realm));
      }),
    );
  });
});
