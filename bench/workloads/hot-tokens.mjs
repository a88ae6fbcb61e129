import { figuresOf } from './compare-with-floor.mjs';
import { interleave } from './interleave.mjs';

/** The same access token in every request. */
export const hotJwt = {
  id: 'hotJwt',
  title: 'One hot JWT (RS256)',
  run: (bench) => sendOneToken(bench, 'RS256', hotJwt.title, ({ jwt }) => jwt !== undefined),
};

/** The same opaque token in every request; whoever cannot cache asks each time. */
export const hotOpaque = {
  id: 'hotOpaque',
  title: 'One hot opaque token',
  run: (bench) => sendOneToken(bench, 'opaque', hotOpaque.title, ({ opaque }) => opaque),
};

async function sendOneToken(bench, kind, title, takesPart) {
  const { hotMilliseconds, warmUpRequests } = bench.plan;
  const apis = bench.apis.filter((api) => api.isFloor || takesPart(api));
  await bench.load.ask('prepareTokens', { kind, count: 1 });
  const send = (until) => (api) => bench.send(api, { kind, order: 'same', ...until });
  const measured = await interleave(bench, title, apis, {
    warmUp: send({ requests: warmUpRequests }),
    measure: send({ milliseconds: hotMilliseconds }),
  });
  return figuresOf(bench, apis, measured);
}
