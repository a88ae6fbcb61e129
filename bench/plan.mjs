/** How much is measured. A quick run is for seeing that everything works; its figures are rough. */
export const PLANS = {
  full: {
    name: 'full',
    rounds: 15,
    connections: 32,
    hotMilliseconds: 600,
    warmUpRequests: 10_000,
    coldRequests: 1000,
    rejectedRequests: 500,
    // Short enough that no cached answer ages out (60 s) before the last round.
    zipf: { tokens: 10_000, draws: 30_000, rounds: 7, milliseconds: 600, connections: 64 },
    stampede: { requests: 500, times: 3 },
    directMilliseconds: 250,
    verification: { rounds: 15, tokens: 400 },
    network: { rounds: 9, calls: 4000, lanes: 16 },
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
