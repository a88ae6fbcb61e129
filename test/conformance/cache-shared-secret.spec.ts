import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LeakSearch } from '../support/leaks.js';
import { eventually } from '../support/remembering.js';
import { CACHE_SECRET, describeSharing, FaultyStore, STORES, type Kept } from '../support/shared-stores.js';

const [OLD, NEW] = ['an-older-secret-of-forty-octets-or-more-!', 'a-newer-secret-of-forty-octets-or-more-!!'];
const fixture = describeSharing();
const { joined, remember, running } = fixture;
const remembered = { status: 200, asked: 0 };
const askedFor = { status: 200, asked: 1 };

describe('What stands in the store', () => {
  const secretClaims = {
    sub: 'a-subject-nobody-else-has',
    username: 'a-user-nobody-else-has',
    jti: 'an-id-that-nobody-else-has',
  };

  async function filled(create: () => Kept, secret: string | null): Promise<{ token: string; dump: [string, string][] }> {
    const { shared, dump } = create();
    const one = joined(shared, { secret, inactiveTtlMs: 10_000 });
    const token = fixture.as.token(secretClaims);
    await remember(one, token, dump);
    expect(await one.judge('an-unknown-token-0123456789')).toMatchObject({ status: 401 });
    const { issuer } = fixture.as;
    await one.server.revoke({ token: 'an-unknown-token-0123456789' });
    await one.server.revoke({ issuer, subject: 'a-revoked-subject-nobody-has' });
    await one.server.revoke({ issuer, jti: secretClaims.jti });
    expect(dump().length).toBeGreaterThan(3);
    return { token, dump: dump() };
  }

  it.each(Object.entries(STORES))('BEARER-25 ICACHE-05 ICACHE-10 no token, claim or secret: %s', async (_what, create) => {
    const { token, dump } = await filled(create, CACHE_SECRET);
    const search = new LeakSearch([
      { name: 'token', text: token },
      { name: 'revoked token', text: 'an-unknown-token-0123456789' },
      { name: 'cache secret', text: CACHE_SECRET },
      { name: 'client secret', text: 'rs1-secret-value' },
      { name: 'issuer', text: fixture.as.issuer },
      { name: 'revoked subject', text: 'a-revoked-subject-nobody-has' },
      ...Object.entries(secretClaims).map(([name, text]) => ({ name, text })),
    ]);
    for (const [key, value] of dump) expect([...search.find('key', key), ...search.find('value', value)]).toEqual([]);
    const text = JSON.stringify(dump);
    for (const form of ['hex', 'base64', 'base64url'] as const)
      expect(text).not.toContain(createHash('sha256').update(token).digest(form));
    expect(text).not.toContain('"active"');
  });

  it.each(Object.entries(STORES))(
    'BEARER-25 ICACHE-05 without a secret no token, and no key in clear: %s',
    async (_what, create) => {
      const { token, dump } = await filled(create, null);
      const tokens = [
        { name: 'token', text: token },
        { name: 'revoked token', text: 'an-unknown-token-0123456789' },
      ];
      const claims = Object.entries(secretClaims).map(([name, text]) => ({ name, text }));
      const [inKeys, inValues] = [new LeakSearch([...tokens, ...claims]), new LeakSearch(tokens)];
      for (const [key, value] of dump) expect([...inKeys.find('key', key), ...inValues.find('value', value)]).toEqual([]);
    },
  );

  it('ICACHE-10 two of the same are not seen to be the same', async () => {
    const store = new FaultyStore();
    const one = joined(store);
    const claims = fixture.as.claims();
    for (const token of ['first-opaque-token', 'second-opaque-token']) {
      fixture.as.answer(token, { active: true, ...claims });
      await remember(one, token, () => store.dump());
    }
    const values = store.dump().map(([, value]) => value);
    expect(new Set(values).size).toBe(values.length);
  });
});

describe('The secret', () => {
  it('ICACHE-10 a list: the first writes, all read', async () => {
    const store = new FaultyStore();
    const dump = () => store.dump();
    const [before, during, after] = [
      joined(store, { secret: OLD }),
      joined(store, { secret: [NEW, OLD] }),
      joined(store, { secret: NEW }),
    ];
    const [older, newer] = [fixture.as.token(), fixture.as.token()];
    await remember(before, older, dump);
    expect(await during.judge(older)).toMatchObject(remembered);
    await remember(during, newer, dump);
    expect(await after.judge(newer)).toMatchObject(remembered);
    expect(await after.judge(older)).toMatchObject(askedFor);
  });

  it('ICACHE-08 ICACHE-10 a revocation by the old secret is read beside the new one', async () => {
    const store = new FaultyStore();
    const token = fixture.as.token();
    await joined(store, { secret: OLD }).server.revoke({ token });
    expect(await joined(store, { secret: [NEW, OLD] }).judge(token)).toMatchObject({ status: 401, asked: 0 });
  });

  it('ICACHE-10 another secret opens nothing', async () => {
    const store = new FaultyStore();
    const token = fixture.as.token();
    await remember(joined(store, { secret: OLD }), token, () => store.dump());
    fixture.as.answer(token, { active: false });
    expect(await joined(store, { secret: NEW }).judge(token)).toMatchObject({ status: 401, asked: 1 });
  });

  it('ICACHE-10 bytes and text of the same octets are the same secret', async () => {
    const store = new FaultyStore();
    const token = fixture.as.token();
    await remember(joined(store, { secret: CACHE_SECRET }), token, () => store.dump());
    expect(await joined(store, { secret: Buffer.from(CACHE_SECRET) }).judge(token)).toMatchObject(remembered);
  });

  it('ICACHE-10 a function is asked at most once a minute, and rotates', async () => {
    const store = new FaultyStore();
    let [asked, secret] = [0, [OLD]];
    const given = async () => {
      asked += 1;
      return secret;
    };
    const one = joined(store, { secret: given, ttlMs: 300_000 });
    const tokens = Array.from({ length: 10 }, () => fixture.as.token({ exp: undefined }));
    for (const token of tokens) expect(await one.judge(token)).toMatchObject(askedFor);
    expect(asked).toBe(1);
    secret = [NEW, OLD];
    running.skipSeconds(61);
    const [known, unknown] = [tokens[0] ?? '', fixture.as.token({ exp: undefined })];
    expect(await one.judge(known)).toMatchObject(remembered);
    await eventually(() => expect(asked).toBe(2));
    await remember(one, unknown, () => store.dump());
    expect(await joined(store, { secret: [NEW] }).judge(unknown)).toMatchObject(remembered);
    expect(asked).toBe(2);
  });
});
