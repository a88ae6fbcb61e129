import { describe, expect, it } from 'vitest';
import { json } from '../support/authorization-server.js';
import { LeakSearch } from '../support/leaks.js';
import { describeRemembering, holdAnswers } from '../support/remembering.js';

const fixture = describeRemembering();
const open = (cache: Record<string, unknown>, options: Record<string, unknown> = {}) => fixture.open({ cache, ...options });
const remembered = { status: 200, asked: 0 };
const askedFor = { status: 200, asked: 1 };

/** The AS changes its mind: whatever is accepted afterwards comes from memory. */
const revokeThere = (token: string): void => fixture.as.answer(token, { active: false });

describe('How long an answer is remembered', () => {
  it('ICACHE-02 not at all, unless it is asked for', async () => {
    const { judge } = fixture.open();
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    expect(await judge(token)).toMatchObject(askedFor);
    revokeThere(token);
    expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
  });

  it('ICACHE-01 BEARER-31 T33 never to its exp, however long ttlMs is', async () => {
    const { judge } = open({ ttlMs: 300_000 }, { clockToleranceSeconds: 0 });
    const token = fixture.as.token({ exp: fixture.clock.seconds() + 5 });
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.clock.advanceSeconds(4);
    expect(await judge(token)).toMatchObject(remembered);
    fixture.clock.advanceSeconds(1);
    expect(await judge(token)).toMatchObject({ status: 401, reason: 'expired' });
    fixture.clock.advanceSeconds(1);
    expect(await judge(token)).toMatchObject({ status: 401 });
  });

  it.each([5, 30, 300])('ICACHE-12 ICACHE-01 a tolerance of %d s is for live answers alone', async (clockToleranceSeconds) => {
    const { judge } = open({ ttlMs: 300_000 }, { clockToleranceSeconds });
    const token = fixture.as.token({ exp: fixture.clock.seconds() + 5 });
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.clock.advanceSeconds(5);
    expect(await judge(token)).toMatchObject({ asked: 1 });
    fixture.clock.advanceSeconds(1);
    revokeThere(token);
    expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
  });

  it('ICACHE-03 T34 without exp for ttlMs and no longer', async () => {
    const { judge } = open({ ttlMs: 10_000 });
    const token = fixture.as.token({ exp: undefined });
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.clock.advanceSeconds(9);
    expect(await judge(token)).toMatchObject(remembered);
    fixture.clock.advanceSeconds(2);
    expect(await judge(token)).toMatchObject(askedFor);
  });

  it('T41 for ttlMs from the call, not from the last use', async () => {
    const { judge } = open({ ttlMs: 10_000 });
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    revokeThere(token);
    for (let used = 0; used < 9; used += 1) {
      fixture.clock.advanceSeconds(1);
      expect(await judge(token)).toMatchObject(remembered);
    }
    fixture.clock.advanceSeconds(2);
    expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
  });

  it.each([0, 3])('T34 not at all when exp lies %d s back', async (secondsAgo) => {
    const { judge } = open({ ttlMs: 60_000 }, { clockToleranceSeconds: 5 });
    const token = fixture.as.token({ exp: fixture.clock.seconds() - secondsAgo });
    expect(await judge(token)).toMatchObject(askedFor);
    expect(await judge(token)).toMatchObject(askedFor);
  });

  it('T34 for ttlMs when zero means never', async () => {
    const { judge } = open({ ttlMs: 10_000 }, { compatibility: { zeroExpNeverExpires: true } });
    const token = fixture.as.token({ exp: 0 });
    expect(await judge(token)).toMatchObject(askedFor);
    expect(await judge(token)).toMatchObject(remembered);
    fixture.clock.advanceSeconds(11);
    expect(await judge(token)).toMatchObject(askedFor);
  });

  it('ICACHE-03 its age counts from the start of the call', async () => {
    const { judge } = open({ ttlMs: 10_000 });
    const token = fixture.as.token();
    fixture.as.answer(token, (_request, response) => {
      fixture.clock.advanceSeconds(8);
      json(response, { active: true, ...fixture.as.claims() });
    });
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.clock.advanceSeconds(1);
    expect(await judge(token)).toMatchObject(remembered);
    fixture.clock.advanceSeconds(2);
    expect(await judge(token)).toMatchObject(askedFor);
  });

  it('T33 a clock that is set back prolongs nothing', async () => {
    const { judge } = open({ ttlMs: 60_000 });
    const token = fixture.as.token({ exp: fixture.clock.seconds() + 7200 });
    const start = fixture.clock.now();
    expect(await judge(token)).toMatchObject(askedFor);
    revokeThere(token);
    fixture.clock.setMilliseconds(start - 3_600_000);
    fixture.clock.advanceSeconds(61);
    expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
  });
});

describe('What is not remembered with an answer', () => {
  it('ICACHE-07 T30 the decision: scopes are judged on each use', async () => {
    const { judge } = open({ ttlMs: 60_000 });
    const token = fixture.as.token({ scope: 'read' });
    expect(await judge(token, { scopes: ['read'] })).toMatchObject(askedFor);
    expect(await judge(token, { scopes: ['admin'] })).toMatchObject({ status: 403, asked: 0 });
    expect(await judge(token, { scopes: ['read', 'admin'] })).toMatchObject({ status: 403, asked: 0 });
    expect(await judge(token, { scopes: ['read'] })).toMatchObject(remembered);
  });

  it('BCP-01 ICACHE-07 T30 the audience', async () => {
    const { judge } = open({ ttlMs: 60_000 });
    const token = fixture.as.token({ aud: ['https://rs.example.com', 'https://second.example'] });
    expect(await judge(token)).toMatchObject(askedFor);
    expect(await judge(token, { audience: 'https://second.example' })).toMatchObject(remembered);
    const refused = { status: 401, asked: 0, reason: 'audience' };
    expect(await judge(token, { audience: 'https://third.example' })).toMatchObject(refused);
  });

  it('BCP-01 a token for somebody else is refused again and again', async () => {
    const { judge } = open({ ttlMs: 60_000, inactiveTtlMs: 60_000 });
    const token = fixture.as.token({ aud: 'https://other.example' });
    for (let round = 0; round < 3; round += 1) expect(await judge(token)).toMatchObject({ status: 401, reason: 'audience' });
  });

  it('ICACHE-07 what the application demands of claims', async () => {
    let allowed = 't1';
    const { judge } = open({ ttlMs: 60_000 }, { requiredClaims: { tenant: (value: unknown) => value === allowed } });
    const token = fixture.as.token({ tenant: 't1' });
    expect(await judge(token)).toMatchObject(askedFor);
    allowed = 't2';
    expect(await judge(token)).toMatchObject({ status: 401, asked: 0, reason: 'claim' });
  });

  it('ICACHE-07 a binding: a bound token stays refused', async () => {
    const { judge } = open({ ttlMs: 60_000 });
    const token = fixture.as.token({ cnf: { jkt: 'some-thumbprint' } });
    for (let round = 0; round < 2; round += 1) expect(await judge(token)).toMatchObject({ status: 401, reason: 'binding' });
  });

  it('ICACHE-07 nbf', async () => {
    const { judge } = open({ ttlMs: 60_000 });
    const token = fixture.as.token({ nbf: fixture.clock.seconds() + 20 });
    expect(await judge(token)).toMatchObject({ status: 401, reason: 'not_yet_valid' });
    fixture.clock.advanceSeconds(20);
    expect(await judge(token)).toMatchObject({ status: 200 });
  });

  it('ICACHE-11 what a caller does to an answer', async () => {
    const { judge, server } = open({ ttlMs: 60_000 });
    const token = fixture.as.token({ roles: ['user'] });
    const answer = (await server.introspect(token)) as unknown as Record<string, unknown>;
    Reflect.set(answer, 'scope', 'admin');
    Reflect.set(answer, 'sub', 'somebody else');
    try {
      (answer['roles'] as string[]).push('admin');
    } catch {
      // Frozen is as good as copied.
    }
    const { principal } = await judge(token);
    expect(principal).toMatchObject({ subject: 'u1', scopes: ['read'], roles: ['user'] });
    expect(await server.introspect(token)).toMatchObject({ sub: 'u1', scope: 'read', roles: ['user'] });
    expect(fixture.as.introspections).toBe(1);
  });

  it('BEARER-25 ICACHE-05 the token, a claim or a secret: no debug view shows one', async () => {
    const { judge, server, events } = open({ ttlMs: 60_000, inactiveTtlMs: 60_000 });
    const [good, bad] = [fixture.as.token({ sub: 'a-subject-nobody-else-has' }), 'an-unknown-token-0123456789'];
    expect(await judge(good)).toMatchObject(askedFor);
    expect(await judge(bad)).toMatchObject({ status: 401, asked: 1 });
    expect(await judge(good)).toMatchObject(remembered);
    const search = new LeakSearch([
      { name: 'token', text: good },
      { name: 'bad token', text: bad },
      { name: 'claim', text: 'a-subject-nobody-else-has' },
    ]);
    expect([...search.findIn('server', server), ...search.findIn('events', events)]).toEqual([]);
  });
});

describe('Concurrent requests beside a memory', () => {
  it('INTRO-11 T38 share one call, and its answer is remembered', async () => {
    const { judge, status } = open({ ttlMs: 60_000 });
    const token = fixture.as.token();
    const { arrived, release } = holdAnswers(fixture.as, token);
    const all = Promise.all(Array.from({ length: 50 }, () => status(token)));
    await arrived;
    release({ active: true, ...fixture.as.claims() });
    expect(new Set(await all)).toEqual(new Set([200]));
    expect(fixture.as.introspections).toBe(1);
    expect(await judge(token)).toMatchObject(remembered);
  });

  it('INTRO-11 T38 IERR-04 share one failure, and the next asks again', async () => {
    const { judge, status } = open({ ttlMs: 60_000, inactiveTtlMs: 60_000 });
    const token = fixture.as.token();
    const { arrived, release } = holdAnswers(fixture.as, token);
    const all = Promise.all(Array.from({ length: 50 }, () => status(token)));
    await arrived;
    release({}, 500);
    expect(new Set(await all)).toEqual(new Set([503]));
    expect(fixture.as.introspections).toBe(1);
    fixture.as.answer(token, { active: true, ...fixture.as.claims() });
    expect(await judge(token)).toMatchObject(askedFor);
  });
});
