import { describe, expect, it } from 'vitest';
import { coreFixture, refusal } from '../../support/core-fixture.js';
import { generateSigningKey } from '../../support/signing-keys.js';

const fixture = coreFixture();

describe('introspect', () => {
  const jwks = (): Record<string, unknown> => ({
    discovery: false,
    jwksUri: fixture.as.jwksUri,
    introspectionEndpoint: fixture.as.introspectionEndpoint,
  });

  it.each([
    ['local', 0],
    ['hybrid', 0],
    ['remote', 1],
    ['both', 1],
  ])('in %s says what a JWT is worth, with %d calls', async (verification, calls) => {
    const asking = fixture.open({ verification, ...jwks() });
    const token = await fixture.as.sign();
    fixture.as.answer(token, { active: true, ...fixture.as.claims() });
    expect(await asking.introspect(token)).toMatchObject({ active: true, sub: 'u1', scope: 'read' });
    expect(fixture.as.introspections).toBe(calls);
    expect(await asking.introspect(await fixture.as.sign({ exp: 1 }))).toEqual({ active: false });
  });

  it.each(['local', 'hybrid', 'remote', 'both'])('in %s is inactive for every token that is not valid', async (verification) => {
    const asking = fixture.open({ verification, ...jwks() });
    const { privateKey: key } = await generateSigningKey('ES256');
    const bad = [
      '',
      'x',
      'a b',
      '\n',
      'é',
      'x'.repeat(9000),
      'a.b.c',
      await fixture.as.sign({}, { key }),
      await fixture.as.sign({ aud: 'other' }),
    ];
    for (const token of bad) expect(await asking.introspect(token), token.slice(0, 20)).toEqual({ active: false });
  });

  it('says nothing of the binding, which needs a request', async () => {
    expect(await fixture.server.introspect(fixture.as.token({ cnf: { jkt: 'x' } }))).toMatchObject({
      active: true,
      cnf: { jkt: 'x' },
    });
  });

  it('throws when the authorization server is at fault, and only then', async () => {
    const token = fixture.as.token();
    for (const status of [401, 403, 404, 429, 500]) {
      fixture.as.answer(token, (_request, response) => response.writeHead(status).end());
      expect(await refusal(fixture.server.introspect(token))).toMatchObject({ status: 503 });
    }
    fixture.as.answer(token, (_request, response) => response.writeHead(400).end('{"error":"unsupported_token_type"}'));
    expect(await fixture.server.introspect(token)).toEqual({ active: false });
  });

  it("hands out an answer that is the caller's own", async () => {
    const token = fixture.as.token();
    const first = (await fixture.server.introspect(token)) as Record<string, unknown>;
    first['active'] = false;
    expect(await fixture.server.introspect(token)).toMatchObject({ active: true });
  });

  it.each([
    ['a token that is no text', 5, undefined],
    ['no token', undefined, undefined],
    ['an object', { toString: () => 'x' }, undefined],
    ['an unknown option', 'x', { maxAge: 5 }],
    ['an age that is no number', 'x', { maxAgeMs: '0' }],
    ['a negative age', 'x', { maxAgeMs: -1 }],
    ['an issuer that is not configured', 'x', { issuer: 'https://other.example' }],
    ['options that are no object', 'x', null],
  ])('is a TypeError for %s', async (_what, token, options) => {
    const call = fixture.server.introspect(token as string, options as undefined);
    expect(await refusal(call)).toBeInstanceOf(TypeError);
    expect(fixture.as.introspections).toBe(0);
  });
});

describe('close', () => {
  it('refuses what still needs the authorization server with 503, and may be called twice', async () => {
    const closing = fixture.open();
    const token = fixture.as.token();
    await closing.introspect(token);
    await closing.close();
    await closing.close();
    expect(await refusal(closing.introspect(token))).toMatchObject({ status: 503 });
  });

  it('ends calls in flight', async () => {
    const closing = fixture.open({ http: { timeoutMs: 60_000 } });
    const token = fixture.as.token();
    fixture.as.answer(token, () => undefined);
    const arrived = fixture.as.nextRequest();
    const call = refusal(closing.introspect(token));
    await arrived;
    await closing.close();
    expect(await call).toMatchObject({ status: 503 });
  });
});
