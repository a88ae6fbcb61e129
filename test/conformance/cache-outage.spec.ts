import { describe, expect, it } from 'vitest';
import { json, type RawHandler } from '../support/authorization-server.js';
import { describeRemembering, eventually } from '../support/remembering.js';

const fixture = describeRemembering();
const open = (cache: Record<string, unknown>, options: Record<string, unknown> = {}) => fixture.open({ cache, ...options });
const remembered = { status: 200, asked: 0 };
const askedFor = { status: 200, asked: 1 };
const revokeThere = (token: string): void => fixture.as.answer(token, { active: false });

const errors: Record<string, RawHandler> = {
  '500': (_request, response) => json(response, {}, 500),
  'an answer of another type': (_request, response) => json(response, { active: 'true' }),
  'no JSON': (_request, response) => json(response, '{"active":true'),
  'a wrong type of exp': (_request, response) => json(response, { active: true, exp: '5' }),
  'an answer of 400': (_request, response) => json(response, { error: 'invalid_request' }, 400),
  'a refusal of our credentials': (_request, response) => json(response, { error: 'invalid_client' }, 401),
  'a connection that breaks': (_request, response) => response.destroy(),
};

describe('A failing server is no answer', () => {
  it.each(Object.entries(errors))('IERR-04 %s is not remembered', async (_what, handler) => {
    const { judge } = open({ ttlMs: 60_000, inactiveTtlMs: 60_000 });
    const token = fixture.as.token();
    fixture.as.replace('introspection', handler);
    expect(await judge(token)).toMatchObject({ status: 503 });
    fixture.recover();
    expect(await judge(token)).toMatchObject(askedFor);
    expect(await judge(token)).toMatchObject(remembered);
  });

  it.each(Object.entries(errors))('IERR-04 %s takes no remembered answer away', async (_what, handler) => {
    const { judge } = open({ ttlMs: 60_000 });
    const [held, other] = [fixture.as.token(), fixture.as.token()];
    expect(await judge(held)).toMatchObject(askedFor);
    fixture.as.replace('introspection', handler);
    expect(await judge(other)).toMatchObject({ status: 503 });
    expect(await judge(held)).toMatchObject(remembered);
  });

  it('IERR-05 nothing stale is served unless it is asked for', async () => {
    const { judge } = open({ ttlMs: 5000 });
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.fail();
    fixture.clock.advanceSeconds(6);
    expect(await judge(token)).toMatchObject({ status: 503 });
  });
});

describe('staleIfErrorMs', () => {
  const stale = { ttlMs: 5000, staleIfErrorMs: 30_000 };

  it('IERR-05 serves a positive answer for so long after ttlMs while the server is down', async () => {
    const { judge } = open(stale);
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.fail();
    fixture.clock.advanceSeconds(15);
    expect(await judge(token)).toMatchObject({ status: 200 });
    fixture.clock.advanceSeconds(30);
    expect(await judge(token)).toMatchObject({ status: 503 });
  });

  it('IERR-05 serves while connections are refused and the breaker is open', async () => {
    const { judge } = open(stale);
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.clock.advanceSeconds(6);
    await fixture.as.stop();
    try {
      for (let round = 0; round < 8; round += 1) expect(await judge(token)).toMatchObject({ status: 200 });
      fixture.clock.advanceSeconds(30);
      expect(await judge(token)).toMatchObject({ status: 503 });
    } finally {
      await fixture.as.restart();
    }
  });

  it('IERR-05 never past exp', async () => {
    const { judge } = open(stale, { clockToleranceSeconds: 0 });
    const token = fixture.as.token({ exp: fixture.clock.seconds() + 10 });
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.fail();
    fixture.clock.advanceSeconds(8);
    expect(await judge(token)).toMatchObject({ status: 200 });
    fixture.clock.advanceSeconds(2);
    expect(await judge(token)).toMatchObject({ status: 401, reason: 'expired' });
  });

  it('IERR-05 ICACHE-12 not between exp and the end of the tolerance either', async () => {
    const { judge } = open(stale, { clockToleranceSeconds: 30 });
    const token = fixture.as.token({ exp: fixture.clock.seconds() + 10 });
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.fail();
    fixture.clock.advanceSeconds(11);
    expect((await judge(token)).status).not.toBe(200);
  });

  it('IERR-05 asks first, each time, and goes by what it is told', async () => {
    const { judge } = open(stale);
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.clock.advanceSeconds(6);
    revokeThere(token);
    expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
    fixture.fail();
    expect(await judge(token)).toMatchObject({ status: 503, asked: 1 });
  });

  it('IERR-05 an answer of 400 that says "not active" is an answer', async () => {
    const { judge } = open(stale);
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.clock.advanceSeconds(6);
    fixture.as.answer(token, (_request, response) => json(response, { error: 'unsupported_token_type' }, 400));
    expect(await judge(token)).toMatchObject({ status: 401 });
  });

  it('IERR-05 is for positive answers: an inactive one ends with inactiveTtlMs', async () => {
    const { judge } = open({ ...stale, inactiveTtlMs: 5000 });
    expect(await judge('an-unknown-token')).toMatchObject({ status: 401, asked: 1 });
    fixture.fail();
    fixture.clock.advanceSeconds(6);
    expect(await judge('an-unknown-token')).toMatchObject({ status: 503 });
  });

  it('IERR-05 ICACHE-07 every check is made on a stale answer, too', async () => {
    const { judge } = open(stale);
    const token = fixture.as.token({ scope: 'read' });
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.fail();
    fixture.clock.advanceSeconds(6);
    expect(await judge(token, { scopes: ['admin'] })).toMatchObject({ status: 403 });
    expect(await judge(token, { audience: 'https://other.example' })).toMatchObject({ status: 401, reason: 'audience' });
  });

  it('HYB-03 IERR-05 is not what a route gets that wants a fresh answer', async () => {
    const { judge } = open(stale);
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.fail();
    fixture.clock.advanceSeconds(6);
    expect(await judge(token, { introspectMaxAgeMs: 0 })).toMatchObject({ status: 503 });
    expect(await judge(token, { introspectMaxAgeMs: 3000 })).toMatchObject({ status: 503 });
    expect(await judge(token)).toMatchObject({ status: 200 });
  });
});

describe('refreshAheadMs', () => {
  const ahead = { ttlMs: 10_000, refreshAheadMs: 3000 };

  it('ICACHE-03 asks in the background near the end, so that nobody waits at the end', async () => {
    const { judge, eventsOf } = open(ahead);
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.clock.advanceSeconds(6);
    expect(await judge(token)).toMatchObject(remembered);
    fixture.clock.advanceSeconds(2);
    expect(await judge(token)).toMatchObject({ status: 200 });
    await eventually(() => expect(eventsOf('verification.introspected')).toHaveLength(2));
    fixture.clock.advanceSeconds(4);
    expect(await judge(token)).toMatchObject(remembered);
    expect(fixture.as.introspections).toBe(2);
  });

  it('INTRO-11 makes one call for many requests', async () => {
    const { judge, status, eventsOf } = open(ahead);
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.clock.advanceSeconds(8);
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => status(token))))).toEqual(new Set([200]));
    await eventually(() => expect(eventsOf('verification.introspected')).toHaveLength(2));
    expect(await judge(token)).toMatchObject(remembered);
    expect(fixture.as.introspections).toBe(2);
  });

  it('T41 learns early that a token was revoked', async () => {
    const { judge } = open(ahead);
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    revokeThere(token);
    fixture.clock.advanceSeconds(8);
    expect(await judge(token)).toMatchObject({ status: 200 });
    await eventually(async () => expect((await judge(token)).status).toBe(401));
  });

  it('IERR-04 fails unnoticed, and prolongs nothing', async () => {
    const { judge, eventsOf } = open(ahead);
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.fail();
    fixture.clock.advanceSeconds(8);
    expect(await judge(token)).toMatchObject({ status: 200 });
    await eventually(() => expect(eventsOf('verification.introspected').at(-1)).toMatchObject({ outcome: 'failed' }));
    fixture.clock.advanceSeconds(3);
    expect(await judge(token)).toMatchObject({ status: 503 });
    fixture.recover();
    expect(await judge(token)).toMatchObject(askedFor);
  });
});
