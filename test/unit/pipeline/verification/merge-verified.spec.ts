import { describe, expect, it } from 'vitest';
import { mergeVerified } from '../../../../libs/introspection/src/pipeline/verification/merge-verified.js';
import type { VerifiedToken } from '../../../../libs/introspection/src/pipeline/verification/verified-token.js';
import { audienceOf } from '../../../../libs/introspection/src/protocol/registered-claims.js';
import { readScopes } from '../../../../libs/introspection/src/protocol/claim-mapping.js';
import { ISSUER, issuerOptions, refusalReason } from '../../../support/issuer-options.js';

type Members = Record<string, unknown>;

/** What one source says, with facts that may be put right. */
function said(claims: Members, by: 'local' | 'introspection', facts: Members = claims, mapped: Members = {}): VerifiedToken {
  const mapping = issuerOptions({ claims: mapped }).claims;
  return {
    issuer: ISSUER,
    claims,
    facts,
    mapping,
    audience: audienceOf(facts),
    scopes: readScopes(facts, mapping),
    expiresAtSeconds: facts['exp'] as number | undefined,
    verifiedBy: by,
  };
}

const merge = (jwt: Members, answer: Members, mapped: Members = {}) =>
  mergeVerified(said(jwt, 'local', jwt, mapped), said(answer, 'introspection', answer, mapped));

describe('mergeVerified', () => {
  it('HYB-04 takes from each what only it says', () => {
    const merged = merge({ iss: ISSUER, sub: 'u1', jti: 'j1', exp: 10 }, { client_id: 'c1', username: 'ann' });
    expect(merged).toMatchObject({ issuer: ISSUER, verifiedBy: 'both', expiresAtSeconds: 10 });
    expect(merged.claims).toEqual({ iss: ISSUER, sub: 'u1', jti: 'j1', exp: 10, client_id: 'c1', username: 'ann' });
    expect(merged.facts).toEqual(merged.claims);
    expect(Object.isFrozen(merged.claims) && Object.isFrozen(merged.facts)).toBe(true);
  });

  it.each<[string, unknown, unknown, string]>([
    ['iss', ISSUER, 'https://other.example.com', 'claim'],
    ['sub', 'u1', 'u2', 'claim'],
    ['client_id', 'c1', 'c2', 'claim'],
    ['cnf', { jkt: 'a' }, { jkt: 'b' }, 'binding'],
    ['cnf', { jkt: 'a' }, null, 'binding'],
  ])('HYB-04 refuses a token of whose %s they say %j and %j', async (name, left, right, expected) => {
    expect(await refusalReason(() => merge({ [name]: left }, { [name]: right }))).toBe(expected);
    expect(() => merge({ [name]: left }, { [name]: right })).toThrow(
      expect.objectContaining({ detail: expect.stringContaining(name) as unknown }),
    );
    expect(await refusalReason(() => merge({ [name]: left }, {}))).toBeUndefined();
    expect(await refusalReason(() => merge({}, { [name]: right }))).toBeUndefined();
    expect(await refusalReason(() => merge({ [name]: left }, { [name]: structuredClone(left) }))).toBeUndefined();
  });

  it('HYB-04 refuses a token of whose mapped client they say different things', async () => {
    const mapped = { clientId: ['client_id', 'azp'] };
    expect(await refusalReason(() => merge({ azp: 'c1' }, { client_id: 'c2' }, mapped))).toBe('claim');
    expect(await refusalReason(() => merge({ azp: 'c1' }, { client_id: 'c1' }, mapped))).toBeUndefined();
    expect(await refusalReason(() => merge({ azp: 'c1' }, {}, mapped))).toBeUndefined();
    expect(await refusalReason(() => merge({}, { azp: 'c1' }, mapped))).toBeUndefined();
  });

  it('lets the other members of the answer win, as it is the newer', () => {
    expect(merge({ acr: '1' }, { acr: '2' }).claims).toEqual({ acr: '2' });
    expect(merge({ acr: '1' }, { acr: '2' }).facts).toEqual({ acr: '2' });
  });

  it('leaves out of the claims what the answer says but means nothing by', () => {
    const local = said({ sub: 'u1', exp: 10 }, 'local');
    const answer = said({ sub: null, exp: 0, x: 1 }, 'introspection', { x: 1 });
    expect(mergeVerified(local, answer).claims).toEqual({ sub: 'u1', exp: 10, x: 1 });
  });

  it('compares facts, not spellings', async () => {
    const answer = said({ sub: 42 }, 'introspection', { sub: '42' });
    expect(await refusalReason(() => mergeVerified(said({ sub: '42' }, 'local'), answer))).toBeUndefined();
  });

  it.each<[number | undefined, number | undefined, number | undefined]>([
    [10, 20, 10],
    [20, 10, 10],
    [10, undefined, 10],
    [undefined, 20, 20],
    [undefined, undefined, undefined],
  ])('ends at the earlier of %s and %s', (left, right, expected) => {
    const merged = merge(left === undefined ? {} : { exp: left }, right === undefined ? {} : { exp: right });
    expect(merged.expiresAtSeconds).toBe(expected);
    expect(merged.claims['exp']).toBe(expected);
    expect(merged.facts['exp']).toBe(expected);
    expect(Object.hasOwn(merged.claims, 'exp')).toBe(expected !== undefined);
  });

  it.each<[string | undefined, string | undefined, string[] | undefined]>([
    ['a b c', 'c b', ['b', 'c']],
    ['a', 'b', []],
    ['a', '', []],
    ['a', undefined, ['a']],
    [undefined, 'b', ['b']],
    [undefined, undefined, undefined],
  ])('gives of scopes %j and %j what both give', (left, right, expected) => {
    const merged = merge(left === undefined ? {} : { scope: left }, right === undefined ? {} : { scope: right });
    expect(merged.scopes).toEqual(expected);
    expect(merged.claims['scope']).toBe(expected?.join(' '));
  });

  it('narrows the scopes under either of their names, and adds no name', () => {
    const merged = merge({ scp: ['a', 'b'] }, { scope: 'b c' });
    expect(merged.claims).toEqual({ scp: ['b'], scope: 'b' });
    expect(Object.isFrozen(merged.claims['scp'])).toBe(true);
    expect(merge({ scp: ['a', 'b'] }, { sub: 'u1' }).claims).toEqual({ scp: ['a', 'b'], sub: 'u1' });
    expect(merge({ sub: 'u1' }, { scope: 'b' }).claims).toEqual({ scope: 'b', sub: 'u1' });
  });

  it.each<[string[], string[], string[]]>([
    [['x', 'y'], ['y', 'z'], ['y']],
    [['x'], [], ['x']],
    [[], ['z'], ['z']],
    [[], [], []],
    [['x'], ['z'], []],
  ])('is for those of %j and %j whom both name', (left, right, expected) => {
    expect(merge({ aud: left }, { aud: right }).audience).toEqual(expected);
  });
});
