import type { INestApplication, Type } from '@nestjs/common';
import type { IntrospectionModuleOptions } from 'nestjs-introspection';
import { afterAll, beforeAll, beforeEach, describe, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from './authorization-server.js';
import { settableClock, type SettableClock } from './clock.js';
import { ADAPTERS, startResourceServer, type Adapter, type ResourceServer } from './resource-server.js';

export interface Fixture {
  adapter: Adapter;
  as: AuthorizationServer;
  rs: ResourceServer;
  /** The clock of both servers. */
  clock: SettableClock;
}

export interface Row {
  /** Begins with the row's id: `BEARER-09 …`. */
  title: string;
  run(fixture: Fixture): Promise<void> | void;
}

export interface TableSetup {
  /** Merged over the fixture's options. */
  options?(as: AuthorizationServer, clock: SettableClock): Partial<IntrospectionModuleOptions>;
  omit?: readonly string[];
  controllers?: Type[];
  configure?(app: INestApplication): void | Promise<void>;
}

export function row(title: string, run: Row['run']): Row {
  return { title, run };
}

/** The same rows on both adapters; one authorization server and one application for all rows of a table. */
export function describeRows(name: string, rows: readonly Row[], setup: TableSetup = {}): void {
  describe.each(ADAPTERS)(`${name} (%s)`, (adapter) => {
    const fixture = {} as Fixture;

    beforeAll(async () => {
      const clock = settableClock();
      const as = await startAuthorizationServer({ clock });
      const { omit, controllers, configure } = setup;
      const given = { ...(omit && { omit }), ...(controllers && { controllers }), ...(configure && { configure }) };
      Object.assign(fixture, { adapter, as, clock });
      fixture.rs = await startResourceServer({
        adapter,
        authorizationServer: as,
        options: { clock, ...setup.options?.(as, clock) },
        ...given,
      });
    });

    afterAll(async () => {
      // Either may be missing when start-up failed; that failure is the one to report.
      await (fixture.rs as ResourceServer | undefined)?.close();
      await (fixture.as as AuthorizationServer | undefined)?.close();
    });

    beforeEach(() => fixture.as.reset());

    for (const { title, run } of rows) it(title, () => run(fixture));
  });
}
