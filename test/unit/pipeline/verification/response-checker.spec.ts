import { describe, expect, it } from 'vitest';
import { ResponseChecker } from '../../../../libs/introspection/src/pipeline/verification/response-checker.js';
import type { IntrospectionResponse } from '../../../../libs/introspection/src/protocol/introspection-response.js';
import { AUDIENCE } from '../../../support/authorization-server.js';
import { ISSUER, issuerOptions, NOW_SECONDS, refusalReason } from '../../../support/issuer-options.js';

type Members = Record<string, unknown>;

const ANSWER = {
  active: true,
  token_type: 'Bearer',
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'u1',
  client_id: 'c1',
  scope: 'read',
  exp: NOW_SECONDS + 300,
};
const EXPECTED = { audience: [AUDIENCE] as string[] | null, allowMissingAudience: false };

function check(members: Members = {}, options: Members = {}, expected = EXPECTED, toleranceSeconds = 0) {
  const answer = Object.fromEntries(Object.entries({ ...ANSWER, ...members }).filter(([, value]) => value !== undefined));
  const instant = { nowMs: NOW_SECONDS * 1000, toleranceSeconds };
  return new ResponseChecker(issuerOptions(options)).check(answer as IntrospectionResponse, expected, instant);
}

const reason = (members: Members, options?: Members, expected?: typeof EXPECTED) =>
  refusalReason(() => check(members, options, expected));

describe('A response that is checked', () => {
  it('hands over what the server said, without active', () => {
    const { active: _active, ...claims } = ANSWER;
    expect(check()).toEqual({
      issuer: ISSUER,
      claims,
      facts: claims,
      mapping: issuerOptions().claims,
      audience: [AUDIENCE],
      scopes: ['read'],
      expiresAtSeconds: NOW_SECONDS + 300,
      verifiedBy: 'introspection',
    });
    expect(Object.isFrozen(check().claims)).toBe(true);
    expect(Object.isFrozen(check().facts)).toBe(true);
  });

  it('IRESP-03 refuses a token that is not active', async () => {
    expect(await reason({ active: false })).toBe('inactive');
  });

  it.each<[row: string, members: Members, expected: string | undefined]>([
    ['IRESP-04', { exp: NOW_SECONDS }, 'expired'],
    ['IRESP-04', { exp: NOW_SECONDS + 1 }, undefined],
    ['IRESP-05', { nbf: NOW_SECONDS + 600 }, 'not_yet_valid'],
    ['IRESP-07', { aud: 'https://other.example.com' }, 'audience'],
    ['IRESP-07', { aud: ['https://other.example.com', AUDIENCE] }, undefined],
    ['IRESP-07', { aud: 'https://RS.example.com' }, 'audience'],
    ['IRESP-07', { aud: 5 }, 'audience'],
    ['IRESP-07', { aud: [AUDIENCE, 5] }, 'audience'],
    ['IRESP-08', { aud: undefined }, 'audience'],
    ['IRESP-08', { aud: null }, 'audience'],
    ['IRESP-08', { aud: [] }, 'audience'],
    ['IRESP-09', { iss: `${ISSUER}/` }, 'issuer'],
    ['IRESP-09', { iss: 5 }, 'issuer'],
    ['IRESP-09', { iss: '' }, 'issuer'],
    ['IRESP-09', { iss: undefined }, undefined],
    ['IRESP-09', { iss: null }, undefined],
    ['IRESP-17', { token_type: 'refresh_token' }, 'type'],
    ['IRESP-18', { token_type: 'bearer' }, undefined],
    ['IRESP-17', { token_type: undefined }, undefined],
  ])('%s judges %j as %s', async (_row, members, expected) => {
    expect(await reason(members)).toBe(expected);
  });

  it('IRESP-08 accepts an answer without aud where the operator allowed it, and no other audience', async () => {
    const lenient = { ...EXPECTED, allowMissingAudience: true };
    for (const aud of [undefined, null, []]) expect(await reason({ aud }, {}, lenient)).toBeUndefined();
    expect(await reason({ aud: 'https://other.example.com' }, {}, lenient)).toBe('audience');
  });

  it('accepts any audience where the operator wrote null', async () => {
    const any = { ...EXPECTED, audience: null };
    for (const aud of ['https://other.example.com', undefined]) expect(await reason({ aud }, {}, any)).toBeUndefined();
  });

  it('tells the operator apart why an audience is refused', () => {
    const detail = (members: Members): unknown => {
      try {
        return check(members);
      } catch (error) {
        return (error as { detail?: string }).detail;
      }
    };
    expect(detail({ aud: undefined })).toContain('allowMissingAudience');
    expect(detail({ aud: 'https://other.example.com' })).not.toContain('allowMissingAudience');
    expect(detail({ aud: 5 })).not.toBe(detail({ iss: 5 }));
  });

  it('IRESP-17 wants token_type where the option says so', async () => {
    for (const token_type of [undefined, null]) expect(await reason({ token_type }, { requireTokenType: true })).toBe('type');
    expect(await reason({}, { requireTokenType: true })).toBeUndefined();
  });

  it('AT-08 wants required claims of answers only where they are given as conditions', async () => {
    expect(await reason({ jti: undefined, sub: undefined })).toBeUndefined();
    expect(await reason({ tenant: 't1' }, { requiredClaims: { tenant: 't1' } })).toBeUndefined();
    expect(await reason({ tenant: 't2' }, { requiredClaims: { tenant: 't1' } })).toBe('claim');
  });

  it('IRESP-06 reads the facts from what the operator allowed, and leaves the claims as sent', async () => {
    const compatibility = { numericStrings: true };
    const verified = check({ exp: String(NOW_SECONDS + 5), sub: 42 }, { compatibility });
    expect(verified).toMatchObject({ expiresAtSeconds: NOW_SECONDS + 5, facts: { sub: '42' }, claims: { sub: 42 } });
    expect(await reason({ exp: String(NOW_SECONDS) }, { compatibility })).toBe('expired');
  });

  it('IRESP-11 knows of no scopes where the server names none, and of no end', () => {
    expect(check({ scope: undefined, exp: undefined })).toMatchObject({ scopes: undefined, expiresAtSeconds: undefined });
    expect(check({ aud: ['a', AUDIENCE] }).audience).toEqual(['a', AUDIENCE]);
  });
});

describe('A response that is used again', () => {
  const answer = Object.freeze({ ...ANSWER }) as unknown as IntrospectionResponse;
  const at = (seconds: number) => ({ nowMs: seconds * 1000, toleranceSeconds: 0 });

  it('IRESP-04 IRESP-07 is checked for its time and audience again', async () => {
    const checker = new ResponseChecker(issuerOptions());
    const verified = checker.check(answer, EXPECTED, at(NOW_SECONDS));
    expect(checker.check(answer, EXPECTED, at(NOW_SECONDS + 299))).toEqual(verified);
    expect(await refusalReason(() => checker.check(answer, EXPECTED, at(NOW_SECONDS + 300)))).toBe('expired');
    const other = { ...EXPECTED, audience: ['https://other.example.com'] };
    expect(await refusalReason(() => checker.check(answer, other, at(NOW_SECONDS)))).toBe('audience');
  });

  it('AT-08 is shown to the application again', async () => {
    let accepts = true;
    const checker = new ResponseChecker(issuerOptions({ requiredClaims: { sub: () => accepts } }));
    checker.check(answer, EXPECTED, at(NOW_SECONDS));
    accepts = false;
    expect(await refusalReason(() => checker.check(answer, EXPECTED, at(NOW_SECONDS)))).toBe('claim');
  });

  it('IRESP-03 is refused again where it was refused, and vouches for no other', async () => {
    const checker = new ResponseChecker(issuerOptions());
    checker.check(answer, EXPECTED, at(NOW_SECONDS));
    const inactive = { active: false } as const;
    for (let use = 0; use < 2; use += 1)
      expect(await refusalReason(() => checker.check(inactive, EXPECTED, at(NOW_SECONDS)))).toBe('inactive');
  });
});
