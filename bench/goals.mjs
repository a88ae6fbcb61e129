/**
 * What we want to reach, judged by the figures of our own contestants.
 *
 * @typedef {{ name: string, limit: string, figure?: string, isMet?: boolean }} Goal
 * @param {Record<string, any>} figures by workload
 * @returns {Goal[]} without a figure where a workload was not run
 */
export function judgeGoals(figures) {
  const { hotJwt, hotOpaque, zipfOpaque, stampede, rejectedTokens, directGuard } = figures;
  const { coldVerification, networkIntrospection, heapGrowth } = figures;
  const goals = [];
  for (const [id, adapter] of [
    ['ours-express', 'Express'],
    ['ours-fastify', 'Fastify'],
  ]) {
    goals.push(
      atLeast(`hot JWT, throughput (${adapter})`, 0.95, hotJwt?.[id]?.throughputRatio),
      atMost(`hot JWT, CPU added (${adapter})`, 12, hotJwt?.[id]?.addedCpuMicroseconds, ' µs'),
      atLeast(`hot opaque token, throughput (${adapter})`, 0.95, hotOpaque?.[id]?.throughputRatio),
      atMost(`hot opaque token, CPU added (${adapter})`, 12, hotOpaque?.[id]?.addedCpuMicroseconds, ' µs'),
      atLeast(`opaque tokens by Zipf's law, throughput (${adapter})`, 0.85, zipfOpaque?.[id]?.throughputRatio),
      noMoreCallsThanTokens(`opaque tokens by Zipf's law, calls (${adapter})`, zipfOpaque?.[id]),
      exactlyOne(`stampede, calls (${adapter})`, stampede?.[id]?.introspections),
    );
  }
  const guard = directGuard?.['ours-express'];
  goals.push(
    atMost('guard alone, hot JWT', 4, guard?.jwt, ' µs'),
    atMost('guard alone, hot opaque token', 4, guard?.opaque, ' µs'),
  );
  for (const [algorithm, { ratio }] of Object.entries(coldVerification ?? {})) {
    goals.push(atMost(`cold JWT, ${algorithm}, beside crypto.verify`, 1.5, ratio, ' ×'));
  }
  const rejected = rejectedTokens?.['ours-local'];
  const accepted = rejected?.accepted?.cpuMicroseconds;
  for (const kind of ['bad signature', 'expired']) {
    goals.push(
      atMost(`rejected (${kind}), beside an accepted cold JWT`, 1, divide(rejected?.[kind]?.cpuMicroseconds, accepted), ' ×'),
    );
  }
  goals.push(
    atMost('garbage, beside a 404 of the bare API', 1.2, rejected?.garbage?.notFoundRatio, ' ×'),
    atMost('introspection, beside a bare POST', 1.3, networkIntrospection?.ratio, ' ×'),
    atMost(
      `held after ${heapGrowth?.distinctTokens.toLocaleString('en') ?? 'many'} tokens`,
      64,
      heapGrowth?.totalMebibytes,
      ' MiB',
    ),
  );
  return goals;
}

const format = (figure, unit) => `${figure.toFixed(figure < 10 ? 2 : 1)}${unit}`;
const divide = (value, by) => (value === undefined || by === undefined ? undefined : value / by);

function atMost(name, limit, figure, unit = '') {
  const goal = { name, limit: `≤ ${limit}${unit}` };
  return figure === undefined ? goal : { ...goal, figure: format(figure, unit), isMet: figure <= limit };
}

function atLeast(name, limit, figure) {
  const goal = { name, limit: `≥ ${limit} ×` };
  return figure === undefined ? goal : { ...goal, figure: format(figure, ' ×'), isMet: figure >= limit };
}

function exactlyOne(name, figure) {
  const goal = { name, limit: '1' };
  return figure === undefined ? goal : { ...goal, figure: String(figure), isMet: figure === 1 };
}

function noMoreCallsThanTokens(name, figures) {
  const goal = { name, limit: '≤ distinct tokens' };
  if (figures?.introspections === undefined) return goal;
  const { introspections, distinctTokens } = figures;
  return { ...goal, figure: `${introspections} of ${distinctTokens}`, isMet: introspections <= distinctTokens };
}
