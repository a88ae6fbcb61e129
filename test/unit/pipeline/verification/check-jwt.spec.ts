import { describe, expect, it } from 'vitest';
import { checkJwt, isStillValid } from '../../../../libs/introspection/src/pipeline/verification/check-jwt.js';
import { InvalidTokenError } from '../../../../libs/introspection/src/protocol/errors.js';
import { parseUnverifiedJwt } from '../../../../libs/introspection/src/protocol/compact-jwt.js';
import { AUDIENCE } from '../../../support/authorization-server.js';
import { ISSUER, issuerOptions, NOW_SECONDS, refusalReason } from '../../../support/issuer-options.js';
import { compact, type Part } from '../../../support/tokens.js';

type Members = Record<string, unknown>;

const HEADER = { alg: 'ES256', typ: 'at+jwt', kid: 'k1' };
const CLAIMS = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'u1',
  client_id: 'c1',
  jti: 'j1',
  scope: 'read',
  iat: NOW_SECONDS - 10,
  exp: NOW_SECONDS + 300,
};
const SIGNATURE = Buffer.alloc(64, 1);
const EXPECTED = { audience: [AUDIENCE], allowMissingAudience: false };

function judge(jwtText: string, options: Members = {}, expected: { audience: string[] | null } = EXPECTED, tolerance = 0) {
  const jwt = parseUnverifiedJwt(jwtText);
  if (jwt === undefined) throw new Error('not in the shape of a JWT');
  const instant = { nowMs: NOW_SECONDS * 1000, toleranceSeconds: tolerance };
  return () => checkJwt(jwt, issuerOptions(options), { allowMissingAudience: false, ...expected }, instant);
}

const write = (header: Members = {}, claims: Members | Part = {}, signature: Buffer | '' = SIGNATURE): string => {
  const isPart = typeof claims === 'string' || Buffer.isBuffer(claims) || Array.isArray(claims);
  return compact({ ...HEADER, ...header }, isPart ? claims : { ...CLAIMS, ...claims }, signature);
};
const reason = (token: string, options?: Members) => refusalReason(judge(token, options));
const claimsReason = (claims: Members, options?: Members) => reason(write({}, claims), options);

describe('checkJwt on the header', () => {
  it('AT-01 lets a complete access token pass', async () => {
    expect(await reason(write())).toBeUndefined();
    expect(await reason(write({ kid: undefined, extra: 5 }, { extra: 5 }))).toBeUndefined();
  });

  it.each<[row: string, what: string, header: Members, expected: string]>([
    ['JWT-06', 'an algorithm that is not allowed', { alg: 'HS256' }, 'algorithm'],
    ['JWT-07', 'an algorithm in another case', { alg: 'es256' }, 'algorithm'],
    ['JWT-08', 'an extension', { crit: ['exp2'], exp2: 1 }, 'malformed'],
    ['JWT-10', 'an unencoded payload', { b64: false }, 'malformed'],
    ['JWT-21', 'a nested JWT', { cty: 'JWT' }, 'type'],
    ['JWK-15', 'a kid that is no text', { kid: 5 }, 'malformed'],
    ['JWK-15', 'a kid of null', { kid: null }, 'malformed'],
    ['AT-01', 'another type', { typ: 'JWT' }, 'type'],
    ['AT-01', 'no type', { typ: undefined }, 'type'],
  ])('%s refuses %s', async (_row, _what, header, expected) => {
    expect(await reason(write(header))).toBe(expected);
  });

  it('JWT-05 refuses a token without a signature', async () => {
    expect(await reason(write({}, {}, ''))).toBe('malformed');
  });

  it('JWT-02 refuses a text that stands for the same bytes as another', async () => {
    const token = write({}, {}, Buffer.alloc(1));
    expect(token.endsWith('.AA')).toBe(true);
    expect(await reason(`${token.slice(0, -1)}B`)).toBe('malformed');
  });

  it('JWT-06 takes the algorithms from the options', async () => {
    expect(await reason(write({ alg: 'RS256' }), { algorithms: ['ES256'] })).toBe('algorithm');
    expect(await reason(write({ alg: 'RS256' }), { algorithms: ['ES256', 'RS256'] })).toBeUndefined();
  });

  it('tells the operator the types that everybody knows, and repeats no other', () => {
    const detail = (typ: unknown): string => {
      try {
        judge(write({ typ }))();
      } catch (error) {
        return (error as InvalidTokenError).detail ?? '';
      }
      return '';
    };
    expect(detail('JWT')).toContain('JWT');
    expect(detail(undefined)).not.toBe(detail('id+jwt'));
    expect(detail('id+jwt')).not.toContain('id+jwt');
    expect(detail('id+jwt')).toBe(detail('something else'));
    for (const typ of ['JWT', undefined, 'x']) expect(detail(typ)).toContain('tokenTypes');
    const plain = () => judge(write({}), { tokenTypes: ['JWT'] })();
    expect(plain).toThrow(expect.objectContaining({ detail: expect.stringContaining('at+jwt') as unknown }));
  });
});

describe('checkJwt on the claims', () => {
  it.each<[string, Part]>([
    ['a list', []],
    ['a text', '"x"'],
    ['no JSON', 'x{'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('JWT-03 refuses a payload that is %s', async (_what, payload) => {
    expect(await reason(write({}, payload))).toBe('malformed');
  });

  it.each<[string, Members]>([
    ['iss', { iss: 5 }],
    ['exp', { exp: '1999999999' }],
    ['nbf', { nbf: '0' }],
    ['iat', { iat: null }],
    ['aud', { aud: [AUDIENCE, 5] }],
    ['sub', { sub: 123 }],
    ['client_id', { client_id: 5 }],
    ['jti', { jti: 5 }],
    ['cnf', { cnf: 'x' }],
  ])('JWT-15 JWT-16 JWT-19 refuses %s of a wrong type, and names it to the operator', async (name, claims) => {
    expect(await claimsReason(claims, { requiredClaims: [] })).toBe('claim');
    expect(judge(write({}, claims), { requiredClaims: [] })).toThrow(
      expect.objectContaining({ detail: expect.stringContaining(name) as unknown }),
    );
  });

  it.each([`${ISSUER}/`, 'https://AS.example.com', 'https://other.example.com', '', undefined])(
    'AT-02 refuses iss %j',
    async (iss) => {
      expect(await claimsReason({ iss })).toBe('issuer');
    },
  );

  it('AT-08 wants exp, whatever is required besides', async () => {
    expect(await claimsReason({ exp: undefined })).toBe('claim');
    expect(await claimsReason({ exp: undefined }, { requiredClaims: [] })).toBe('claim');
  });

  it.each(['sub', 'client_id', 'iat', 'jti'])('AT-08 wants %s unless the options say otherwise', async (name) => {
    expect(await claimsReason({ [name]: undefined })).toBe('claim');
    expect(await claimsReason({ [name]: undefined }, { requiredClaims: [] })).toBeUndefined();
    expect(judge(write({}, { [name]: undefined }))).toThrow(
      expect.objectContaining({ detail: expect.stringContaining(name) as unknown }),
    );
  });

  it('AT-08 finds client_id and jti where the options map them', async () => {
    const mapped = { claims: { clientId: 'azp', tokenId: 'uti' } };
    const claims = { client_id: undefined, jti: undefined };
    expect(await claimsReason({ ...claims, azp: 'c1', uti: 'j1' }, mapped)).toBeUndefined();
    expect(await claimsReason({ ...claims, azp: 'c1' }, mapped)).toBe('claim');
    expect(await claimsReason({ ...claims, uti: 'j1' }, mapped)).toBe('claim');
    expect(await claimsReason({}, mapped)).toBe('claim');
  });

  it('AT-08 takes what a claim must be from the options', async () => {
    const requiredClaims = { tenant: 't1' };
    expect(await claimsReason({ tenant: 't1' }, { requiredClaims })).toBeUndefined();
    expect(await claimsReason({ tenant: 't2' }, { requiredClaims })).toBe('claim');
  });

  it.each<[Members, string | undefined]>([
    [{ exp: NOW_SECONDS }, 'expired'],
    [{ exp: NOW_SECONDS + 1 }, undefined],
    [{ nbf: NOW_SECONDS + 1 }, 'not_yet_valid'],
    [{ nbf: NOW_SECONDS }, undefined],
    [{ iat: NOW_SECONDS + 61 }, 'not_yet_valid'],
  ])('JWT-11 JWT-13 JWT-14 judges %j as %s', async (claims, expected) => {
    expect(await claimsReason(claims)).toBe(expected);
  });

  it('JWT-29 tells the operator to compare the clocks only where that may help', () => {
    const clocks = expect.objectContaining({ detail: expect.stringContaining('clock') as unknown }) as unknown;
    expect(judge(write({}, { nbf: NOW_SECONDS + 5 }))).toThrow(clocks as Error);
    expect(judge(write({}, { exp: NOW_SECONDS - 5 }))).not.toThrow(clocks as Error);
  });

  it('JWT-12 allows for clocks that differ', async () => {
    const token = write({}, { exp: NOW_SECONDS - 29, nbf: NOW_SECONDS + 30 });
    expect(await refusalReason(judge(token, {}, EXPECTED, 30))).toBeUndefined();
    expect(await refusalReason(judge(token, {}, EXPECTED, 29))).toBe('expired');
  });

  it.each([undefined, 'https://other.example.com', `${AUDIENCE}/`, 'https://rs.example', [], ['https://RS.example.com']])(
    'AT-03 refuses aud %j',
    async (aud) => {
      expect(await claimsReason({ aud })).toBe('audience');
    },
  );

  it('AT-03 accepts a list that holds ours, and any audience where the operator wrote so', async () => {
    expect(await claimsReason({ aud: ['https://other.example.com', AUDIENCE] })).toBeUndefined();
    for (const aud of ['https://other.example.com', undefined])
      expect(await refusalReason(judge(write({}, { aud }), {}, { audience: null }))).toBeUndefined();
  });
});

describe('isStillValid', () => {
  const at = (seconds: number, toleranceSeconds = 0) => ({ nowMs: seconds * 1000, toleranceSeconds });
  const verified = { claims: { ...CLAIMS, nbf: NOW_SECONDS }, audience: [AUDIENCE] };
  const holds = (options: Members = {}, expected: { audience: string[] | null } = EXPECTED, instant = at(NOW_SECONDS)) =>
    isStillValid(verified, issuerOptions(options), { allowMissingAudience: false, ...expected }, instant);

  it('AT-06 judges the time again', () => {
    expect(holds()).toBe(true);
    expect(holds({}, EXPECTED, at(NOW_SECONDS + 299))).toBe(true);
    expect(holds({}, EXPECTED, at(NOW_SECONDS + 300))).toBe(false);
    expect(holds({}, EXPECTED, at(NOW_SECONDS + 300, 1))).toBe(true);
    expect(holds({}, EXPECTED, at(NOW_SECONDS - 1))).toBe(false);
  });

  it('AT-03 judges the audience again', () => {
    expect(holds({}, { audience: ['https://other.example.com'] })).toBe(false);
    expect(holds({}, { audience: ['https://other.example.com', AUDIENCE] })).toBe(true);
    expect(holds({}, { audience: null })).toBe(true);
  });

  it('AT-08 asks the application again, and nothing that cannot have changed', () => {
    let accepts = true;
    const requiredClaims = { sub: () => accepts };
    expect(holds({ requiredClaims })).toBe(true);
    accepts = false;
    expect(holds({ requiredClaims })).toBe(false);
    expect(holds({ requiredClaims: { sub: 'u1' } })).toBe(true);
  });
});

describe('checkJwt on tokens whose type does not say what they are for', () => {
  const legacy = { tokenTypes: ['at+jwt', 'JWT'] };
  const plain = (claims: Members) => reason(write({ typ: 'JWT' }, claims), legacy);

  it('JWT-23 accepts one with a client other than its audience, or with scopes', async () => {
    expect(await plain({ scope: undefined })).toBeUndefined();
    expect(await plain({ client_id: AUDIENCE })).toBeUndefined();
  });

  it.each<[string, Members]>([
    ['no scopes and its own client as the audience', { scope: undefined, client_id: AUDIENCE }],
    ['empty scopes and its own client as the audience', { scope: '', client_id: AUDIENCE }],
    ['the marks of an ID token', { at_hash: 'x' }],
    ['the marks of a logout token', { events: {} }],
    ['another use', { token_use: 'id' }],
  ])('JWT-23 refuses one with %s', async (_what, claims) => {
    expect(await plain(claims)).toBe('type');
    // RFC 9068's own type has said already what the token is for.
    expect(await reason(write({}, claims))).toBeUndefined();
  });

  it('JWT-23 refuses one with neither scopes nor a client', async () => {
    const token = write({ typ: 'JWT' }, { scope: undefined, client_id: undefined });
    expect(await reason(token, { ...legacy, requiredClaims: [] })).toBe('type');
  });
});
