/**
 * Draws indices below `size` so that the n-th is drawn 1/n times as often as the first. The same seed gives the same
 * draws: every contestant sees the same traffic.
 */
export function drawZipf(size, draws, seed = 1) {
  const cumulative = new Float64Array(size);
  let sum = 0;
  for (let index = 0; index < size; index += 1) cumulative[index] = sum += 1 / (index + 1);
  const random = createRandom(seed);
  return Int32Array.from({ length: draws }, () => firstAbove(cumulative, random() * sum));
}

function firstAbove(sorted, value) {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Mulberry32: small, seeded, good enough to draw from. */
function createRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
