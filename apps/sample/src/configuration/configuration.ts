import { type IntrospectionOptions, readIntrospectionOptions } from './read-introspection-options.js';
import { VariableReader } from './variable-reader.js';

export type Platform = 'express' | 'fastify';

/** What the API is told by environment variables. */
export class Configuration {
  private constructor(
    readonly introspection: IntrospectionOptions,
    readonly platform: Platform,
    readonly host: string,
    readonly port: number,
  ) {}

  /** @throws {ConfigurationVariablesError} naming every variable that is missing or wrong. */
  static read(environment: NodeJS.ProcessEnv): Configuration {
    const variables = new VariableReader(environment);
    const configuration = new Configuration(
      readIntrospectionOptions(variables),
      variables.oneOf('PLATFORM', ['express', 'fastify'], 'express'),
      variables.text('LISTEN_HOST', '127.0.0.1'),
      variables.port('PORT', 3000),
    );
    variables.assertNoProblems();
    return configuration;
  }
}
