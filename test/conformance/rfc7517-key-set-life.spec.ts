import { expect } from 'vitest';
import { json } from '../support/authorization-server.js';
import { expect200, expect401Token, expect503 } from '../support/expectations.js';
import { ecKey } from '../support/keys.js';
import { describeScenarios, expectCalls, LOCAL, scenario, warm, warmAndRested, type Scenario } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';
import { flipBit, signedBy } from '../support/tokens.js';

const failing = (as: Fixture['as']): void => as.replace('jwks', (_request, response) => json(response, {}, 500));
const isKeySet = ({ path }: { path: string }): boolean => path === '/jwks';

const rotation: Scenario[] = [
  scenario('JWK-12 a new key is fetched once and used at once', LOCAL, async (fixture) => {
    const { as, rs } = fixture;
    await warmAndRested(fixture);
    const key = ecKey();
    as.keySet = { keys: [...as.keySet.keys, key.jwk] };
    const first = await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256')}`);
    expect200(first);
    expectCalls(first, { I: 0, J: 1 });
    const second = await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256')}`);
    expect200(second);
    expectCalls(second, { I: 0, J: 0 });
  }),

  scenario('JWK-12 after an unknown kid there is a pause of 30 s', LOCAL, async (fixture) => {
    const { as, rs, clock } = fixture;
    await warmAndRested(fixture);
    const ask = async (): Promise<number> => {
      const answer = await rs.get('/r', `Bearer ${signedBy(as, ecKey(), 'ES256')}`);
      expect401Token(answer);
      return answer.keySetFetches;
    };
    expect(await ask()).toBe(1);
    expect(await ask()).toBe(0);
    clock.advanceSeconds(29);
    expect(await ask()).toBe(0);
    clock.advanceSeconds(2);
    expect(await ask()).toBe(1);
  }),

  scenario('JWK-12 T79 1,000 random kids cause one fetch and lock no known key out', LOCAL, async (fixture) => {
    const { as, rs } = fixture;
    await warmAndRested(fixture);
    const before = as.keySetFetches;
    const stranger = ecKey();
    const known = await as.sign();
    const statuses = new Set<number>();
    const flood = async (lane: number): Promise<void> => {
      for (let index = 0; index < 125; index += 1) {
        const kid = `random-${lane}-${index}`;
        statuses.add((await rs.get('/r', `Bearer ${signedBy(as, stranger, 'ES256', {}, { kid })}`)).status);
      }
    };
    const flooding = Promise.all(Array.from({ length: 8 }, (_value, lane) => flood(lane)));
    for (let index = 0; index < 20; index += 1) expect((await rs.get('/r', `Bearer ${known}`)).status).toBe(200);
    await flooding;
    expect([...statuses]).toEqual([401]);
    expect(as.keySetFetches - before).toBe(1);
  }),

  scenario('JWK-12 a bad signature under a known kid starts one fetch in the background', LOCAL, async (fixture) => {
    const { as, rs } = fixture;
    await warmAndRested(fixture);
    const before = as.keySetFetches;
    const fetched = as.nextRequest(isKeySet);
    expect401Token(await rs.get('/r', `Bearer ${flipBit(await as.sign(), 2, 9)}`));
    await fetched;
    for (let index = 0; index < 20; index += 1)
      expect401Token(await rs.get('/r', `Bearer ${flipBit(await as.sign(), 2, index)}`));
    expect(as.keySetFetches - before).toBe(1);
  }),

  scenario('JWK-12 a server that came back with a new key under the same kid is accepted again', LOCAL, async (fixture) => {
    const { as, rs } = fixture;
    const [old, renewed] = [ecKey('P-256', 'same'), ecKey('P-256', 'same')];
    as.keySet = { keys: [old.jwk] };
    expect200(await rs.get('/r', `Bearer ${signedBy(as, old, 'ES256')}`));
    fixture.clock.advanceSeconds(31);
    as.keySet = { keys: [renewed.jwk] };
    const token = signedBy(as, renewed, 'ES256');
    const fetched = as.nextRequest(isKeySet);
    expect401Token(await rs.get('/r', `Bearer ${token}`));
    await fetched;
    // The answer is on its way when the request has arrived; each exchange gives it time to land.
    let status = 0;
    for (let attempt = 0; attempt < 50 && status !== 200; attempt += 1) status = (await rs.get('/r', `Bearer ${token}`)).status;
    expect(status).toBe(200);
  }),

  scenario('JWK-12 T81 a removed key stops working when the set is no longer fresh', LOCAL, async (fixture) => {
    const { as, rs, clock } = fixture;
    const [removed, kept] = [ecKey(), ecKey()];
    as.keySet = { keys: [removed.jwk, kept.jwk] };
    expect200(await rs.get('/r', `Bearer ${signedBy(as, removed, 'ES256')}`));
    as.keySet = { keys: [kept.jwk] };
    clock.advanceSeconds(601);
    expect401Token(await rs.get('/r', `Bearer ${signedBy(as, removed, 'ES256')}`));
    expect200(await rs.get('/r', `Bearer ${signedBy(as, kept, 'ES256')}`));
  }),
];

/** The same token again: whatever is remembered about it must not outlive what it rests on. */
const seenBefore: Scenario[] = [
  scenario('JWK-12 T81 a token that was good is refused once its key is removed', LOCAL, async ({ as, rs, clock }) => {
    const [removed, kept] = [ecKey(), ecKey()];
    as.keySet = { keys: [removed.jwk, kept.jwk] };
    const token = signedBy(as, removed, 'ES256', { exp: clock.seconds() + 7200 });
    for (let run = 0; run < 3; run += 1) expect200(await rs.get('/r', `Bearer ${token}`));
    as.keySet = { keys: [kept.jwk] };
    clock.advanceSeconds(601);
    expect401Token(await rs.get('/r', `Bearer ${token}`));
    as.keySet = { keys: [removed.jwk, kept.jwk] };
    clock.advanceSeconds(601);
    expect200(await rs.get('/r', `Bearer ${token}`));
  }),

  scenario('JWK-12 a token that was good is refused once another key has its kid', LOCAL, async ({ as, rs, clock }) => {
    const [old, renewed] = [ecKey('P-256', 'same'), ecKey('P-256', 'same')];
    as.keySet = { keys: [old.jwk] };
    const claims = { exp: clock.seconds() + 7200 };
    const token = signedBy(as, old, 'ES256', claims);
    for (let run = 0; run < 3; run += 1) expect200(await rs.get('/r', `Bearer ${token}`));
    as.keySet = { keys: [renewed.jwk] };
    clock.advanceSeconds(601);
    expect401Token(await rs.get('/r', `Bearer ${token}`));
    expect200(await rs.get('/r', `Bearer ${signedBy(as, renewed, 'ES256', claims)}`));
  }),

  scenario('JWK-07 a token that was good is refused once its key is for something else', LOCAL, async ({ as, rs, clock }) => {
    const key = ecKey();
    const token = signedBy(as, key, 'ES256', { exp: clock.seconds() + 7200 });
    as.keySet = { keys: [key.jwk, ...as.keySet.keys] };
    expect200(await rs.get('/r', `Bearer ${token}`));
    as.keySet = { keys: [{ ...key.jwk, use: 'enc' }, ...as.keySet.keys.slice(1)] };
    clock.advanceSeconds(601);
    expect401Token(await rs.get('/r', `Bearer ${token}`));
  }),

  scenario(
    'JWT-11 JWT-25 a token that was good is refused when it expires, or in another signature’s company',
    LOCAL,
    async (fixture) => {
      const { as, rs, clock } = fixture;
      const token = await as.sign();
      const other = await as.sign({ scope: 'read write' });
      for (const good of [token, other]) expect200(await rs.get('/r', `Bearer ${good}`));
      const [header, payload, signature] = token.split('.');
      const [, otherPayload, otherSignature] = other.split('.');
      for (const mixed of [
        `${header}.${otherPayload}.${signature}`,
        `${header}.${payload}.${otherSignature}`,
        `${header}.${payload}.${signature?.slice(0, -4)}`,
        `${header}.${payload}.`,
      ])
        expect401Token(await rs.get('/r', `Bearer ${mixed}`));
      clock.advanceSeconds(306);
      expect401Token(await rs.get('/r', `Bearer ${token}`));
    },
  ),
];

const outage: Scenario[] = [
  scenario('JWK-13 T80 cold and down: no verdict on the token, and none is remembered', LOCAL, async ({ as, rs, clock }) => {
    failing(as);
    const token = await as.sign();
    const seconds = expect503(await rs.get('/r', `Bearer ${token}`));
    as.replace('jwks');
    clock.advanceSeconds(seconds);
    expect200(await rs.get('/r', `Bearer ${token}`));
  }),

  scenario('JWK-13 T80 warm and down: the held keys serve for an hour, unknown ones are no verdict', LOCAL, async (fixture) => {
    const { as, rs, clock } = fixture;
    await warm(fixture);
    failing(as);
    for (const seconds of [601, 1200, 1200]) {
      clock.advanceSeconds(seconds);
      expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
    }
    clock.advanceSeconds(31);
    expect503(await rs.get('/r', `Bearer ${signedBy(as, ecKey(), 'ES256')}`));
    expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
  }),

  scenario('JWK-13 T80 warm and down for longer than that: no verdict', LOCAL, async (fixture) => {
    const { as, rs, clock } = fixture;
    await warm(fixture);
    failing(as);
    clock.advanceSeconds(4300);
    const seconds = expect503(await rs.get('/r', `Bearer ${await as.sign()}`));
    as.replace('jwks');
    clock.advanceSeconds(seconds);
    expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
  }),

  ...Object.entries({
    'an empty set': '{"keys":[]}',
    'a set without a usable key': '{"keys":[{"kty":"XYZ"}]}',
    'no set': '{}',
    HTML: '<html></html>',
    'more than the limit': JSON.stringify({ keys: [], filler: 'x'.repeat(1_100_000) }),
  }).map(([what, text]) =>
    scenario(`JWK-13 T80 the last good set outlives ${what}`, LOCAL, async (fixture) => {
      const { as, rs, clock } = fixture;
      await warm(fixture);
      as.replace('jwks', (_request, response) => json(response, text));
      clock.advanceSeconds(601);
      expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
      expect(as.keySetFetches).toBeGreaterThan(1);
    }),
  ),

  scenario('JWK-13 T80 a set of 10,000 keys neither stops nor replaces the good one', LOCAL, async (fixture) => {
    const { as, rs, clock } = fixture;
    await warm(fixture);
    const [first, last] = [ecKey(), ecKey()];
    const { x, y } = ecKey().jwk;
    const many = Array.from({ length: 10_000 }, (_value, index) => ({ kty: 'EC', crv: 'P-256', kid: String(index), x, y }));
    as.keySet = { keys: [first.jwk, ...many, ...as.keySet.keys, last.jwk] };
    clock.advanceSeconds(601);
    expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
    for (const key of [first, last]) expect((await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256')}`)).status).not.toBe(200);
    expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
  }),
];

describeScenarios('key rotation', rotation);
describeScenarios('tokens seen before', seenBefore);
describeScenarios('key set outage', outage);
