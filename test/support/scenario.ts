import type { Type } from '@nestjs/common';
import type { IntrospectionModuleOptions } from 'nestjs-introspection';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from './authorization-server.js';
import { settableClock, type SettableClock } from './clock.js';
import { expect200 } from './expectations.js';
import { ADAPTERS, startResourceServer, type Adapter, type Exchange } from './resource-server.js';
import type { Fixture } from './table.js';

export type Surroundings = Omit<Fixture, 'rs'>;

export interface ScenarioSetup {
  options?: Partial<IntrospectionModuleOptions> | ((surroundings: Surroundings) => Partial<IntrospectionModuleOptions>);
  omit?: readonly string[];
  controllers?: Type[];
  /** Runs before the resource server exists. */
  prepare?(surroundings: Surroundings): void | Promise<void>;
}

export interface Scenario {
  /** Begins with the row's id. */
  title: string;
  setup: ScenarioSetup;
  run(fixture: Fixture): Promise<void> | void;
}

/** A row that needs a resource server of its own: other options, or one that has fetched nothing yet. */
export function scenario(title: string, setup: ScenarioSetup, run: Scenario['run']): Scenario {
  return { title, setup, run };
}

/** The same scenarios on both adapters: one authorization server for all, a fresh resource server for each. */
export function describeScenarios(name: string, scenarios: readonly Scenario[], shared: ScenarioSetup = {}): void {
  describe.each(ADAPTERS)(`${name} (%s)`, (adapter: Adapter) => {
    let as: AuthorizationServer;
    let clock: SettableClock;
    let metadata: Record<string, unknown>;

    beforeAll(async () => {
      clock = settableClock();
      as = await startAuthorizationServer({ clock });
      metadata = as.metadata;
    });

    afterAll(() => (as as AuthorizationServer | undefined)?.close());

    for (const { title, setup, run } of scenarios) {
      it(title, async () => {
        as.reset();
        as.metadata = { ...metadata };
        as.keySet = as.keys.publicKeySet();
        const surroundings = { adapter, as, clock };
        await setup.prepare?.(surroundings);
        const controllers = setup.controllers ?? shared.controllers;
        const omit = setup.omit ?? shared.omit;
        const rs = await startResourceServer({
          adapter,
          authorizationServer: as,
          options: { clock, ...resolve(shared, surroundings), ...resolve(setup, surroundings) },
          ...(omit && { omit }),
          ...(controllers && { controllers }),
        });
        try {
          await run({ ...surroundings, rs });
        } finally {
          await rs.close();
        }
      });
    }
  });
}

function resolve({ options = {} }: ScenarioSetup, surroundings: Surroundings): Partial<IntrospectionModuleOptions> {
  return typeof options === 'function' ? options(surroundings) : options;
}

/** A good JWT, so that key set and metadata are held when the row begins. */
export async function warm({ as, rs }: Fixture): Promise<void> {
  const token = await as.sign();
  as.answer(token, { active: true, ...as.claims() });
  expect200(await rs.get('/any', `Bearer ${token}`));
}

/** A fresh key set whose cool-down is over: the next unknown `kid` causes exactly one fetch. */
export async function warmAndRested(fixture: Fixture): Promise<void> {
  fixture.clock.advanceSeconds(601);
  await warm(fixture);
  fixture.clock.advanceSeconds(31);
}

export function expectCalls(answer: Exchange, calls: { I?: number; J?: number }): void {
  if (calls.I !== undefined) expect(answer.introspections, 'introspection calls').toBe(calls.I);
  if (calls.J !== undefined) expect(answer.keySetFetches, 'key set fetches').toBe(calls.J);
}

/** For modes that never introspect: the fixture without credentials for the endpoint. */
export const LOCAL = { options: { verification: 'local' }, omit: ['clientAuthentication'] } as const satisfies ScenarioSetup;
