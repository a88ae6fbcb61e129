import { ResourceServerError } from './errors.js';

/** One thing that is wrong with the options. */
export interface ConfigurationProblem {
  /** Path of the option, such as `http.timeoutMs`. */
  readonly option: string;
  /** What was given: its type, or its value where that can be no secret. */
  readonly given: string;
  /** What to do about it. */
  readonly remedy: string;
}

/**
 * The options are wrong: start-up fails, with every problem at once.
 *
 * @example
 * try { await NestFactory.create(AppModule, { abortOnError: false }); }
 * catch (error) { if (error instanceof ConfigurationError) console.error(error.problems); }
 */
export class ConfigurationError extends ResourceServerError {
  readonly code = 'ERR_CONFIGURATION';
  readonly status = 500;
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[]) {
    const lines = problems.map(({ option, given, remedy }) => `  - ${option} (given: ${given}): ${remedy}`);
    super(`nestjs-introspection cannot start with these options:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}
