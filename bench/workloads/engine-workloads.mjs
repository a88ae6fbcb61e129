import { publicKeySet } from '../tokens/signing-keys.mjs';

/** Workloads that need no API: our engine in a process of its own. */
const engineWorkload = (id, title, functionName, argument) => ({
  id,
  title,
  async run(bench) {
    bench.progress.show(title);
    const keySet = publicKeySet(bench.keys);
    const engine = bench.spawn('engine', './engine/main.mjs', ['--expose-gc']);
    const endpoints = { ...bench.endpoints, keySet };
    const figures = await engine.ask(functionName, {
      ...argument(bench.plan),
      tokenSettings: bench.tokenSettings,
      endpoints,
      keySet,
    });
    engine.stop();
    return figures;
  },
});

export const coldVerification = engineWorkload(
  'coldVerification',
  'Accepting an unseen JWT, beside one crypto.verify',
  'measureColdVerification',
  ({ verification }) => verification,
);

export const networkIntrospection = engineWorkload(
  'networkIntrospection',
  'An introspection over the network, beside a bare POST',
  'measureNetworkIntrospection',
  ({ network }) => network,
);

export const heapGrowth = engineWorkload(
  'heapGrowth',
  'Memory held after many distinct tokens',
  'measureHeapGrowth',
  ({ distinctTokens }) => ({ distinctTokens }),
);
