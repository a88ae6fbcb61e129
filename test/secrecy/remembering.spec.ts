import { IntrospectionService, type RevocationTarget } from 'nestjs-introspection';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/remembering.js';
import { ADAPTERS, type ResourceServer } from '../support/resource-server.js';
import { CLAIM, UPSTREAM, watchSecrets, type Secrecy } from '../support/secrecy.js';
import { FaultyStore, managedCache } from '../support/shared-stores.js';
import { randomText } from '../support/witness.js';

/** A store that says what it was about to do when it fails, as real ones do. */
class TalkativeStore extends FaultyStore {
  failing = false;

  override get(key: string): Promise<unknown> {
    return this.failing ? Promise.reject(new Error(`GET ${key} ${UPSTREAM}`)) : super.get(key);
  }

  override set(key: string, value: string, ttlMs: number): Promise<unknown> {
    return this.failing ? Promise.reject(new Error(`SET ${key} ${value} ${UPSTREAM}`)) : super.set(key, value, ttlMs);
  }

  override delete(key: string): Promise<unknown> {
    return this.failing ? Promise.reject(new Error(`DEL ${key} ${UPSTREAM}`)) : super.delete(key);
  }
}

describe.each(ADAPTERS)('T120 BEARER-25 ICACHE-05 what is remembered tells nothing (%s)', (adapter) => {
  let secrecy: Secrecy;
  let cacheSecret: string;
  beforeEach(async () => {
    secrecy = await watchSecrets(adapter);
    cacheSecret = secrecy.hide('the secret of the cache', `cache-secret-${randomText()}`);
  });
  afterEach(() => secrecy.close());

  const open = (shared: unknown, cache: Record<string, unknown> = {}): Promise<ResourceServer> =>
    secrecy.open({
      verification: 'hybrid',
      cache: { ttlMs: 60_000, inactiveTtlMs: 60_000, localTtlMs: 50, shared, secret: cacheSecret, ...cache },
    });
  const types = (): Set<string> => new Set(secrecy.seen.events.map(({ type }) => type));
  const serviceOf = (rs: ResourceServer): IntrospectionService => rs.app.get(IntrospectionService);

  it('in a store: no key and, with a secret, no value', async () => {
    const { as } = secrecy;
    const cache = managedCache();
    const rs = await open(cache.shared);
    const [good, bad] = [secrecy.token(), secrecy.hide('an unknown token', `unknown-${randomText()}`)];
    const jwt = secrecy.hide('a JWT', await as.sign({ sub: CLAIM }));
    as.answer(jwt, { active: true, ...as.claims({ sub: CLAIM }) });
    for (let round = 0; round < 3; round += 1) {
      for (const token of [good, bad, jwt]) await secrecy.present(rs, '/any', token);
      expect(await secrecy.present(rs, '/fresh', jwt)).toBe(200);
      await eventually(() => expect(cache.dump().length).toBeGreaterThan(2));
    }
    await serviceOf(rs).revoke({ token: good });
    expect(await secrecy.present(rs, '/any', good)).toBe(401);
    expect(types()).toContain('cache.hit');
    expect(types()).toContain('cache.miss');
    for (const [key, value] of cache.dump()) {
      secrecy.note('key', key);
      secrecy.note('value', value);
      // Whatever is encoded in it is searched, too.
      secrecy.note('value, decoded', Buffer.from(value, 'base64').toString('latin1'));
    }
    secrecy.look('health', serviceOf(rs).health());
    secrecy.expectSilence('key', 'value', 'value, decoded', 'health', 'answer 200', 'answer 401');
  });

  it('in the keys of a store that has no secret', async () => {
    const store = new FaultyStore();
    const rs = await open(store, { secret: null });
    const token = secrecy.token();
    expect(await secrecy.present(rs, '/any', token)).toBe(200);
    await eventually(() => expect(store.dump().some(([, value]) => value.includes(CLAIM))).toBe(true));
    await serviceOf(rs).revoke({ issuer: secrecy.as.issuer, subject: CLAIM });
    for (const [key, value] of store.dump()) {
      secrecy.note('key', key);
      // A claim may be read there, by the operator's word; the token may not.
      expect(value).not.toContain(token);
    }
    secrecy.expectSilence('key', 'log of 0');
  });

  it.each([['with a secret'], ['without a secret']])('when a store fails and says how, %s', async (how) => {
    const store = new TalkativeStore();
    const rs = await open(store, how === 'with a secret' ? {} : { secret: null });
    const [before, during] = [secrecy.token(), secrecy.token()];
    expect(await secrecy.present(rs, '/any', before)).toBe(200);
    store.failing = true;
    for (const token of [before, during]) expect(await secrecy.present(rs, '/any', token)).toBe(200);
    const failed = await serviceOf(rs)
      .revoke({ token: during })
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(Error);
    secrecy.look('what revoke() throws', failed);
    secrecy.look('health', serviceOf(rs).health());
    expect(types()).toContain('cache.store_failed');
    secrecy.expectSilence('what revoke() throws', 'health', 'log of 0', 'events');
  });

  it('when the function for the secret of the cache throws what it knows', async () => {
    const store = new FaultyStore();
    const secret = (): never => {
      throw new Error(`cannot read ${cacheSecret}`);
    };
    const rs = await open(store, { secret });
    expect(await secrecy.present(rs, '/any', secrecy.token())).toBe(200);
    secrecy.look(
      'what revoke() throws',
      await serviceOf(rs)
        .revoke({ token: secrecy.token() })
        .catch((error: unknown) => error),
    );
    secrecy.expectSilence('what revoke() throws', 'log of 0');
  });

  it('by revoke(), in all its forms and in none of them', async () => {
    const { as } = secrecy;
    const store = new FaultyStore();
    const rs = await open(store);
    const { issuer } = as;
    const forms: RevocationTarget[] = [
      { token: secrecy.token() },
      { issuer, jti: CLAIM },
      { issuer, subject: CLAIM },
      { issuer, subject: CLAIM, beforeSeconds: 1 },
      { issuer, sessionId: CLAIM },
      { issuer, clientId: CLAIM },
      { issuer, beforeSeconds: 1 },
    ];
    for (const target of forms) await serviceOf(rs).revoke(target);
    const wrong: unknown[] = [
      { token: CLAIM, issuer },
      { issuer: `https://${CLAIM}.example`, subject: CLAIM },
      { issuer, subject: [CLAIM] },
      { issuer, subject: CLAIM, beforeSeconds: CLAIM },
      { [CLAIM]: 1 },
      CLAIM,
      undefined,
    ];
    for (const target of wrong) {
      const thrown = await serviceOf(rs)
        .revoke(target as RevocationTarget)
        .catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(TypeError);
      secrecy.look('what revoke() throws', thrown);
    }
    expect(await secrecy.present(rs, '/any', secrecy.token())).toBe(401);
    expect(secrecy.seen.events.filter(({ type }) => type === 'revocation.accepted')).toHaveLength(forms.length);
    for (const [key, value] of store.dump()) secrecy.note('mark', `${key} ${value}`);
    secrecy.expectSilence('what revoke() throws', 'mark', 'events', 'answer 401');
  });
});
