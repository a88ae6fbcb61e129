import { describe, expect, it } from 'vitest';
import {
  ACCESS_TOKEN_TYPE,
  hasMarksOfAnotherToken,
  isAcceptedType,
  isAnotherToken,
  isDPoPToken,
} from '../../../libs/introspection/src/protocol/token-purpose.js';

describe('isAcceptedType', () => {
  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt'])('JWT-20 accepts typ %s', (typ) => {
    expect(isAcceptedType({ typ }, [ACCESS_TOKEN_TYPE])).toBe(true);
  });

  it.each(['JWT', '', 'id+jwt', 'at+jwt ', 'example/at+jwt', 5, null, ['at+jwt'], undefined])('AT-01 refuses typ %j', (typ) => {
    expect(isAcceptedType({ typ }, [ACCESS_TOKEN_TYPE, null])).toBe(false);
  });

  it('AT-01 accepts a header without typ only where null is listed', () => {
    expect(isAcceptedType({}, [ACCESS_TOKEN_TYPE])).toBe(false);
    expect(isAcceptedType({}, [ACCESS_TOKEN_TYPE, null])).toBe(true);
    expect(isAcceptedType(Object.create({ typ: 'at+jwt' }), [ACCESS_TOKEN_TYPE])).toBe(false);
  });
});

describe('hasMarksOfAnotherToken', () => {
  it.each([
    { at_hash: 'x' },
    { c_hash: 'x' },
    { s_hash: 'x' },
    { events: {} },
    { token_introspection: {} },
    { events: null },
    { typ: 'ID' },
    { typ: 'Refresh' },
    { typ: 'bearer' },
    { typ: 5 },
    { token_use: 'id' },
    { token_use: 'refresh' },
    { token_use: '' },
    { typ: 'Bearer', token_use: 'id' },
  ])('JWT-23 sees them in %j', (claims) => {
    expect(hasMarksOfAnotherToken({ sub: 'u1', ...claims })).toBe(true);
  });

  it.each([{}, { typ: 'Bearer' }, { typ: 'DPoP' }, { token_use: 'access' }, { nonce: 'x' }, { sid: 'x' }])(
    'sees none in %j',
    (claims) => {
      expect(hasMarksOfAnotherToken({ sub: 'u1', ...claims })).toBe(false);
    },
  );
});

describe('isAnotherToken', () => {
  it.each([
    { token_type: 'refresh_token' },
    { token_type: '' },
    { token_type: 'mac' },
    { token_type: 5 },
    { token_use: 'refresh' },
    { token_use: 'id' },
    { token_use: '' },
    { token_use: ['access'] },
    { typ: 'Refresh' },
    { typ: 'OFFLINE' },
    { typ: 'ID' },
    { typ: 'Logout' },
  ])('IRESP-17 sees in %j that it is no access token', (members) => {
    expect(isAnotherToken({ active: true, ...members })).toBe(true);
  });

  it.each([
    {},
    { token_type: 'Bearer' },
    { token_type: 'BEARER' },
    { token_type: 'DPoP' },
    { token_type: 'access_token' },
    { token_type: null },
    { token_use: 'access' },
    { token_use: 'Access_Token' },
    { token_use: null },
    { typ: 'Bearer' },
    { typ: 'at+jwt' },
    { typ: 5 },
    { typ: null },
  ])('IRESP-18 takes %j for an access token', (members) => {
    expect(isAnotherToken({ active: true, ...members })).toBe(false);
  });
});

describe('isDPoPToken', () => {
  it('IRESP-18 knows the scheme in any spelling', () => {
    for (const token_type of ['DPoP', 'dpop', 'DPOP']) expect(isDPoPToken({ token_type })).toBe(true);
    for (const token_type of ['Bearer', '', null, undefined, 5]) expect(isDPoPToken({ token_type })).toBe(false);
  });
});
