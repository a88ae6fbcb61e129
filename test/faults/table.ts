import { ADAPTERS } from '../support/resource-server.js';
import type { CellName, State } from './cell.js';
import { FAULTS } from './faults.js';
import type { Endpoint } from './misbehaving-server.js';

const ENDPOINTS: readonly Endpoint[] = ['introspection', 'discovery', 'key set'];
const STATES: readonly State[] = ['cold', 'warm cache', 'breaker open'];

export interface Group extends Omit<CellName, 'fault' | 'adapter'> {
  readonly cells: readonly CellName[];
}

export interface NotRun {
  readonly cell: CellName;
  readonly reason: string;
}

/** Why a cell makes no sense; `undefined` where it does. */
function reasonAgainst({ fault, endpoint, state }: CellName): string | undefined {
  const { only, misbehaviour } = fault;
  if (only !== undefined && only.endpoint !== endpoint) return only.because;
  if (misbehaviour === 'no such host' && state === 'warm cache')
    return 'a name that cannot be looked up has never answered, so nothing of it is remembered';
  const takesAllAway = misbehaviour === 'refused' || misbehaviour === 'untrusted certificate';
  if (takesAllAway && endpoint === 'discovery' && state === 'warm cache')
    return 'takes keys and answers away as well: see the key set and introspection';
  return undefined;
}

const all: readonly CellName[] = ADAPTERS.flatMap((adapter) =>
  ENDPOINTS.flatMap((endpoint) =>
    STATES.flatMap((state) => FAULTS.map((fault): CellName => ({ adapter, endpoint, state, fault }))),
  ),
);

export const NOT_RUN: readonly NotRun[] = all.flatMap((cell) => {
  const reason = reasonAgainst(cell);
  return reason === undefined ? [] : [{ cell, reason }];
});

const runs = all.filter((cell) => reasonAgainst(cell) === undefined);

/** What is run at a time, and shares one application for each adapter. */
export const GROUPS: readonly Group[] = ENDPOINTS.flatMap((endpoint) =>
  STATES.map((state) => ({
    endpoint,
    state,
    cells: runs.filter((cell) => cell.endpoint === endpoint && cell.state === state),
  })),
);
