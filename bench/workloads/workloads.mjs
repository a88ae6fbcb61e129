import { coldJwts } from './cold-jwts.mjs';
import { directGuard } from './direct-guard.mjs';
import { coldVerification, heapGrowth, networkIntrospection } from './engine-workloads.mjs';
import { hotJwt, hotOpaque } from './hot-tokens.mjs';
import { rejectedTokens } from './rejected-tokens.mjs';
import { stampede } from './stampede.mjs';
import { zipfOpaque } from './zipf-opaque.mjs';

/** In the order in which they run. */
export const WORKLOADS = [
  hotJwt,
  ...coldJwts,
  hotOpaque,
  zipfOpaque,
  stampede,
  rejectedTokens,
  directGuard,
  coldVerification,
  networkIntrospection,
  heapGrowth,
];
