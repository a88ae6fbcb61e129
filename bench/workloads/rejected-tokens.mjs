import { interleave } from './interleave.mjs';
import { median } from './median.mjs';

// Which refusal it is, the probe has looked at.
const isRefused = (status) => status >= 400;
const REJECTED = ['garbage', 'bad signature', 'expired'];

/** What a refusal costs, beside what an accepted token costs and an address that does not exist. */
export const rejectedTokens = {
  id: 'rejectedTokens',
  title: 'Rejected tokens',
  async run(bench) {
    const { rejectedRequests: requests, hotMilliseconds: milliseconds } = bench.plan;
    const cases = bench.apis.flatMap((api) => casesOf(bench, api, { requests, milliseconds }));
    const measured = await interleave(bench, rejectedTokens.title, cases, {
      warmUp: ({ send }) => send(),
      measure: ({ send }) => send(),
    });
    const figures = {};
    for (const { id, api, kind } of cases) {
      const rounds = measured.get(id);
      const base = api.isFloor ? api : bench.floorOf(api);
      const notFound = measured.get(`${base.id} 404`);
      figures[api.id] = {
        ...figures[api.id],
        [kind]: {
          cpuMicroseconds: median(rounds.map(({ cpuMicroseconds }) => cpuMicroseconds)),
          notFoundRatio: median(rounds.map((round, index) => round.cpuMicroseconds / notFound[index].cpuMicroseconds)),
        },
      };
    }
    return figures;
  },
};

function casesOf(bench, api, { requests, milliseconds }) {
  const base = (kind, send) => ({ id: `${api.id} ${kind}`, name: `${api.name}, ${kind}`, api, kind, send });
  if (api.isFloor) return [base('404', () => bench.send(api, { path: '/missing', requests, milliseconds }, isRefused))];
  if (api.jwt === undefined) return [];
  return [
    base('accepted', () => bench.sendUnseen(api, 'RS256', requests, { milliseconds })),
    ...REJECTED.map((kind) => base(kind, () => bench.sendUnseen(api, kind, requests, { milliseconds, isExpected: isRefused }))),
  ];
}
