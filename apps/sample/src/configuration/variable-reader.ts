/** Every variable that is missing or wrong, in one message for the person at the terminal. */
export class ConfigurationVariablesError extends Error {
  override readonly name = 'ConfigurationVariablesError';

  constructor(readonly problems: readonly string[]) {
    super(`The environment is not complete:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

/** Reads environment variables and remembers what is wrong, so that all of it can be told at once. */
export class VariableReader {
  private readonly problems: string[] = [];

  constructor(private readonly environment: NodeJS.ProcessEnv) {}

  text(name: string, fallback: string): string {
    // An empty variable is how most tools write "not set".
    return this.environment[name]?.trim() || fallback;
  }

  required(name: string, meaning: string): string {
    const value = this.text(name, '');
    if (value === '') this.problems.push(`${name} is missing: ${meaning}`);
    return value;
  }

  list(name: string, meaning: string): string[] {
    return splitAtCommas(this.required(name, meaning));
  }

  optionalList(name: string): string[] | undefined {
    const value = this.text(name, '');
    return value === '' ? undefined : splitAtCommas(value);
  }

  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const given = this.text(name, fallback);
    const value = values.find((candidate) => candidate === given);
    if (value === undefined) this.problems.push(`${name} must be ${values.join(' or ')}, not "${given}"`);
    return value ?? fallback;
  }

  flag(name: string): boolean {
    return this.oneOf(name, ['true', 'false'], 'false') === 'true';
  }

  port(name: string, fallback: number): number {
    const given = this.text(name, String(fallback));
    const port = Number(given);
    if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
    this.problems.push(`${name} must be a whole number from 0 to 65535, not "${given}"`);
    return fallback;
  }

  assertNoProblems(): void {
    if (this.problems.length > 0) throw new ConfigurationVariablesError(this.problems);
  }
}

const splitAtCommas = (value: string) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
