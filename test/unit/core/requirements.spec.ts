import { AccessTokenPrincipal, createPrincipal, type Requirement, type ResourceServerError } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../support/challenges.js';
import { coreFixture, refusal } from '../../support/core-fixture.js';

const fixture = coreFixture();

describe('requirements', () => {
  const principal = createPrincipal({
    issuer: 'https://fixture.as.example.com',
    scopes: ['a', 'b'],
    roles: ['r'],
    audience: ['x'],
  });

  it.each<[Requirement, string | undefined]>([
    [{}, undefined],
    [{ scopes: ['a', 'b'] }, undefined],
    [{ scopes: ['a', 'c'] }, 'ERR_SCOPE_INSUFFICIENT'],
    [{ anyScope: ['c', 'b'] }, undefined],
    [{ anyScope: ['c', 'd'] }, 'ERR_SCOPE_INSUFFICIENT'],
    [{ scopes: ['a'], anyScope: ['c'] }, 'ERR_SCOPE_INSUFFICIENT'],
    [{ scopes: ['A'] }, 'ERR_SCOPE_INSUFFICIENT'],
    [{ anyRole: ['r', 'q'] }, undefined],
    [{ anyRole: ['q'] }, 'ERR_ACCESS_DENIED'],
    [{ audience: 'x' }, undefined],
    [{ audience: ['y', 'x'] }, undefined],
    [{ audience: 'xy' }, 'ERR_TOKEN_INVALID'],
    [{ issuer: 'https://fixture.as.example.com' }, undefined],
    [{ issuer: 'https://fixture.as.example.com/' }, 'ERR_TOKEN_INVALID'],
    [{ issuer: ['https://b.example'], scopes: ['zzz'] }, 'ERR_TOKEN_INVALID'],
  ])('%j', async (requirement, code) => {
    const outcome = await fixture.server.authorize(principal, requirement).then(
      () => undefined,
      (error: ResourceServerError) => error.code,
    );
    expect(outcome).toBe(code);
  });

  // A requirement that is not understood demands nothing: misuse has to be loud.
  const misuse: Record<string, unknown> = {
    'an unknown member': { scope: ['a'] },
    'a misspelt member': { Scopes: ['a'] },
    'scopes as a text': { scopes: 'a b' },
    'a scope with a space': { scopes: ['a b'] },
    'an empty scope': { scopes: [''] },
    'a scope that is no text': { scopes: [5] },
    'no scope in anyScope': { anyScope: [] },
    'no role in anyRole': { anyRole: [] },
    'an empty audience': { audience: '' },
    'no audience': { audience: [] },
    'a null member': { scopes: null },
    'an inherited name': { toString: 'x' },
    acrValues: { acrValues: ['x'] },
    maxAgeSeconds: { maxAgeSeconds: 5 },
    authorizationDetails: { authorizationDetails: 'x' },
    'a negative age': { introspectMaxAgeMs: -1 },
    'an age that is no number': { introspectMaxAgeMs: '0' },
    'an age without end': { introspectMaxAgeMs: Number.POSITIVE_INFINITY },
    senderConstrained: { senderConstrained: true },
    'a text': 'a',
    'an empty text': '',
    'a number': 5,
    'a list': ['a'],
    'an empty list': [],
    'a function': () => ({ scopes: ['a'] }),
    'a class': class {},
    null: null,
    true: true,
    'a Map': new Map([['scopes', ['a']]]),
  };

  it.each(Object.entries(misuse))('%s is a TypeError', async (_what, requirement) => {
    const request = { headers: { authorization: `Bearer ${fixture.as.token()}` } };
    expect(await refusal(fixture.server.authorize(principal, requirement as Requirement))).toBeInstanceOf(TypeError);
    expect(await refusal(fixture.server.authenticate(request, requirement as Requirement))).toBeInstanceOf(TypeError);
    expect(await refusal(fixture.server.authenticateIfPresented(request, requirement as Requirement))).toBeInstanceOf(TypeError);
    expect(fixture.as.introspections).toBe(0);
  });

  it('are judged each time, frozen or not', async () => {
    const scopes = ['a'];
    const requirement = { scopes };
    await fixture.server.authorize(principal, requirement);
    scopes.push('zzz');
    expect(await refusal(fixture.server.authorize(principal, requirement))).toMatchObject({ code: 'ERR_SCOPE_INSUFFICIENT' });
    const frozen = Object.freeze({ anyRole: Object.freeze(['q']) });
    for (let round = 0; round < 2; round += 1)
      expect(await refusal(fixture.server.authorize(principal, frozen))).toMatchObject({ code: 'ERR_ACCESS_DENIED' });
  });

  it('audience replaces the configured one, and a missing aud never meets it', async () => {
    const request = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    const admin = { audience: 'https://rs.example.com/admin' };
    expect(await fixture.server.authenticate(request(fixture.as.token({ aud: admin.audience })), admin)).toBeInstanceOf(
      AccessTokenPrincipal,
    );
    for (const aud of [undefined, null, [], 'https://rs.example.com'])
      expect(await refusal(fixture.server.authenticate(request(fixture.as.token({ aud })), admin))).toMatchObject({
        code: 'ERR_TOKEN_INVALID',
      });
    const lenient = fixture.open({ allowMissingAudience: true });
    expect(await refusal(lenient.authenticate(request(fixture.as.token({ aud: undefined })), admin))).toMatchObject({
      reason: 'audience',
    });
    const careless = fixture.open({ audience: null });
    expect(await refusal(careless.authenticate(request(fixture.as.token({ aud: 'other' })), admin))).toMatchObject({
      reason: 'audience',
    });
  });
});

describe('challenge', () => {
  it('is what a client gets, and tells nothing else', async () => {
    const scoped = await refusal(fixture.server.authenticate({ headers: {} }, { scopes: ['a', 'b'] }));
    expect(fixture.server.challenge(scoped)).toEqual({
      status: 401,
      headers: { 'Cache-Control': 'no-store', 'WWW-Authenticate': 'Bearer realm="example", scope="a b"' },
      body: { statusCode: 401, message: 'Unauthorized' },
    });
    const principal = createPrincipal({ issuer: 'x' });
    const role = await refusal(fixture.server.authorize(principal, { anyRole: ['r'] }));
    expect(fixture.server.challenge(role)).toEqual({
      status: 403,
      headers: { 'Cache-Control': 'no-store' },
      body: { statusCode: 403, message: 'Forbidden' },
    });
    const scope = fixture.server.challenge(await refusal(fixture.server.authorize(principal, { anyScope: ['a', 'b'] })));
    const [challenge] = parseChallenges([String(scope.headers['WWW-Authenticate'])]);
    expect(Object.fromEntries(challenge?.params ?? [])).toMatchObject({ error: 'insufficient_scope', scope: 'a b' });
  });

  it('T121 is the same for every refused token', async () => {
    const tokens = [
      'unknown-token',
      fixture.as.token({ exp: 1 }),
      fixture.as.token({ aud: 'other' }),
      fixture.as.token({ iss: 'https://other.example' }),
    ];
    const answers = new Set<string>();
    for (const token of tokens) {
      const error = await refusal(fixture.server.authenticate({ headers: { authorization: `Bearer ${token}` } }));
      answers.add(JSON.stringify(fixture.server.challenge(error)));
    }
    expect(answers.size).toBe(1);
  });
});
