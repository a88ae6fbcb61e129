import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { compare, createMutants, formatReport, readClasses, type Comparison, type Mutant } from './differential.js';
import { createKeys, NOW_SECONDS, type Keys } from './draft.js';
import { HARMLESS, HOSTILE } from './mutations.js';
import { createOAuth4WebApi, createOurs, createPyJwt, whyNoPython, type Judge } from './judges.js';

/** `npm run differential` asks for more of the same. */
const COUNT = Number(process.env['DIFFERENTIAL_TOKENS'] ?? 3000);
const SEEDS = [1, 20_260_101];
const python = whyNoPython();

describe('the verdicts of implementations that share no code with ours', () => {
  let keys: Keys;
  let mutants: Mutant[];
  let tokens: string[];
  let ours: boolean[];
  const listed = readClasses();
  const comparisons: Comparison[] = [];

  beforeAll(async () => {
    // oauth4webapi asks the system for the time.
    vi.useFakeTimers({ toFake: ['Date'], now: NOW_SECONDS * 1000 });
    keys = await createKeys();
    mutants = SEEDS.flatMap((seed) => createMutants(keys, seed, Math.ceil(COUNT / SEEDS.length)));
    tokens = mutants.map(({ token }) => token);
    ours = await createOurs(keys)(tokens);
  }, 300_000);

  afterAll(() => {
    vi.useRealTimers();
    console.log(formatReport(ours, comparisons));
  });

  const judgeBy = async (reference: string, judge: Judge): Promise<void> => {
    const theirs = await judge(tokens);
    const comparison = compare(reference, mutants, ours, theirs, listed);
    comparisons.push(comparison);
    // A comparison among refusals alone would say nothing.
    expect(comparison.accepted / tokens.length).toBeGreaterThanOrEqual(0.3);
    expect(comparison.refused / tokens.length).toBeGreaterThanOrEqual(0.2);
    expect(Object.fromEntries(comparison.unlisted)).toEqual({});
    const own = [...listed].filter((each) => each.startsWith(`${reference} |`));
    expect(own.length).toBeGreaterThan(0);
    // The short run does not see the rare ones.
    if (COUNT >= 20_000) expect(own.filter((each) => !comparison.differences.has(each))).toEqual([]);
  };

  it('AT-04 oauth4webapi', () => judgeBy('oauth4webapi', createOAuth4WebApi(keys)), 300_000);

  it.skipIf(python !== undefined)(
    python === undefined ? 'AT-04 PyJWT' : `AT-04 PyJWT, skipped: ${python}`,
    () => judgeBy('PyJWT', createPyJwt(keys)),
    300_000,
  );

  it('AT-04 the same seed makes the same mutants, and every mutation has its turn', () => {
    const names = (seed: number) => createMutants(keys, seed, 400).map((mutant) => mutant.names);
    expect(names(7)).toEqual(names(7));
    expect(names(7)).not.toEqual(names(8));
    expect(new Set(mutants.flatMap((mutant) => mutant.names)).size).toBe(Object.keys({ ...HARMLESS, ...HOSTILE }).length);
  });
});
