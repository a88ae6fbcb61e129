import { createResourceServer, type ResourceServer, type ResourceServerError } from 'nestjs-introspection/core';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from './authorization-server.js';
import { defaultOptions } from './resource-server.js';

export interface CoreFixture {
  as: AuthorizationServer;
  server: ResourceServer;
  /** Another resource server, closed with the rest. */
  open(options?: Record<string, unknown>): ResourceServer;
}

/** One authorization server and one resource server without a framework, for a whole file. */
export function coreFixture(): CoreFixture {
  const opened: ResourceServer[] = [];
  const fixture = {
    open: (options = {}) => {
      const created = createResourceServer({ ...defaultOptions(fixture.as), ...options } as Parameters<
        typeof createResourceServer
      >[0]);
      opened.push(created);
      return created;
    },
  } as CoreFixture;
  beforeAll(async () => {
    fixture.as = await startAuthorizationServer();
    fixture.server = fixture.open();
  });
  beforeEach(() => fixture.as.reset());
  afterAll(async () => {
    await Promise.all(opened.map((each) => each.close()));
    await fixture.as.close();
  });
  return fixture;
}

/** What a promise rejects with. */
export async function refusal(request: Promise<unknown>): Promise<ResourceServerError> {
  const outcome = await request.then(
    () => 'resolved',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Error);
  return outcome as ResourceServerError;
}
