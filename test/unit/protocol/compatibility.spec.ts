import { describe, expect, it } from 'vitest';
import { normalizeResponse, type Compatibility } from '../../../libs/introspection/src/protocol/compatibility.js';

const normalize = (response: Record<string, unknown>, allowed: Partial<Compatibility> = {}) =>
  normalizeResponse(response, {
    rawBasicEncoding: false,
    scopeArrays: false,
    scopeSeparator: ' ',
    zeroExpNeverExpires: false,
    numericStrings: false,
    anyContentType: false,
    omitTokenTypeHint: false,
    ...allowed,
  });

describe('normalizeResponse', () => {
  it('changes nothing unless the operator allowed it', () => {
    const response = { exp: '5', sub: 5, iat: 0, scope: ['a'], aud: [] };
    expect(normalize(response)).toEqual(response);
    expect(normalize({ exp: 0 })).toEqual({ exp: 0 });
  });

  it('leaves out what is null, but a binding of null stays', () => {
    expect(normalize({ exp: null, sub: 'u1', cnf: null, x: undefined })).toEqual({ sub: 'u1', cnf: null, x: undefined });
  });

  it('IRESP-06 reads times and a numeric sub with numericStrings', () => {
    const response = { exp: '1999999999', nbf: '0', iat: '123456789012345', sub: 42 };
    expect(normalize(response, { numericStrings: true })).toEqual({ exp: 1999999999, nbf: 0, iat: 123456789012345, sub: '42' });
  });

  it.each([
    { exp: '' },
    { exp: '-5' },
    { exp: '5.5' },
    { exp: ' 5' },
    { exp: '5 ' },
    { exp: '1e3' },
    { exp: '1234567890123456' },
    { exp: '5\n' },
    { exp: ['5'] },
    { sub: 5.5 },
    { sub: 2 ** 53 },
    { sub: 'u1' },
    { jti: 5 },
    { other: '5' },
  ])('leaves %j as it is, also with numericStrings', (response) => {
    expect(normalize(response, { numericStrings: true })).toEqual(response);
  });

  it('takes an exp of 0 for none with zeroExpNeverExpires, and no other member', () => {
    expect(normalize({ exp: 0, nbf: 0, iat: 0 }, { zeroExpNeverExpires: true })).toEqual({ nbf: 0, iat: 0 });
    expect(normalize({ exp: 1 }, { zeroExpNeverExpires: true })).toEqual({ exp: 1 });
    expect(normalize({ exp: '0' }, { zeroExpNeverExpires: true, numericStrings: true })).toEqual({});
    expect(normalize({ exp: '0' }, { zeroExpNeverExpires: true })).toEqual({ exp: '0' });
  });

  it('IRESP-13 keeps hostile names as plain members', () => {
    const response = JSON.parse('{"__proto__":{"admin":true},"constructor":1}') as Record<string, unknown>;
    const normalized = normalize(response);
    expect(Object.keys(normalized)).toEqual(['__proto__', 'constructor']);
    expect(normalized['admin']).toBeUndefined();
  });
});
