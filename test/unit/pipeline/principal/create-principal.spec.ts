import { inspect } from 'node:util';
import { AccessTokenPrincipal, createPrincipal, type ApplicationPrincipal } from 'nestjs-introspection/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { activeAnswer, introspecting, type Introspecting } from '../../../support/introspecting.js';
import { answerJson, startRawUpstream, type RawUpstream } from '../../../support/raw-upstream.js';

const ISSUER = 'https://as.example.com';
const TOKEN = 'a-token-that-nothing-may-show';

function expectDeeplyFrozen(value: unknown, path = 'principal'): void {
  if (typeof value !== 'object' || value === null) return;
  expect(Object.isFrozen(value), path).toBe(true);
  for (const key of Reflect.ownKeys(value))
    expectDeeplyFrozen((value as Record<PropertyKey, unknown>)[key], `${path}.${String(key)}`);
}

let upstream: RawUpstream;
let rs: Introspecting;

beforeAll(async () => {
  upstream = await startRawUpstream();
  rs = introspecting(upstream);
});
afterAll(async () => {
  await rs.close();
  await upstream.close();
});

function principalOf(members: Record<string, unknown> = {}): Promise<AccessTokenPrincipal> {
  upstream.handle = answerJson(activeAnswer(upstream.origin, members));
  return rs.server.authenticate({ headers: { authorization: `Bearer ${TOKEN}` } });
}

const NESTED = {
  act: { sub: 'actor', iss: 'https://other.example', client_id: 'c9', act: { sub: 'inner' } },
  authorization_details: [{ type: 'payment', amount: { value: 5 } }, 'x', null, {}, { type: 5 }, ['type']],
  realm_access: { roles: ['r1'] },
  roles: ['a'],
  sid: 's1',
  jti: 'j1',
};

describe('the principal of a token', () => {
  it('is a deeply frozen AccessTokenPrincipal', async () => {
    const principal = await principalOf(NESTED);
    expect(principal).toBeInstanceOf(AccessTokenPrincipal);
    expectDeeplyFrozen(principal);
    expect(() => Object.assign(principal, { subject: 'other' })).toThrow(TypeError);
    expect(() => (principal.scopes as string[]).push('admin')).toThrow(TypeError);
    expect(() => Object.defineProperty(principal, 'hasScope', { value: () => true })).toThrow(TypeError);
  });

  it('holds what the answer says', async () => {
    const { actor, authorizationDetails, ...rest } = await principalOf(NESTED);
    expect(rest).toMatchObject({ issuer: upstream.origin, subject: 'u1', clientId: 'c1', sessionId: 's1', tokenId: 'j1' });
    expect(rest).toMatchObject({ roles: ['a'], scopes: ['read'], scheme: 'Bearer', verifiedBy: 'introspection' });
    expect(rest.claims).not.toHaveProperty('active');
    expect(actor).toMatchObject({ subject: 'actor', issuer: 'https://other.example', clientId: 'c9', claims: NESTED.act });
    expect(authorizationDetails).toEqual([NESTED.authorization_details[0]]);
  });

  it('keeps its token out of JSON, inspection, copies and clones', async () => {
    const principal = await principalOf(NESTED);
    expect(principal.token).toBe(TOKEN);
    const spread: object = Object.assign({}, principal);
    const copies = [spread, structuredClone(spread), structuredClone<object>(principal), Object.entries(principal)];
    for (const value of [principal, ...copies]) {
      const texts = [JSON.stringify(value), inspect(value, { depth: Infinity, showHidden: true })];
      expect(texts.filter((text) => text.includes(TOKEN))).toEqual([]);
    }
    expect(Object.getOwnPropertyNames(principal)).not.toContain('token');
    const keys: string[] = [];
    for (const key in principal) keys.push(key);
    expect(keys).not.toContain('token');
  });

  it('keeps its token out of an inspection that calls getters', async () => {
    expect(inspect(await principalOf(), { depth: Infinity, showHidden: true, getters: true })).not.toContain(TOKEN);
  });

  it.each(['sub', 'client_id', 'jti', 'sid'])('T15 takes an empty %s for none', async (name) => {
    const member = { sub: 'subject', client_id: 'clientId', jti: 'tokenId', sid: 'sessionId' }[name] as 'subject';
    expect((await principalOf({ [name]: '' }))[member]).toBeUndefined();
    expect((await principalOf({ [name]: null }))[member]).toBeUndefined();
    expect((await principalOf({ [name]: undefined }))[member]).toBeUndefined();
  });

  it('T15 never takes two tokens without subject for one identity', async () => {
    const [first, second] = [
      await principalOf({ sub: undefined, client_id: 'c1' }),
      await principalOf({ sub: undefined, client_id: 'c2' }),
    ];
    expect([first.subject, first.subjectType, second.subject, second.subjectType]).toEqual(Array(4).fill(undefined));
  });

  it('knows a client by its own name only', async () => {
    expect((await principalOf({ sub: 'c1', client_id: 'c1' })).subjectType).toBe('client');
    expect((await principalOf({ sub: 'u1', client_id: 'c1' })).subjectType).toBeUndefined();
    expect((await principalOf({ sub: '', client_id: '' })).subjectType).toBeUndefined();
  });

  it.each([[5], ['x'], [null], [[]], [{}], [{ sub: '' }], [{ sub: 5 }]])(
    'takes act %j for an actor with what it says, or none',
    async (act) => {
      const { actor } = await principalOf({ act });
      const isObject = typeof act === 'object' && act !== null && !Array.isArray(act);
      expect(actor).toEqual(isObject ? { claims: act } : undefined);
    },
  );
});

describe('createPrincipal', () => {
  it('makes a frozen principal of the application', () => {
    const claims = { nested: { list: [1] } };
    const facts = {
      issuer: ISSUER,
      subject: 'u1',
      scopes: ['a'],
      roles: ['r'],
      claims,
      actor: { subject: 'x', claims: { sub: 'x' } },
    };
    const principal = createPrincipal({ ...facts, authorizationDetails: [{ type: 't', a: { b: 1 } }] });
    expectDeeplyFrozen(principal);
    expect(principal).toMatchObject({ ...facts, verifiedBy: 'application', scheme: 'Bearer' });
    expect([principal.hasScope('a'), principal.hasScope('A'), principal.hasRole('r'), principal.hasRole('')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it('shares nothing with what it was given', () => {
    const scopes = ['a'];
    const claims = { list: ['a'] };
    const principal = createPrincipal({ issuer: ISSUER, scopes, claims });
    scopes.push('admin');
    claims.list.push('admin');
    expect(principal.scopes).toEqual(['a']);
    expect(principal.claims).toEqual({ list: ['a'] });
    expect(Object.isFrozen(claims)).toBe(false);
  });

  it('takes empty texts for absent', () => {
    const empty = createPrincipal({ issuer: ISSUER, subject: '', clientId: '', tokenId: '', sessionId: '' });
    const { subject, clientId, tokenId, sessionId } = empty;
    expect([subject, clientId, tokenId, sessionId]).toEqual(Array(4).fill(undefined));
    expect(JSON.stringify(empty)).not.toContain('""');
  });

  it('cannot claim to be verified', () => {
    const facts = { issuer: ISSUER, verifiedBy: 'local' } as unknown as ApplicationPrincipal;
    expect(createPrincipal(facts).verifiedBy).toBe('application');
  });

  it.each([[{}], [{ issuer: '' }], [{ issuer: 5 }], [{ issuer: undefined }]])('refuses %j', (facts) => {
    expect(() => createPrincipal(facts as ApplicationPrincipal)).toThrow(TypeError);
  });
});
