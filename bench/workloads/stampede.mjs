/** Long enough for all requests to be there before the first answer is. */
const DELAY_MS = 250;
/** Beyond the tokens that other workloads send. */
const FIRST = 20_000;

/** Many requests at once with one token that nobody has asked about yet. */
export const stampede = {
  id: 'stampede',
  title: 'Stampede: one unseen opaque token, all at once',
  async run(bench) {
    const { requests, times } = bench.plan.stampede;
    const figures = {};
    await bench.authorizationServer.ask('delayAnswers', DELAY_MS);
    for (const api of bench.apis.filter(({ opaque }) => opaque)) {
      const introspections = [];
      for (let time = 0; time < times; time += 1) {
        bench.progress.show(`${stampede.title}: ${api.name}, ${time + 1} of ${times}`);
        await bench.load.ask('prepareTokens', { kind: 'opaque', count: FIRST + time + 1 });
        await bench.authorizationServer.ask('takeIntrospections');
        await bench.send(api, { kind: 'opaque', order: 'same', from: FIRST + time, connections: requests, requests });
        introspections.push(await bench.authorizationServer.ask('takeIntrospections'));
      }
      figures[api.id] = { requests, introspections: Math.max(...introspections) };
    }
    await bench.authorizationServer.ask('delayAnswers', 0);
    return figures;
  },
};
