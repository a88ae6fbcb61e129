import { expect200, expect401Token, expect403Scope } from '../support/expectations.js';
import { ecKey } from '../support/keys.js';
import { describeScenarios, LOCAL, scenario } from '../support/scenario.js';
import { signedBy } from '../support/tokens.js';

/** A verified signature is remembered; nothing else about the token is. */
describeScenarios('A JWT that was accepted before', [
  scenario('JWT-11 BEARER-31 is refused when it has expired', LOCAL, async ({ as, rs, clock }) => {
    const token = await as.sign({ exp: Math.floor(clock.now() / 1000) + 60 });
    expect200(await rs.get('/any', `Bearer ${token}`));
    clock.advanceSeconds(59);
    expect200(await rs.get('/any', `Bearer ${token}`));
    clock.advanceSeconds(7);
    expect401Token(await rs.get('/any', `Bearer ${token}`));
  }),

  scenario('ICACHE-07 is judged by the scopes of each route', LOCAL, async ({ as, rs }) => {
    const token = await as.sign();
    expect200(await rs.get('/r', `Bearer ${token}`));
    expect403Scope(await rs.send({ method: 'POST', path: '/w', headers: [['Authorization', `Bearer ${token}`]] }), 'write');
  }),

  scenario('T81 is refused when its key is no longer published', LOCAL, async ({ as, rs, clock }) => {
    const key = ecKey();
    as.keySet = { keys: [key.jwk] };
    const token = signedBy(as, key, 'ES256', { exp: Math.floor(clock.now() / 1000) + 7200 });
    expect200(await rs.get('/any', `Bearer ${token}`));
    as.keySet = { keys: [ecKey().jwk] };
    clock.advanceSeconds(601);
    expect401Token(await rs.get('/any', `Bearer ${token}`));
  }),

  scenario('T71 is refused when another key has taken its kid', LOCAL, async ({ as, rs, clock }) => {
    const key = ecKey('P-256', 'k');
    as.keySet = { keys: [key.jwk] };
    const token = signedBy(as, key, 'ES256', { exp: Math.floor(clock.now() / 1000) + 7200 });
    expect200(await rs.get('/any', `Bearer ${token}`));
    as.keySet = { keys: [ecKey('P-256', 'k').jwk] };
    clock.advanceSeconds(601);
    expect401Token(await rs.get('/any', `Bearer ${token}`));
  }),

  scenario('JWT-25 does not lend its signature to another payload', LOCAL, async ({ as, rs }) => {
    const [token, other] = [await as.sign({ sub: 'u1' }), await as.sign({ sub: 'admin' })];
    expect200(await rs.get('/any', `Bearer ${token}`));
    const [header, , signature] = token.split('.');
    expect401Token(await rs.get('/any', `Bearer ${header}.${other.split('.')[1]}.${signature}`));
  }),
]);
