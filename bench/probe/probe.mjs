import { TOKEN_KINDS } from '../tokens/access-token.mjs';
import { JWT_CASES, OPAQUE_CASES } from './cases.mjs';

/**
 * Sends every contestant the same requests.
 *
 * @param {import('../bench.mjs').Bench} bench
 * @returns {Promise<Record<string, string[]>>} what each gets wrong, by id
 */
export async function probeAll(bench) {
  const apis = bench.apis.filter(({ isFloor }) => !isFloor);
  const faults = Object.fromEntries(apis.map(({ id }) => [id, new Set()]));
  const judgeAll = (time) =>
    Promise.all(
      apis.map(async (api) => {
        for (const probe of casesOf(api).filter(({ when }) => when === time)) {
          const fault = await judge(bench, api, probe);
          if (fault !== undefined) faults[api.id].add(fault);
        }
      }),
    );
  await judgeAll('first');
  await bench.authorizationServer.ask('goDown');
  await judgeAll('down');
  await bench.authorizationServer.ask('comeBack');
  await judgeAll(undefined);
  return Object.fromEntries(Object.entries(faults).map(([id, texts]) => [id, [...texts]]));
}

export function casesOf({ jwt, opaque }) {
  return [...(jwt === undefined ? [] : JWT_CASES), ...(opaque ? OPAQUE_CASES : [])];
}

async function judge(bench, api, { name, kind, headers, status, challenge }) {
  const token = kind === undefined ? undefined : TOKEN_KINDS[kind](bench.tokenSettings);
  const response = await fetch(`http://127.0.0.1:${api.port}/albums`, {
    headers: headers ?? { authorization: `Bearer ${token}` },
  });
  await response.arrayBuffer();
  if (response.status !== status) return `${name}: ${response.status}, not ${status}`;
  if (challenge === undefined) return undefined;
  const sent = response.headers.get('www-authenticate');
  if (sent === null) return `${name}: no challenge`;
  return challenge.test(sent) ? undefined : `${name}: another challenge than RFC 6750's`;
}
