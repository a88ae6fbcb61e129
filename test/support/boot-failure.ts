import type { IntrospectionModuleOptions } from 'nestjs-introspection';
import { expect } from 'vitest';
import type { AuthorizationServer } from './authorization-server.js';
import { ADAPTERS, startResourceServer } from './resource-server.js';

/** boot-fail: the application is not created on either adapter, for one `ConfigurationError`. Returns its message. */
export async function expectBootFailure(
  authorizationServer: AuthorizationServer,
  options: Record<string, unknown>,
  omit: readonly string[] = [],
): Promise<string> {
  const messages = await Promise.all(
    ADAPTERS.map(async (adapter) => {
      const given = options as unknown as Partial<IntrospectionModuleOptions>;
      const outcome = await startResourceServer({ adapter, authorizationServer, options: given, omit }).then(
        async (server) => {
          await server.close();
          return 'the application started';
        },
        (error: unknown) => error,
      );
      expect(outcome).toMatchObject({ name: 'ConfigurationError', code: 'ERR_CONFIGURATION' });
      return (outcome as Error).message;
    }),
  );
  expect(new Set(messages).size).toBe(1);
  return messages[0] ?? '';
}
