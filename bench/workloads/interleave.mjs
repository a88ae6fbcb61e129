/**
 * Measures all in turn, round after round, so that what disturbs the machine disturbs everyone. Each round begins with
 * another one. A first round, `warmUp`, is not counted.
 *
 * @template T
 * @param {import('../bench.mjs').Bench} bench
 * @param {string} title for the progress
 * @param {T[]} entries each with a `name` and an `id`
 * @param {{ warmUp?: (entry: T) => Promise<unknown>, measure: (entry: T) => Promise<any>, rounds?: number }} how
 * @returns {Promise<Map<string, any[]>>} the measurements of each round, by `id`
 */
export async function interleave(bench, title, entries, { warmUp, measure, rounds = bench.plan.rounds }) {
  const measured = new Map(entries.map(({ id }) => [id, []]));
  for (const entry of warmUp === undefined ? [] : entries) {
    bench.progress.show(`${title}: warming up, ${entry.name}`);
    await warmUp(entry);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < entries.length; turn += 1) {
      const entry = entries[(turn + round) % entries.length];
      bench.progress.show(`${title}: round ${round + 1} of ${rounds}, ${entry.name}`);
      measured.get(entry.id).push(await measure(entry));
    }
  }
  return measured;
}
