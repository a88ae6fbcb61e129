import { TOKEN_KINDS } from '../tokens/access-token.mjs';
import { inLanes } from './network-introspection.mjs';
import { CLIENT, createEngine, requestWith } from './resource-server.mjs';

const LANES = 32;
const WARM_UP = 1000;
const MEBIBYTE = 1_048_576;

/**
 * What is still held after so many distinct tokens, half of them JWTs, half opaque. Needs `--expose-gc`. The memory for
 * the compiled code and the connections is there before the first figure is taken.
 */
export async function measureHeapGrowth({ tokenSettings, endpoints, distinctTokens }) {
  const server = createEngine(endpoints, {
    discovery: false,
    clientAuthentication: CLIENT,
    cache: { ttlMs: 60_000 },
  });
  const accept = (kind) => server.authenticate(requestWith(TOKEN_KINDS[kind](tokenSettings)));
  const half = distinctTokens / 2;
  const use = async (kind, count) => inLanes(LANES, count, () => accept(kind));

  await use('EdDSA', WARM_UP);
  await use('opaque', WARM_UP);
  const before = collected();
  await use('EdDSA', half);
  const afterJwts = collected();
  await use('opaque', half);
  const uncollected = heldBytes();
  const after = collected();
  await server.close();
  return {
    distinctTokens,
    jwtMebibytes: (afterJwts - before) / MEBIBYTE,
    opaqueMebibytes: (after - afterJwts) / MEBIBYTE,
    totalMebibytes: (after - before) / MEBIBYTE,
    uncollectedMebibytes: (uncollected - before) / MEBIBYTE,
  };
}

function collected() {
  globalThis.gc();
  globalThis.gc();
  return heldBytes();
}

/** What JavaScript holds, buffers outside its heap included. */
function heldBytes() {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
