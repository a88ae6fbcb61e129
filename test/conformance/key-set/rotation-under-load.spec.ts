import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../../support/authorization-server.js';
import { settableClock } from '../../support/clock.js';
import { ecKey, type TestKey } from '../../support/keys.js';
import { openConnection } from '../../support/raw-http.js';
import { ADAPTERS, startResourceServer, type ResourceServer } from '../../support/resource-server.js';
import { signedBy } from '../../support/tokens.js';

const CONNECTIONS = 16;

/**
 * Clients that never stop asking, each over one kept connection, with whatever the AS would issue at that moment.
 * A step of the scenario is taken when every connection has had an answer since the last one.
 */
function startLoad(rs: ResourceServer, issue: () => string) {
  const connections = Array.from({ length: CONNECTIONS }, () => openConnection(rs.port));
  const failures: string[] = [];
  const answered = connections.map(() => 0);
  let waiting: { since: number[]; resolve: () => void } | undefined;
  let isStopped = false;
  const client = async (index: number): Promise<void> => {
    const connection = connections[index];
    while (!isStopped && connection) {
      const headers = [['Authorization', `Bearer ${issue()}`]] as const;
      const { status } = await connection.send({ path: '/r', headers });
      if (status !== 200) failures.push(`${status} at answer ${answered[index]} of connection ${index}`);
      answered[index] = (answered[index] ?? 0) + 1;
      if (!waiting || !answered.every((count, at) => count >= (waiting?.since[at] ?? 0) + 3)) continue;
      waiting.resolve();
      waiting = undefined;
    }
  };
  const clients = Promise.all(connections.map((_connection, index) => client(index)));
  return {
    failures,
    total: () => answered.reduce((sum, count) => sum + count, 0),
    /** Three more answers for every client. */
    round: () => new Promise<void>((resolve) => (waiting = { since: [...answered], resolve })),
    stop: async () => {
      isStopped = true;
      await clients;
      for (const connection of connections) connection.close();
    },
  };
}

describe.each(ADAPTERS)('keys that rotate under load (%s)', (adapter) => {
  const clock = settableClock();
  let as: AuthorizationServer;

  beforeAll(async () => {
    as = await startAuthorizationServer({ clock });
  });

  afterAll(() => as.close());

  const underLoad = async (
    rotate: (context: { load: ReturnType<typeof startLoad>; use(key: TestKey): void; first: TestKey }) => Promise<void>,
  ) => {
    as.reset();
    const first = ecKey();
    let current = first;
    as.keySet = { keys: [first.jwk] };
    const options = { verification: 'local', clock } as const;
    const rs = await startResourceServer({ adapter, authorizationServer: as, options, omit: ['clientAuthentication'] });
    const load = startLoad(rs, () => signedBy(as, current, 'ES256'));
    try {
      await load.round();
      await rotate({ load, first, use: (key) => (current = key) });
    } finally {
      await load.stop();
      await rs.close();
    }
    expect(load.failures).toEqual([]);
    expect(load.total()).toBeGreaterThan(CONNECTIONS * 15);
  };

  it('JWK-12 published before its first use: not one request fails', async () => {
    await underLoad(async ({ load, first, use }) => {
      let previous = first;
      for (let rotation = 0; rotation < 6; rotation += 1) {
        const next = ecKey();
        as.keySet = { keys: [previous.jwk, next.jwk] };
        // Long enough for the set to have been refreshed in the background, while requests go on.
        for (let minutes = 0; minutes < 12; minutes += 3) {
          clock.advanceSeconds(180);
          await load.round();
        }
        use(next);
        await load.round();
        as.keySet = { keys: [next.jwk] };
        previous = next;
      }
    });
  });

  it('JWK-12 published at the moment of its first use: not one request fails', async () => {
    await underLoad(async ({ load, first, use }) => {
      let previous = first;
      for (let rotation = 0; rotation < 6; rotation += 1) {
        clock.advanceSeconds(31);
        await load.round();
        const next = ecKey();
        as.keySet = { keys: [previous.jwk, next.jwk] };
        use(next);
        await load.round();
        previous = next;
      }
    });
  });
});
