import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { describe, expect, it } from 'vitest';
import { json } from '../support/authorization-server.js';
import { eventually } from '../support/remembering.js';
import { describeSharing, FaultyStore, type Fault } from '../support/shared-stores.js';

const fixture = describeSharing();
const { joined, remember, running } = fixture;
const remembered = { status: 200, asked: 0 };
const askedFor = { status: 200, asked: 1 };
const broken: [string, Fault][] = [
  ['throws', 'throws'],
  ['rejects', 'rejects'],
];
const bounded = { http: { timeoutMs: 400 } };

/** Longer than a request takes on a busy machine: without the store an answer counts for no longer. */
const patient = { localTtlMs: 5000 };
/** Past `localTtlMs`, so that what this process holds needs the store's word. */
const wait = (): void => running.skipSeconds(6);

describe('A store that fails', () => {
  it.each(broken)('ICACHE-09 T43 %s: each request is answered live', async (_what, fault) => {
    const store = new FaultyStore();
    store.break(fault);
    const { judge, eventsOf } = joined(store, patient);
    const token = fixture.as.token();
    for (let round = 0; round < 3; round += 1) {
      expect(await judge(token)).toMatchObject(askedFor);
      wait();
    }
    fixture.as.answer(token, { active: false });
    expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
    expect(eventsOf('cache.store_failed').length).toBeGreaterThan(0);
  });

  it.each(broken)('ICACHE-09 %s when written to: the answer counts all the same', async (_what, fault) => {
    const store = new FaultyStore();
    store.writing = fault;
    const { judge } = joined(store, patient);
    const token = fixture.as.token();
    expect(await judge(token)).toMatchObject(askedFor);
    wait();
    expect(await judge(token)).toMatchObject({ status: 200 });
    expect(store.entries.size).toBe(0);
  });

  it.each(broken)(
    'ICACHE-09 T43 %s after it has worked: live after localTtlMs, and from memory when it is back',
    async (_what, fault) => {
      const store = new FaultyStore();
      const one = joined(store, patient);
      const token = fixture.as.token();
      await remember(one, token, () => store.dump());
      store.break(fault);
      wait();
      expect(await one.judge(token)).toMatchObject(askedFor);
      store.break(undefined);
      running.skipSeconds(30);
      await eventually(async () => {
        running.skipSeconds(2);
        expect(await one.judge(token)).toMatchObject(remembered);
      });
    },
  );

  it.each(broken)('ICACHE-09 %s, and the authorization server is down: 503', async (_what, fault) => {
    for (const staleIfErrorMs of [0, 60_000]) {
      const store = new FaultyStore();
      const one = joined(store, { ...patient, ttlMs: 1000, staleIfErrorMs });
      const token = fixture.as.token();
      await remember(one, token, () => store.dump());
      store.break(fault);
      fixture.fail();
      wait();
      expect(await one.judge(token)).toMatchObject({ status: 503 });
      running.skipSeconds(2);
      expect(await one.judge(token)).toMatchObject({ status: 503 });
      fixture.recover();
    }
  });

  it('ICACHE-09 T43 hangs: no request waits longer than its deadline, and requests are answered live', async () => {
    const store = new FaultyStore();
    store.break('hangs');
    const { judge } = joined(store, patient, bounded);
    const token = fixture.as.token();
    const statuses: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const started = performance.now();
      const { status } = await judge(token);
      expect(performance.now() - started).toBeLessThan(2000);
      statuses.push(status);
      wait();
    }
    expect(statuses).toContain(200);
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
  });

  it('ICACHE-09 hangs in writing alone: nobody waits for it', async () => {
    const store = new FaultyStore();
    store.writing = 'hangs';
    const { judge } = joined(store, patient, bounded);
    const started = performance.now();
    expect(await judge(fixture.as.token())).toMatchObject({ status: 200 });
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('ICACHE-08 an answer that was on its way when the store went away is asked for again', async () => {
    const store = new FaultyStore();
    const { judge } = joined(store, patient);
    const token = fixture.as.token();
    fixture.as.answer(token, (_request, response) => {
      store.break('rejects');
      running.skipSeconds(6);
      fixture.as.answer(token, { active: false });
      json(response, { active: true, ...fixture.as.claims() });
    });
    expect(await judge(token)).toMatchObject({ status: 401, asked: 2 });
  });

  it('ICACHE-09 a slow authorization server is believed while the store is down', async () => {
    const store = new FaultyStore();
    store.break('rejects');
    const { judge } = joined(store, patient);
    const token = fixture.as.token();
    fixture.as.answer(token, (_request, response) => {
      running.skipSeconds(6);
      json(response, { active: true, ...fixture.as.claims() });
    });
    expect(await judge(token)).toMatchObject(askedFor);
  });
});

describe('JWTs while the store cannot be reached', () => {
  const inactive = { active: false };

  it.each(['local', 'hybrid', 'both'])('ICACHE-08 HYB-03 %s: asked about where that is possible', async (verification) => {
    const store = new FaultyStore();
    const { judge } = joined(store, patient, { verification });
    const token = await fixture.as.sign();
    fixture.as.answer(token, { active: true, ...fixture.as.claims() });
    expect(await judge(token)).toMatchObject({ status: 200, asked: verification === 'both' ? 1 : 0 });
    store.break('rejects');
    wait();
    expect(await judge(token)).toMatchObject(askedFor);
    fixture.as.answer(token, inactive);
    wait();
    expect(await judge(token)).toMatchObject({ status: 401, asked: 1 });
    fixture.fail();
    wait();
    expect(await judge(token)).toMatchObject({ status: 503, asked: 1 });
  });

  it('ICACHE-08 local without clientAuthentication: 503, until the store is back', async () => {
    const store = new FaultyStore();
    const { judge } = joined(store, patient, { verification: 'local', clientAuthentication: undefined });
    const token = await fixture.as.sign();
    store.break('rejects');
    expect(await judge(token)).toMatchObject({ status: 503, asked: 0 });
    store.break(undefined);
    running.skipSeconds(30);
    await eventually(async () => {
      running.skipSeconds(2);
      expect(await judge(token)).toMatchObject(remembered);
    });
  });
});

describe('No fault of the store lets a revoked token in', () => {
  const faults: [string, (store: FaultyStore) => void][] = [
    ['throws', (store) => store.break('throws')],
    ['rejects', (store) => store.break('rejects')],
    ['rejects in reading alone', (store) => (store.reading = 'rejects')],
    ['rejects every other time', (store) => store.break(alternating('rejects'))],
    ['throws two times in three', (store) => store.break(alternating('throws', 3))],
    ['finds nothing', (store) => (store.served = () => undefined)],
    ['finds null', (store) => (store.served = () => null)],
    ['answers garbage', (store) => (store.served = () => 'garbage')],
    ['answers objects', (store) => (store.served = () => ({ active: true }))],
  ];

  function alternating(fault: Fault, of = 2): () => Fault {
    let count = 0;
    return () => (++count % of === 0 ? undefined : fault);
  }

  it.each(faults)('ICACHE-08 ICACHE-09 one that %s', async (_what, breakIt) => {
    const store = new FaultyStore();
    const modes = ['remote', 'hybrid', 'local', 'both'];
    const servers = modes.map((verification) => joined(store, {}, { verification }));
    const alone = joined(store, {}, { verification: 'local', clientAuthentication: undefined });
    const iat = Math.floor(running.now() / 1000) - 10;
    const [opaque, jwt] = [fixture.as.token({ iat }), await fixture.as.sign({ iat })];
    fixture.as.answer(jwt, { active: true, ...fixture.as.claims({ iat }) });
    const tokenOf = (index: number): string => (index === 0 ? opaque : jwt);
    for (const [index, { status }] of servers.entries()) expect(await status(tokenOf(index))).toBe(200);
    expect(await alone.status(jwt)).toBe(200);

    await joined(store).server.revoke({ issuer: fixture.as.issuer, subject: 'u1' });
    for (const token of [opaque, jwt]) fixture.as.answer(token, { active: false });
    breakIt(store);
    for (let round = 0; round < 6; round += 1) {
      for (const [index, { status }] of servers.entries()) expect(await status(tokenOf(index)), modes[index]).not.toBe(200);
      expect(await alone.status(jwt)).not.toBe(200);
      wait();
    }
  });

  it('ICACHE-08 ICACHE-09 one that has lost everything: who revoked writes it again, and answers are asked for', async () => {
    const store = new FaultyStore();
    const [first, second, hybrid] = [joined(store), joined(store), joined(store, {}, { verification: 'hybrid' })];
    const iat = Math.floor(running.now() / 1000) - 10;
    const [opaque, jwt] = [fixture.as.token({ iat }), await fixture.as.sign({ iat })];
    for (const { judge } of [first, second]) expect((await judge(opaque)).status).toBe(200);
    expect(await hybrid.judge(jwt)).toMatchObject(remembered);
    await first.server.revoke({ issuer: fixture.as.issuer, subject: 'u1' });
    store.entries.clear();
    fixture.as.answer(opaque, { active: false });
    wait();
    expect((await second.judge(opaque)).status).toBe(401);
    expect((await first.judge(opaque)).status).toBe(401);
    const other = fixture.as.token({ iat, sub: 'u2' });
    expect((await first.judge(other)).status).toBe(200);
    wait();
    expect(await hybrid.judge(jwt)).toMatchObject({ status: 401, asked: 0 });
  });

  it('ICACHE-08 ICACHE-09 a cache-manager Cache that swallows its store’s errors', async () => {
    class BreakableMap extends Map<string, unknown> {
      isBroken = false;
      override get(key: string): unknown {
        if (this.isBroken) throw new Error('the store is down');
        return super.get(key);
      }
    }
    const map = new BreakableMap();
    const shared = createCache({ stores: [new Keyv({ store: map })] });
    const [first, second] = [joined(shared), joined(shared, {}, { verification: 'hybrid' })];
    const iat = Math.floor(running.now() / 1000) - 10;
    const jwt = await fixture.as.sign({ iat });
    expect(await second.judge(jwt)).toMatchObject(remembered);
    await first.server.revoke({ issuer: fixture.as.issuer, subject: 'u1' });
    const third = joined(shared, {}, { verification: 'hybrid' });
    map.isBroken = true;
    wait();
    for (const { judge } of [second, third]) expect((await judge(jwt)).status).toBe(401);
    fixture.fail();
    wait();
    for (const { status } of [second, third]) expect([401, 503]).toContain(await status(jwt));
  });

  it.each(['throws', 'rejects', 'hangs', 'drops'] as Fault[])('ICACHE-08 revoke() rejects when the store %s', async (fault) => {
    const store = new FaultyStore();
    const { server, eventsOf, judge } = joined(store, {}, bounded);
    expect(await judge(fixture.as.token())).toMatchObject(askedFor);
    store.writing = fault;
    const started = performance.now();
    const outcome = await server.revoke({ token: 'some-token' }).then(
      () => 'resolved',
      (error: unknown) => error,
    );
    expect(performance.now() - started).toBeLessThan(3000);
    expect(outcome).toBeInstanceOf(Error);
    expect(outcome).not.toBeInstanceOf(TypeError);
    expect(String(outcome)).not.toContain('some-token');
    expect(eventsOf('revocation.accepted')).toEqual([]);
    store.writing = undefined;
    await eventually(() => server.revoke({ token: 'some-token' }));
    expect(await joined(store).judge('some-token')).toMatchObject({ status: 401, asked: 0 });
  });
});
