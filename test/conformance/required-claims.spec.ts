import type { ClaimRequirement } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { eventLog } from '../support/client-assertions.js';
import { changed, wrongOptions } from '../support/configuration.js';
import { expect200, expect401Token } from '../support/expectations.js';
import { describeScenarios, scenario, type Scenario } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';

type Claims = Record<string, unknown>;
type Mode = 'local' | 'remote';
type Required = Readonly<Record<string, ClaimRequirement>>;

/** The same claims in a JWT that is checked here and in an answer. */
async function verdict({ as, rs }: Fixture, mode: Mode, claims: Claims): Promise<number> {
  const bearer = mode === 'local' ? await as.sign(claims) : as.token(claims);
  const answer = await rs.get('/any', `Bearer ${bearer}`);
  if (answer.status === 200) expect200(answer);
  else expect401Token(answer);
  return answer.status;
}

/** What has to hold in an answer holds in a JWT too. `hybrid` checks the one here and asks about the other. */
function requires(title: string, requiredClaims: Required, good: Claims[], bad: Claims[]): Scenario[] {
  return (['local', 'remote'] as const).map((mode) => {
    const { events, onEvent } = eventLog();
    const setup = { options: { verification: 'hybrid', requiredClaims, onEvent } as const, prepare: () => void events.splice(0) };
    return scenario(`AT-08 ${title} (${mode === 'local' ? 'JWT' : 'introspection answer'})`, setup, async (fixture) => {
      for (const claims of good) expect(await verdict(fixture, mode, claims), JSON.stringify(claims)).toBe(200);
      for (const claims of bad) expect(await verdict(fixture, mode, claims), JSON.stringify(claims)).toBe(401);
      const reasons = events.flatMap((event) => (event.type === 'verification.refused' ? [event.reason] : []));
      expect(reasons).toEqual(bad.map(() => 'claim'));
    });
  });
}

const seen: { value: unknown; claims: unknown }[] = [];

describeScenarios('requiredClaims as an object', [
  ...requires(
    'true: it is there, whatever it is',
    { tenant: true },
    [{ tenant: 't1' }, { tenant: 0 }, { tenant: false }, { tenant: [] }],
    [{}, { tenant: null }],
  ),
  ...requires(
    'a text',
    { tenant: 't1' },
    [{ tenant: 't1' }],
    [{}, { tenant: 'T1' }, { tenant: 't1 ' }, { tenant: 't11' }, { tenant: 1 }, { tenant: null }],
  ),
  ...requires(
    'one of several texts',
    { tenant: ['t1', 't2'] },
    [{ tenant: 't1' }, { tenant: 't2' }],
    [{}, { tenant: 't3' }, { tenant: 't1,t2' }, { tenant: null }],
  ),
  ...requires(
    'several claims, all of them',
    { tenant: 't1', sub: true },
    [{ tenant: 't1' }],
    [{ tenant: 't1', sub: undefined }, { sub: 'u1' }],
  ),
  ...requires(
    'a predicate',
    { level: (value) => typeof value === 'number' && value >= 2 },
    [{ level: 2 }, { level: 3 }],
    [{}, { level: 1 }, { level: '2' }],
  ),
  ...requires(
    'a predicate sees the other claims',
    { tenant: (value, claims) => value === `${String(claims['client_id'])}-tenant` },
    [{ tenant: 'c1-tenant' }, { tenant: 'c2-tenant', client_id: 'c2' }],
    [{ tenant: 'c2-tenant' }],
  ),
  ...requires(
    'a predicate that throws refuses',
    {
      tenant: (value) => {
        if (value !== 't1') throw new Error('from the predicate');
        return true;
      },
    },
    [{ tenant: 't1' }],
    [{}, { tenant: 't2' }],
  ),
  ...requires(
    'what is only like true is not true',
    { tenant: ((value: unknown) => (value === 't1' ? true : 'yes')) as unknown as () => boolean },
    [{ tenant: 't1' }],
    [{ tenant: 't2' }],
  ),
  ...requires(
    'a promise is no yes',
    { tenant: ((value: unknown) => (value === 't1' ? true : Promise.resolve(true))) as unknown as () => boolean },
    [{ tenant: 't1' }],
    [{ tenant: 't2' }],
  ),
  ...requires(
    'what every object inherits is not there',
    Object.fromEntries<ClaimRequirement>([
      ['toString', true],
      ['constructor', true],
    ]),
    [{ toString: 'x', constructor: 'x' }],
    [{}, { toString: 'x' }],
  ),

  ...(['local', 'remote'] as const).map((mode) =>
    scenario(
      `AT-08 IRESP-13 a predicate cannot change what the application gets (${mode})`,
      {
        options: {
          verification: 'hybrid',
          requiredClaims: {
            tenant: (value, claims) => {
              seen.push({ value, claims });
              try {
                (claims as Claims)['sub'] = 'admin';
              } catch {
                // Frozen is as good as a copy.
              }
              return true;
            },
          },
        },
        prepare: () => void seen.splice(0),
      },
      async ({ as, rs }) => {
        const bearer = mode === 'local' ? await as.sign({ tenant: 't1' }) : as.token({ tenant: 't1' });
        const { principal } = expect200(await rs.get('/any', `Bearer ${bearer}`));
        expect(principal).toMatchObject({ subject: 'u1', claims: { sub: 'u1' } });
        expect(seen).toHaveLength(1);
        expect(seen[0]).toMatchObject({ value: 't1', claims: { tenant: 't1' } });
      },
    ),
  ),

  scenario(
    'AT-08 the object replaces the list: sub, client_id, iat and jti are no longer asked for',
    { options: { verification: 'hybrid', requiredClaims: { tenant: 't1' } } },
    async (fixture) => {
      const bare = { sub: undefined, client_id: undefined, iat: undefined, jti: undefined };
      expect(await verdict(fixture, 'local', { ...bare, tenant: 't1' })).toBe(200);
      expect(await verdict(fixture, 'local', bare)).toBe(401);
      for (const claim of ['iss', 'exp', 'aud'])
        expect(await verdict(fixture, 'local', { ...bare, tenant: 't1', [claim]: undefined }), claim).toBe(401);
    },
  ),
  scenario(
    'AT-08 a list is for JWTs alone',
    { options: { verification: 'hybrid', requiredClaims: ['tenant'] } },
    async (fixture) => {
      expect(await verdict(fixture, 'remote', {})).toBe(200);
      expect(await verdict(fixture, 'local', {})).toBe(401);
      expect(await verdict(fixture, 'local', { tenant: 't1' })).toBe(200);
    },
  ),
]);

describe('requiredClaims, refused at start-up', () => {
  it.each([
    ['a number', { tenant: 5 }],
    ['false', { tenant: false }],
    ['null', { tenant: null }],
    ['no text at all', { tenant: [] }],
    ['a list with a number', { tenant: ['t1', 5] }],
    ['an object', { tenant: {} }],
    ['a text', 'tenant'],
    ['a list with a number of its own', ['sub', 5]],
  ])('AT-08 %s', (_what, requiredClaims) => {
    expect(wrongOptions(changed({ requiredClaims })).join()).toMatch(/^requiredClaims/);
  });
});
