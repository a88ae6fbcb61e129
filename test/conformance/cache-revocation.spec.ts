import type { ResourceServer } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { LeakSearch } from '../support/leaks.js';
import { describeRemembering, holdAnswers, type Opened } from '../support/remembering.js';

type Target = Parameters<ResourceServer['revoke']>[0];

const fixture = describeRemembering();
const cache = { ttlMs: 300_000 };
const remembering = (options: Record<string, unknown> = {}): Opened => fixture.open({ cache, ...options });
const forgetting = (options: Record<string, unknown> = {}): Opened => fixture.open(options);
const refused = { status: 401, asked: 0 };
const askedFor = { status: 200, asked: 1 };

/** T as issued at a second. */
const issued = (secondsAgo: number, claims: Record<string, unknown> = {}): string =>
  fixture.as.token({ iat: fixture.clock.seconds() - secondsAgo, jti: 'j1', sid: 's1', ...claims });

const issuer = (): string => fixture.as.issuer;
const FORMS: Record<string, (token: string) => Target> = {
  token: (token) => ({ token }),
  jti: () => ({ issuer: issuer(), jti: 'j1' }),
  subject: () => ({ issuer: issuer(), subject: 'u1' }),
  session: () => ({ issuer: issuer(), sessionId: 's1' }),
  client: () => ({ issuer: issuer(), clientId: 'c1' }),
  issuer: () => ({ issuer: issuer(), beforeSeconds: fixture.clock.seconds() }),
};
const OTHERS: Record<string, Record<string, unknown>> = {
  token: {},
  jti: { jti: 'j2' },
  subject: { sub: 'u2' },
  session: { sid: 's2' },
  client: { client_id: 'c2' },
};
const each = Object.keys(FORMS).map((kind) => [kind, FORMS[kind]] as [string, (token: string) => Target]);
const eachTime = each.filter(([kind]) => kind !== 'token' && kind !== 'jti');

describe('revoke', () => {
  it.each(each)('ICACHE-08 T22 by %s: a remembered answer is not served any more', async (kind, form) => {
    const { judge, server, eventsOf } = remembering();
    const token = issued(10);
    expect(await judge(token)).toMatchObject(askedFor);
    expect(await judge(token)).toMatchObject({ status: 200, asked: 0 });
    await server.revoke(form(token));
    expect(await judge(token)).toMatchObject(refused);
    expect(await judge(token, { introspectMaxAgeMs: 0 })).toMatchObject({ status: 401 });
    expect(await server.introspect(token)).toEqual({ active: false });
    expect(eventsOf('revocation.accepted')).toEqual([expect.objectContaining({ kind, atMs: fixture.clock.now() })]);
  });

  it.each(each)('ICACHE-08 T22 by %s: without a cache, and never seen before', async (_kind, form) => {
    const { judge, server } = forgetting();
    const token = issued(10);
    await server.revoke(form(token));
    expect(await judge(token)).toMatchObject({ status: 401 });
    expect(await judge(token)).toMatchObject({ status: 401 });
    expect(await server.introspect(token)).toEqual({ active: false });
  });

  it('ICACHE-08 by token: without a call, seen before or not', async () => {
    const { judge, server } = forgetting();
    const token = issued(10);
    await server.revoke({ token });
    expect(await judge(token)).toMatchObject(refused);
  });

  it.each(Object.entries(OTHERS))('ICACHE-08 by %s: nobody else’s token', async (kind, claims) => {
    const { judge, server } = remembering();
    const [token, other, later] = [issued(10), issued(10, claims), issued(10, claims)];
    expect(await judge(other)).toMatchObject(askedFor);
    await server.revoke(FORMS[kind]?.(token) as Target);
    expect(await judge(other)).toMatchObject({ status: 200, asked: 0 });
    expect(await judge(later)).toMatchObject(askedFor);
  });

  it('ICACHE-08 by session and token id: read where the issuer’s claims are', async () => {
    const { judge, server } = remembering({ claims: { sessionId: ['session'], tokenId: ['tid'] } });
    const bySession = issued(10, { session: 'mapped', sid: 'other', tid: 't2' });
    const byTokenId = issued(10, { session: 'another', tid: 'mapped', jti: 'other' });
    await server.revoke({ issuer: issuer(), sessionId: 'mapped' });
    await server.revoke({ issuer: issuer(), jti: 'mapped' });
    expect(await judge(bySession)).toMatchObject({ status: 401 });
    expect(await judge(byTokenId)).toMatchObject({ status: 401 });
    expect(await judge(issued(10))).toMatchObject(askedFor);
  });

  it('ICACHE-08 by several at once: each holds', async () => {
    const { judge, server } = remembering();
    await Promise.all([
      server.revoke({ issuer: issuer(), subject: 'u2' }),
      server.revoke({ issuer: issuer(), clientId: 'c2' }),
      server.revoke({ issuer: issuer(), sessionId: 's2' }),
    ]);
    for (const claims of [{ sub: 'u2' }, { client_id: 'c2' }, { sid: 's2' }])
      expect(await judge(issued(10, claims))).toMatchObject({ status: 401 });
    expect(await judge(issued(10))).toMatchObject(askedFor);
  });

  it('BEARER-25 is told without the token or a claim', async () => {
    const { judge, server, events } = remembering();
    const subject = 'a-subject-nobody-else-has';
    const token = issued(10, { sub: subject });
    await server.revoke({ token });
    await server.revoke({ issuer: issuer(), subject });
    expect(await judge(token)).toMatchObject({ status: 401 });
    const search = new LeakSearch([
      { name: 'token', text: token },
      { name: 'subject', text: subject },
    ]);
    expect([...search.findIn('events', events), ...search.findIn('server', server)]).toEqual([]);
  });
});

describe('revoke: when a token was issued', () => {
  it.each(eachTime)('T22 by %s: at or before the time it is refused, after it not', async (_kind, form) => {
    const { judge, server } = remembering();
    const [before, at, after] = [issued(1), issued(0), issued(-1)];
    for (const token of [before, at, after]) expect(await judge(token)).toMatchObject(askedFor);
    await server.revoke(form(before));
    for (const token of [before, at]) expect(await judge(token)).toMatchObject(refused);
    expect(await judge(after)).toMatchObject({ status: 200, asked: 0 });
    expect(await judge(issued(-2))).toMatchObject(askedFor);
  });

  it('T22 the time can be given', async () => {
    const { judge, server } = remembering();
    await server.revoke({ issuer: issuer(), subject: 'u1', beforeSeconds: fixture.clock.seconds() - 50 });
    for (const secondsAgo of [51, 50]) expect(await judge(issued(secondsAgo))).toMatchObject({ status: 401 });
    expect(await judge(issued(49))).toMatchObject(askedFor);
  });

  it('T22 a second revocation with an earlier time takes nothing back', async () => {
    const { judge, server } = remembering();
    await server.revoke({ issuer: issuer(), subject: 'u1' });
    await server.revoke({ issuer: issuer(), subject: 'u1', beforeSeconds: fixture.clock.seconds() - 100 });
    expect(await judge(issued(10))).toMatchObject({ status: 401 });
  });

  it('T22 a second revocation with a later time holds', async () => {
    const { judge, server } = remembering();
    await server.revoke({ issuer: issuer(), subject: 'u1', beforeSeconds: fixture.clock.seconds() - 100 });
    expect(await judge(issued(10))).toMatchObject(askedFor);
    await server.revoke({ issuer: issuer(), subject: 'u1' });
    expect(await judge(issued(10))).toMatchObject({ status: 401 });
  });

  it.each(eachTime)('T22 by %s: an opaque token without iat is asked about live, every time', async (_kind, form) => {
    const { judge, server } = remembering();
    const token = issued(0, { iat: undefined });
    expect(await judge(token)).toMatchObject(askedFor);
    await server.revoke(form(token));
    for (let round = 0; round < 3; round += 1) expect(await judge(token)).toMatchObject(askedFor);
    fixture.as.answer(token, { active: false });
    expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
  });

  it('T22 IERR-05 without iat no stale answer serves', async () => {
    const { judge, server } = fixture.open({ cache: { ...cache, staleIfErrorMs: 300_000 } });
    const token = issued(0, { iat: undefined });
    expect(await judge(token)).toMatchObject(askedFor);
    await server.revoke({ issuer: issuer(), subject: 'u1' });
    fixture.fail();
    expect(await judge(token)).toMatchObject({ status: 503, asked: 1 });
  });

  it.each(each)('T22 IERR-05 by %s: no stale answer serves', async (_kind, form) => {
    const { judge, server } = fixture.open({ cache: { ttlMs: 5000, staleIfErrorMs: 300_000 } });
    const [token, other] = [issued(10), issued(-60)];
    for (const one of [token, other]) expect(await judge(one)).toMatchObject(askedFor);
    fixture.clock.advanceSeconds(6);
    await server.revoke(form(token));
    fixture.fail();
    expect((await judge(token)).status).not.toBe(200);
    if (_kind !== 'jti') expect(await judge(other)).toMatchObject({ status: 200 });
  });

  it.each(['token', 'jti'])('T22 by %s: one token is named, so iat does not matter', async (kind) => {
    for (const iat of [undefined, fixture.clock.seconds() + 30]) {
      const { judge, server } = remembering();
      const token = issued(0, { iat });
      expect(await judge(token)).toMatchObject(askedFor);
      await server.revoke(FORMS[kind]?.(token) as Target);
      expect(await judge(token)).toMatchObject(refused);
    }
  });
});

describe('revoke: how long, and against what', () => {
  it.each(each)('ICACHE-08 by %s: for markSeconds', async (_kind, form) => {
    const { judge, server } = remembering({ revocation: { markSeconds: 60 } });
    const token = issued(10);
    await server.revoke(form(token));
    fixture.clock.advanceSeconds(59);
    expect(await judge(token)).toMatchObject({ status: 401 });
    fixture.clock.advanceSeconds(2);
    expect(await judge(token)).toMatchObject({ status: 200 });
  });

  it('ICACHE-08 a day, if nothing is said', async () => {
    const { judge, server } = remembering();
    const token = issued(10, { exp: fixture.clock.seconds() + 200_000 });
    await server.revoke({ token });
    fixture.clock.advanceSeconds(86_399);
    expect(await judge(token)).toMatchObject(refused);
    fixture.clock.advanceSeconds(2);
    expect(await judge(token)).toMatchObject(askedFor);
  });

  it('ICACHE-08 a second revocation prolongs it', async () => {
    const { judge, server } = remembering({ revocation: { markSeconds: 60 } });
    const token = issued(10);
    await server.revoke({ token });
    fixture.clock.advanceSeconds(40);
    await server.revoke({ token });
    fixture.clock.advanceSeconds(40);
    expect(await judge(token)).toMatchObject(refused);
  });

  it.each(each)('ICACHE-08 by %s: it wins against a call in flight', async (_kind, form) => {
    const { judge, server } = remembering();
    const token = issued(10);
    const { arrived, release } = holdAnswers(fixture.as, token);
    const verdict = judge(token);
    await arrived;
    await server.revoke(form(token));
    const answer = { active: true, ...fixture.as.claims({ iat: fixture.clock.seconds() - 10, jti: 'j1', sid: 's1' }) };
    release(answer);
    expect(await verdict).toMatchObject({ status: 401 });
    fixture.as.answer(token, answer);
    expect(await judge(token)).toMatchObject({ status: 401 });
  });

  it.each(eachTime)('ICACHE-08 by %s: it wins against a call in flight, without iat too', async (_kind, form) => {
    const { judge, server } = remembering();
    const token = issued(0, { iat: undefined });
    const { arrived, release } = holdAnswers(fixture.as, token);
    const verdict = judge(token);
    await arrived;
    await server.revoke(form(token));
    fixture.as.answer(token, { active: false });
    release({ active: true, ...fixture.as.claims({ jti: 'j1', sid: 's1' }) });
    expect(await verdict).toMatchObject({ status: 401 });
    expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
  });
});
