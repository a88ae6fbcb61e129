import { describe, expect, it } from 'vitest';
import { settableClock } from '../../../support/clock.js';
import { judgingFixture, type Mode } from '../../../support/judging.js';

const fixture = judgingFixture();
const LOCAL_ONLY = { clientAuthentication: undefined, introspectionEndpoint: undefined };
const FRESH = { introspectMaxAgeMs: 0 };

/** A store that other instances share, and that can be out of reach. */
function sharedStore() {
  const entries = new Map<string, string>();
  const store = {
    isDown: false,
    get: (key: string) => (store.isDown ? Promise.reject(new Error('down')) : Promise.resolve(entries.get(key))),
    set: (key: string, value: string) => {
      if (store.isDown) return Promise.reject(new Error('down'));
      entries.set(key, value);
      return Promise.resolve();
    },
    delete: (key: string) => Promise.resolve(void entries.delete(key)),
  };
  return store;
}

describe("A route that wants the authorization server's own word", () => {
  it.each<[Mode, string]>([
    ['local', 'both 1'],
    ['hybrid', 'both 1'],
    ['both', 'both 1'],
    ['remote', 'introspection 1'],
  ])('HYB-03 gets it for a JWT in %s: %s', async (mode, expected) => {
    const token = fixture.active(await fixture.as.sign());
    expect(await fixture.judge(token, mode, FRESH)).toBe(expected);
  });

  it.each<Mode>(['local', 'hybrid'])('HYB-03 gets it for a JWT that was judged here before, in %s', async (mode) => {
    const token = fixture.active(await fixture.as.sign());
    expect(await fixture.judge(token, mode)).toBe('local 0');
    expect(await fixture.judge(token, mode, FRESH)).toBe('both 1');
    expect(await fixture.judge(token, mode)).toBe('local 0');
  });

  it('HYB-04 asks about every use of a JWT in both', async () => {
    const token = fixture.active(await fixture.as.sign());
    for (let use = 0; use < 2; use += 1) expect(await fixture.judge(token, 'both')).toBe('both 1');
  });

  it('ICACHE-02 gets none that is older than it wants, of a token that is remembered', async () => {
    const clock = settableClock();
    const by = fixture.open('remote', { cache: { ttlMs: 60_000 }, clock });
    const token = fixture.active('opaque-token');
    expect(await fixture.judge(token, by)).toBe('introspection 1');
    clock.advanceSeconds(10);
    expect(await fixture.judge(token, by, { introspectMaxAgeMs: 20_000 })).toBe('introspection 0');
    expect(await fixture.judge(token, by, { introspectMaxAgeMs: 5000 })).toBe('introspection 1');
    expect(await fixture.judge(token, by)).toBe('introspection 0');
  });

  it('HYB-03 refuses a JWT that the server calls inactive, and asks nothing about a bad one', async () => {
    expect(await fixture.judge(await fixture.as.sign(), 'local', FRESH)).toBe('inactive 1');
    expect(await fixture.judge(await fixture.as.sign({ exp: 1 }), 'local', FRESH)).toBe('expired 0');
  });

  it('HYB-04 takes the audience from the JWT where the answer has none', async () => {
    const token = fixture.active(await fixture.as.sign(), { aud: undefined });
    expect(await fixture.judge(token, 'local', FRESH)).toBe('both 1');
  });

  it('is a mistake of the application where nobody can be asked', async () => {
    const alone = fixture.open('local', LOCAL_ONLY);
    expect(await fixture.judge(await fixture.as.sign(), alone, FRESH)).toBe('TypeError 0');
    expect(await fixture.judge(await fixture.as.sign(), alone)).toBe('local 0');
  });

  it('HYB-04 is not asked about a JWT that is bound to a key', async () => {
    const token = fixture.active(await fixture.as.sign({ cnf: { jkt: 'x' } }));
    expect(await fixture.judge(token, 'local', FRESH)).toBe('binding 0');
    expect(await fixture.judge(token, 'both')).toBe('binding 0');
    expect(await fixture.judge(token, 'local')).toBe('binding 0');
  });
});

describe('A JWT that was revoked here', () => {
  const revoke = { subject: 'revoked' };

  it.each<[Mode, string]>([
    ['local', 'inactive 0'],
    ['hybrid', 'inactive 0'],
    ['both', 'inactive 0'],
  ])('is refused without a call in %s', async (mode, expected) => {
    const by = fixture.open(mode);
    const token = fixture.active(await fixture.as.sign({ sub: 'revoked' }), { sub: 'revoked' });
    const other = fixture.active(await fixture.as.sign());
    expect(await fixture.judge(token, by)).not.toContain('inactive');
    await by.server.revoke({ issuer: fixture.as.issuer, ...revoke });
    expect(await fixture.judge(token, by)).toBe(expected);
    expect(await fixture.judge(other, by)).not.toContain('inactive');
  });

  it.each<[Mode, string]>([
    ['local', 'inactive 0'],
    ['hybrid', 'inactive 0'],
    ['both', 'both 1'],
  ])('and does not say when it was issued is left to the server alone, where it is asked: %s %s', async (mode, expected) => {
    const by = fixture.open(mode, { requiredClaims: [] });
    await by.server.revoke({ issuer: fixture.as.issuer, ...revoke });
    const token = fixture.active(await fixture.as.sign({ sub: 'revoked', iat: undefined }), { sub: 'revoked' });
    expect(await fixture.judge(token, by)).toBe(expected);
  });

  it('and does not say when it was issued is not judged by what the server said before', async () => {
    const by = fixture.open('both', { requiredClaims: [], cache: { ttlMs: 60_000 } });
    const token = fixture.active(await fixture.as.sign({ sub: 'revoked', iat: undefined }), { sub: undefined });
    expect(await fixture.judge(token, by)).toBe('both 1');
    expect(await fixture.judge(token, by)).toBe('both 0');
    await by.server.revoke({ issuer: fixture.as.issuer, ...revoke });
    expect(await fixture.judge(token, by)).toBe('both 1');
  });

  it('while the server is asked is refused, though only the JWT names what was revoked', async () => {
    const by = fixture.open('both');
    const token = await fixture.as.sign({ sub: 'revoked' });
    let release: () => void = () => undefined;
    fixture.as.answer(token, (_request, response) => {
      release = () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"active":true}');
    });
    const arrived = fixture.as.nextRequest();
    const judged = fixture.judge(token, by);
    await arrived;
    await by.server.revoke({ issuer: fixture.as.issuer, ...revoke });
    release();
    expect(await judged).toBe('inactive 1');
  });
});

describe('A JWT while the store of revocations is out of reach', () => {
  const sharing = (mode: Mode, options: Record<string, unknown> = {}) => {
    const store = sharedStore();
    const cache = { ttlMs: 60_000, shared: store, secret: null };
    return { store, by: fixture.open(mode, { cache, ...options }) };
  };

  it('is left to the server, where it can be asked', async () => {
    const { store, by } = sharing('local');
    expect(await fixture.judge(await fixture.as.sign(), by)).toBe('local 0');
    store.isDown = true;
    expect(await fixture.judge(fixture.active(await fixture.as.sign()), by)).toBe('both 1');
    expect(await fixture.judge(await fixture.as.sign(), by)).toBe('inactive 1');
  });

  it('is refused with 503 where nobody can be asked', async () => {
    const { store, by } = sharing('local', LOCAL_ONLY);
    expect(await fixture.judge(await fixture.as.sign(), by)).toBe('local 0');
    store.isDown = true;
    expect(await fixture.judge(await fixture.as.sign(), by)).toBe('ERR_INTROSPECTION_UNAVAILABLE 0');
  });
});
