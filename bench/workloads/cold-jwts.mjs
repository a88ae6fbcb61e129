import { figuresOf } from './compare-with-floor.mjs';
import { interleave } from './interleave.mjs';

/** Every request carries a JWT that the API has never seen. One workload for each algorithm. */
export const coldJwts = ['RS256', 'ES256', 'EdDSA'].map((algorithm) => ({
  id: `cold${algorithm}`,
  title: `Cold JWTs, ${algorithm}`,
  async run(bench) {
    const { coldRequests, hotMilliseconds: milliseconds } = bench.plan;
    const apis = bench.apis.filter(({ isFloor, jwt }) => isFloor || jwt?.includes(algorithm));
    const send = (api) => bench.sendUnseen(api, algorithm, coldRequests, { milliseconds });
    const measured = await interleave(bench, this.title, apis, { warmUp: send, measure: send });
    return figuresOf(bench, apis, measured);
  },
}));
