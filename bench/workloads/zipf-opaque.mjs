import { figuresOf } from './compare-with-floor.mjs';
import { interleave } from './interleave.mjs';

const DELAY_MS = 20;

/** Many opaque tokens, few of them hot, and an authorization server that takes its time. */
export const zipfOpaque = {
  id: 'zipfOpaque',
  title: `Opaque tokens by Zipf's law, authorization server ${DELAY_MS} ms away`,
  async run(bench) {
    const { tokens, draws, rounds, milliseconds, connections } = bench.plan.zipf;
    const apis = bench.apis.filter(({ isFloor, opaque }) => isFloor || opaque);
    await bench.load.ask('prepareTokens', { kind: 'opaque', count: tokens });
    const distinct = await bench.load.ask('prepareZipf', { kind: 'opaque', size: tokens, draws });
    await bench.authorizationServer.ask('delayAnswers', DELAY_MS);
    const request = { kind: 'opaque', order: 'zipf', connections };
    const calls = {};
    const measured = await interleave(bench, zipfOpaque.title, apis, {
      rounds,
      // Whoever does not cache would take minutes for all of them.
      warmUp: async (api) => {
        await bench.authorizationServer.ask('takeIntrospections');
        const requests = api.isFloor || api.cached ? draws : draws / 20;
        await bench.send(api, { ...request, requests });
        calls[api.id] = { requests, introspections: await bench.authorizationServer.ask('takeIntrospections') };
      },
      measure: (api) => bench.send(api, { ...request, milliseconds }),
    });
    await bench.authorizationServer.ask('delayAnswers', 0);
    const figures = figuresOf(bench, apis, measured);
    for (const { id } of apis) Object.assign(figures[id], calls[id], { distinctTokens: distinct });
    return figures;
  },
};
