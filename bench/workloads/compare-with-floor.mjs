import { median } from './median.mjs';

/**
 * Medians over the rounds. Ratios and differences are taken within each round, where both were measured close together.
 *
 * @param {any[]} rounds of one API, from `Bench.send`
 * @param {any[]} floorRounds of its floor
 */
export function compareWithFloor(rounds, floorRounds) {
  const over = (value) => median(rounds.map((round, index) => value(round, floorRounds[index])));
  return {
    requestsPerSecond: over((round) => round.requestsPerSecond),
    throughputRatio: over((round, floor) => round.requestsPerSecond / floor.requestsPerSecond),
    cpuMicroseconds: over((round) => round.cpuMicroseconds),
    addedCpuMicroseconds: over((round, floor) => round.cpuMicroseconds - floor.cpuMicroseconds),
    loadGeneratorBusy: over((round) => round.loadGeneratorBusy),
  };
}

/**
 * The figures of every API of a workload, by id.
 *
 * @param {import('../bench.mjs').Bench} bench
 * @param {any[]} apis floors among them
 * @param {Map<string, any[]>} measured from `interleave`
 */
export function figuresOf(bench, apis, measured) {
  return Object.fromEntries(
    apis.map((api) => [api.id, compareWithFloor(measured.get(api.id), measured.get(bench.floorOf(api).id))]),
  );
}
