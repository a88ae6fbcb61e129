import { readFileSync } from 'node:fs';
import { ALGORITHMS, assemble, createDraft, type Keys } from './draft.js';
import { HARMLESS, HOSTILE } from './mutations.js';
import { createRandom } from './random.js';

export interface Mutant {
  token: string;
  /** What was done to it, hostile things first. */
  names: readonly string[];
}

const harmless = Object.keys(HARMLESS);
const hostile = Object.keys(HOSTILE);

/** The same tokens for the same seed, but for the bytes of keys and signatures. */
export function createMutants(keys: Keys, seed: number, count: number): Mutant[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_value, index) => {
    const draft = createDraft(random.pick(ALGORITHMS), keys, index);
    // Every hostile mutation gets its turn; half of the tokens have none.
    const names = index % 2 === 0 ? [] : [hostile[(index >> 1) % hostile.length] ?? ''];
    for (let more = random.integer(3); more > 0; more -= 1) names.push(random.pick(harmless));
    if (random.integer(10) === 0) names.push(random.pick(hostile));
    for (const name of names) (HOSTILE[name] ?? HARMLESS[name])?.(draft, random, keys);
    return { token: assemble(draft, keys), names };
  });
}

export interface Comparison {
  reference: string;
  accepted: number;
  refused: number;
  /** How often each class of difference was seen. */
  differences: Map<string, number>;
  /** Differences that no listed class explains. */
  unlisted: Map<string, number>;
}

/** The classes of the page, from its tables: reference, who accepts, mutation. */
export function readClasses(): Set<string> {
  const page = readFileSync(new URL('differences.md', import.meta.url), 'utf8');
  const rows = page.matchAll(/^\| (\w+) +\| (ours|theirs) +\| ([^|]+?) +\|/gm);
  return new Set([...rows].map(([, reference, accepting, mutation]) => `${reference} | ${accepting} | ${mutation}`));
}

/** A difference belongs to the first of its mutations that is listed for this reference and this direction. */
export function compare(
  reference: string,
  mutants: readonly Mutant[],
  ours: boolean[],
  theirs: boolean[],
  listed: Set<string>,
): Comparison {
  const differences = new Map<string, number>();
  const unlisted = new Map<string, number>();
  mutants.forEach(({ names }, index) => {
    if (ours[index] === theirs[index]) return;
    const classes = names.map((name) => `${reference} | ${ours[index] ? 'ours' : 'theirs'} | ${name}`);
    const known = classes.find((each) => listed.has(each));
    const suspects = classes.filter((_each, at) => HOSTILE[names[at] ?? ''] !== undefined);
    const [counts, name] =
      known === undefined ? [unlisted, (suspects.length > 0 ? suspects : classes).join(' + ')] : [differences, known];
    counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  const accepted = theirs.filter(Boolean).length;
  return { reference, accepted, refused: theirs.length - accepted, differences, unlisted };
}

export function formatReport(ours: boolean[], comparisons: readonly Comparison[]): string {
  const accepted = ours.filter(Boolean).length;
  const counts = (counted: Map<string, number>): string[] =>
    [...counted].sort(([, a], [, b]) => b - a).map(([name, count]) => `  ${String(count).padStart(6)}  ${name}`);
  return [
    `ours: ${accepted} accepted, ${ours.length - accepted} refused`,
    ...comparisons.flatMap(({ reference, accepted: theirs, refused, differences, unlisted }) => [
      `${reference}: ${theirs} accepted, ${refused} refused; differences by class:`,
      ...counts(differences),
      ...(unlisted.size > 0 ? ['  not listed in differences.md:', ...counts(unlisted)] : []),
    ]),
  ].join('\n');
}
