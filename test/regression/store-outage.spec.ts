import { describe, expect, it } from 'vitest';
import { describeSharing, FaultyStore } from '../support/shared-stores.js';

const fixture = describeSharing();

describe('ICACHE-09 a store that cannot be reached', () => {
  // "An instance that cannot reach the store asks live", also one that never goes by a copy of its own.
  it.each([0, 1, 500])('leaves the live answer, with localTtlMs %d', async (localTtlMs) => {
    const store = new FaultyStore();
    const { judge } = fixture.joined(store, { localTtlMs });
    store.break('rejects');
    expect(await judge(fixture.as.token())).toMatchObject({ status: 200 });
  });
});
