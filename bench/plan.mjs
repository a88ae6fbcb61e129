/** How much is measured. A quick run is for seeing that everything works; its figures are rough. */
export const PLANS = {
  full: {
    name: 'full',
    // Many and short: what disturbs the machine lasts for seconds, and then disturbs a whole round.
    rounds: 16,
    connections: 32,
    hotMilliseconds: 200,
    warmUpRequests: 10_000,
    coldRequests: 400,
    rejectedRequests: 200,
    // Short enough that no cached answer ages out (60 s) before the last round.
    zipf: { tokens: 10_000, draws: 30_000, rounds: 8, milliseconds: 200, connections: 64 },
    stampede: { requests: 500, times: 3 },
    directMilliseconds: 80,
    verification: { rounds: 15, tokens: 200 },
    network: { rounds: 12, calls: 1500, lanes: 16 },
    distinctTokens: 1_000_000,
  },
  quick: {
    name: 'quick',
    rounds: 3,
    connections: 32,
    hotMilliseconds: 100,
    warmUpRequests: 1000,
    coldRequests: 50,
    rejectedRequests: 40,
    zipf: { tokens: 1000, draws: 3000, rounds: 2, milliseconds: 150, connections: 64 },
    stampede: { requests: 500, times: 1 },
    directMilliseconds: 40,
    verification: { rounds: 5, tokens: 100 },
    network: { rounds: 5, calls: 500, lanes: 16 },
    distinctTokens: 50_000,
  },
};
