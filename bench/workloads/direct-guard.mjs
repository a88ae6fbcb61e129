import { TOKEN_KINDS } from '../tokens/access-token.mjs';
import { interleave } from './interleave.mjs';
import { median } from './median.mjs';

/** The guard alone, called with a hand-made context: no HTTP, no framework. */
export const directGuard = {
  id: 'directGuard',
  title: 'The guard called directly',
  async run(bench) {
    const { directMilliseconds } = bench.plan;
    const hot = { jwt: TOKEN_KINDS.RS256(bench.tokenSettings), opaque: TOKEN_KINDS.opaque(bench.tokenSettings) };
    const cases = bench.apis.flatMap((api) => {
      const kinds = ['jwt', 'opaque'].filter((kind) => api.isFloor || (kind === 'jwt' ? api.jwt : api.cached));
      return kinds.map((kind) => ({ id: `${api.id} ${kind}`, name: `${api.name}, ${kind}`, api, kind }));
    });
    const time =
      (milliseconds) =>
      ({ api, kind }) =>
        api.process.ask('timeDirectCalls', { token: hot[kind], milliseconds });
    const measured = await interleave(bench, directGuard.title, cases, {
      warmUp: time(2 * directMilliseconds),
      measure: time(directMilliseconds),
    });
    const figures = {};
    for (const { id, api, kind } of cases) figures[api.id] = { ...figures[api.id], [kind]: median(measured.get(id)) };
    return figures;
  },
};
