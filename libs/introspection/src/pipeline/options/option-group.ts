import type { Problems } from './problems.js';

/** Reads the members of one object of options; what is wrong goes to the problems, and a usable value comes back anyway. */
export class OptionGroup {
  /** Whether it is an object at all; anything else is a problem by itself, or absent. */
  readonly isGiven: boolean;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(
    readonly problems: Problems,
    values: unknown,
    readonly path = '',
  ) {
    const isObject = typeof values === 'object' && values !== null && !Array.isArray(values);
    if (!isObject && values !== undefined) problems.add(path || 'options', values, 'give an object');
    this.isGiven = isObject;
    this.#values = isObject ? (values as Record<string, unknown>) : {};
  }

  /** The given value; `undefined` also where the key is there without one. */
  get(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  /** The keys that are there with a value. */
  get names(): readonly string[] {
    return Object.keys(this.#values).filter((name) => this.has(name));
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** The given value, or the default where nothing is given; `null` is something. */
  given(name: string, fallback: unknown): unknown {
    return this.has(name) ? this.get(name) : fallback;
  }

  refuse(name: string, remedy: string): void {
    this.problems.add(this.name(name), this.get(name), remedy);
  }

  name(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  group(name: string): OptionGroup {
    return new OptionGroup(this.problems, this.get(name), this.name(name));
  }

  /** Refuses keys that are not known, with those that a later version knows said apart. */
  allowOnly(known: readonly string[], later: readonly string[] = []): void {
    for (const key of Object.keys(this.#values)) {
      if (known.includes(key) || this.#values[key] === undefined) continue;
      const remedy = later.includes(key)
        ? 'not supported in this version: leave it out'
        : `there is no such option: leave it out, or use one of ${known.join(', ')}`;
      this.refuse(key, remedy);
    }
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.given(name, fallback);
    if (typeof value === 'boolean') return value;
    this.refuse(name, 'give true or false');
    return fallback;
  }

  integer(name: string, fallback: number, least: number, most: number): number {
    const value = this.given(name, fallback);
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    this.refuse(name, `give a whole number from ${least} to ${most}`);
    return fallback;
  }

  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const value = this.given(name, fallback);
    if (values.includes(value as T)) return value as T;
    this.refuse(name, `give one of ${values.map((item) => `'${item}'`).join(', ')}`);
    return fallback;
  }

  function<T>(name: string): T | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === 'function') return value as T | undefined;
    this.refuse(name, 'give a function');
    return undefined;
  }

  /** A list of texts, none empty, at least one. */
  texts(name: string, fallback: readonly string[]): readonly string[] {
    const value = this.given(name, fallback);
    if (isTextList(value)) return value;
    this.refuse(name, 'give a list of strings, at least one');
    return fallback;
  }
}

/** Whether a value is a list of texts, none of them empty, at least one. */
export function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string' && item !== '');
}
