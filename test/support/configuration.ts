import { ConfigurationError, createResourceServer, type ConfigurationProblem } from 'nestjs-introspection/core';
import { expect } from 'vitest';

/** Options that are well and cause no fetch at start-up. */
export const WELL: Readonly<Record<string, unknown>> = Object.freeze({
  issuer: 'https://as.example.com',
  audience: 'https://rs.example.com',
  discovery: false,
  introspectionEndpoint: 'https://as.example.com/introspect',
  jwksUri: 'https://as.example.com/jwks',
  clientAuthentication: { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'rs1-secret-value' },
});

/** What is wrong with options, as an application would learn it; empty where nothing is. */
export function problemsOf(options: unknown): readonly ConfigurationProblem[] {
  const error = configurationErrorOf(options);
  return error?.problems ?? [];
}

/** The options that are named, each once. */
export function wrongOptions(options: unknown): string[] {
  return [...new Set(problemsOf(options).map(({ option }) => option))];
}

export function configurationErrorOf(options: unknown): ConfigurationError | undefined {
  try {
    void createResourceServer(options as Parameters<typeof createResourceServer>[0]).close();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return error as ConfigurationError;
  }
}

/** `WELL` with some options changed. */
export function changed(overrides: Record<string, unknown>, omit: readonly string[] = []): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...WELL, ...overrides }).filter(([name]) => !omit.includes(name)));
}

/** `WELL` with one option, such as `http.timeoutMs`, set to a value. */
export function having(path: string, value: unknown): Record<string, unknown> {
  const [group = '', name] = path.split('.');
  return changed({ [group]: name === undefined ? value : { ...(WELL[group] as object | undefined), [name]: value } });
}
