import type { ServerResponse } from 'node:http';
import type { ResourceServer } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { json } from '../support/authorization-server.js';
import { settableClock } from '../support/clock.js';
import { coreFixture, refusal } from '../support/core-fixture.js';
import { compact, ownClaims, ownHeader, ownSigner } from '../support/tokens.js';

const fixture = coreFixture();
const ask = (server: ResourceServer, token: string) => server.authenticate({ headers: { authorization: `Bearer ${token}` } });
const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);

describe('In hybrid, a JWT that is refused here is not carried to the authorization server in another guise', () => {
  it.each([
    [
      'alg none behind a header that is nested deeply',
      () => compact(ownHeader(fixture.as, { alg: 'none', x: nest(70) }), ownClaims(fixture.as), ''),
    ],
    [
      'a good JWT behind such a header',
      () => compact(ownHeader(fixture.as, { x: nest(70) }), ownClaims(fixture.as), ownSigner(fixture.as)),
    ],
    [
      'a signature of an impossible length',
      () => `${compact(ownHeader(fixture.as), ownClaims(fixture.as, { exp: 1 }), ownSigner(fixture.as))}AAA`,
    ],
  ])('%s', async (_what, make) => {
    const server = fixture.open({ verification: 'hybrid' });
    const token = make();
    fixture.as.answer(token, { active: true, ...fixture.as.claims() });
    expect(await refusal(ask(server, token))).toMatchObject({ status: 401 });
    expect(fixture.as.introspections).toBe(0);
  });
});

describe('In both, what the two sources give together', () => {
  it('is the narrower also for those who read the wire’s names, and null takes nothing away', async () => {
    const server = fixture.open({ verification: 'both' });
    const token = await fixture.as.sign({ scope: 'read' });
    fixture.as.answer(token, { active: true, scope: 'read write admin', sub: null, client_id: null });
    const principal = await ask(server, token);
    expect(principal.scopes).toEqual(['read']);
    expect(principal.claims).toMatchObject({ scope: 'read', sub: 'u1', client_id: 'c1' });
    expect(await server.introspect(token)).toMatchObject({ active: true, scope: 'read', sub: 'u1' });
  });

  it('is nothing where they name different clients, under whatever names', async () => {
    const server = fixture.open({ verification: 'both', claims: { clientId: ['client_id', 'azp'] } });
    const token = await fixture.as.sign({ client_id: undefined, azp: 'good' });
    fixture.as.answer(token, { active: true, ...fixture.as.claims({ client_id: 'evil' }) });
    expect(await refusal(ask(server, token))).toMatchObject({ status: 401, reason: 'claim' });
    fixture.as.answer(token, { active: true, ...fixture.as.claims({ client_id: 'good' }) });
    expect((await ask(server, token)).clientId).toBe('good');
  });
});

it('functions of claims that answer promises give nothing, and their failures are heard by nobody', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  try {
    const fail = () => Promise.reject(new Error('no azp'));
    const mapped = fixture.open({ verification: 'local', requiredClaims: [], claims: { clientId: fail as never } });
    expect((await ask(mapped, await fixture.as.sign())).clientId).toBeUndefined();
    const required = fixture.open({ verification: 'local', requiredClaims: { sub: fail as never } });
    expect(await refusal(ask(required, await fixture.as.sign()))).toMatchObject({ status: 401, reason: 'claim' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
  }
});

it('in hybrid, a key set that never answers leaves time to ask about the token', async () => {
  const held: ServerResponse[] = [];
  fixture.as.replace('jwks', (_request, response) => held.push(response));
  const server = fixture.open({ verification: 'hybrid', http: { timeoutMs: 600, retries: 0 } });
  const token = await fixture.as.sign();
  fixture.as.answer(token, { active: true, ...fixture.as.claims() });
  expect((await ask(server, token)).verifiedBy).toBe('introspection');
  for (const response of held) response.destroy();
});

describe('Retry-After', () => {
  it('of the key set endpoint is obeyed and passed on', async () => {
    const clock = settableClock();
    fixture.as.replace('jwks', (_request, response) => json(response, {}, 429, { 'retry-after': '30' }));
    const server = fixture.open({ verification: 'local', clock });
    const token = await fixture.as.sign();
    for (let round = 0; round < 3; round += 1) {
      expect(await refusal(ask(server, token))).toMatchObject({ status: 503, retryAfterSeconds: 30 });
    }
    expect(fixture.as.keySetFetches).toBe(1);
    fixture.as.replace('jwks');
    clock.advanceSeconds(31);
    expect((await ask(server, await fixture.as.sign({ exp: clock.seconds() + 60, iat: clock.seconds() }))).verifiedBy).toBe(
      'local',
    );
  });

  it('does not outlast a clock that is set back', async () => {
    const clock = settableClock();
    const server = fixture.open({ clock });
    const token = fixture.as.token({ exp: clock.seconds() + 9000 });
    fixture.as.answer(token, (_request, response) => json(response, {}, 503, { 'retry-after': '5' }));
    expect(await refusal(ask(server, token))).toMatchObject({ status: 503, retryAfterSeconds: 5 });
    fixture.as.answer(token, { active: true, ...fixture.as.claims({ exp: clock.seconds() + 9000 }) });
    clock.advanceSeconds(-3600);
    expect((await ask(server, token)).verifiedBy).toBe('introspection');
  });
});
