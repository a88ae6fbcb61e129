import { ConfigurationError, type ConfigurationProblem } from '../../protocol/configuration-error.js';

/** Collects everything that is wrong with the options, so that start-up fails once and with all of it. */
export class Problems {
  readonly #list: ConfigurationProblem[];

  constructor(known: readonly ConfigurationProblem[] = []) {
    this.#list = [...known];
  }

  add(option: string, given: unknown, remedy: string): void {
    this.#list.push({ option, given: describe(given), remedy });
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** @throws {ConfigurationError} when anything was added */
  throwIfAny(): void {
    if (!this.isEmpty) throw new ConfigurationError(this.#list);
  }
}

/** What was given, by its type alone: a value may be a secret in the wrong place. */
function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (value === '') return 'an empty string';
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
