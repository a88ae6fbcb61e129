import { Pool } from 'undici';
import { TOKEN_KINDS } from '../tokens/access-token.mjs';
import { median } from '../workloads/median.mjs';
import { cpuMicrosecondsOf } from './cpu-time.mjs';
import { CLIENT, createEngine, requestWith } from './resource-server.mjs';

/** An introspection that has to be made, beside a bare POST of the same form by the same HTTP client. */
export async function measureNetworkIntrospection({ endpoints, rounds, calls, lanes }) {
  const server = createEngine(endpoints, { verification: 'remote', discovery: false, clientAuthentication: CLIENT });
  const { origin, pathname: path } = new URL(endpoints.introspectionEndpoint);
  const pool = new Pool(origin, { connections: lanes });
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
    authorization: `Basic ${Buffer.from(`${CLIENT.clientId}:${CLIENT.clientSecret}`).toString('base64')}`,
  };
  const post = async (token) => {
    const { body } = await pool.request({ method: 'POST', path, headers, body: `token=${token}` });
    await body.text();
  };
  const introspect = (token) => server.authenticate(requestWith(token));

  const measured = [];
  for (let round = -1; round < rounds; round += 1) {
    const time = (task) => cpuMicrosecondsOf(() => inLanes(lanes, calls, () => task(TOKEN_KINDS.opaque())));
    const [first, second] = round % 2 === 0 ? [post, introspect] : [introspect, post];
    const times = [await time(first), await time(second)];
    const [bare, introspection] = round % 2 === 0 ? times : times.toReversed();
    if (round >= 0) measured.push({ bare: bare / calls, introspection: introspection / calls });
  }
  await Promise.all([server.close(), pool.close()]);
  return {
    bareMicroseconds: median(measured.map(({ bare }) => bare)),
    introspectionMicroseconds: median(measured.map(({ introspection }) => introspection)),
    ratio: median(measured.map(({ bare, introspection }) => introspection / bare)),
  };
}

/** Runs a task so many times, some at a time. */
export async function inLanes(lanes, times, task) {
  let started = 0;
  const lane = async () => {
    while (started < times) {
      started += 1;
      await task();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
