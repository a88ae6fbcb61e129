import type { ServerResponse } from 'node:http';
import type { KeySetOptions } from 'nestjs-introspection/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { json, startAuthorizationServer, type AuthorizationServer } from '../../support/authorization-server.js';
import { settableClock, type SettableClock } from '../../support/clock.js';
import { ecKey, type TestKey } from '../../support/keys.js';
import { signedBy } from '../../support/tokens.js';
import { createSubject, type Subject, type SubjectName } from './subject.js';

export interface World extends Pick<Subject, 'verify' | 'fetchEnds'> {
  as: AuthorizationServer;
  clock: Pick<SettableClock, 'seconds'>;
  /** The only published key, unless the property publishes others. */
  known: TestKey;
  /** A token that outlives the property. */
  token(key: TestKey, header?: Record<string, unknown>): string;
  publish(...keys: TestKey[]): void;
  advance(seconds: number): void;
  /** Answers 500 to whoever asks for the keys. */
  outage(): void;
  /** Holds answers back; what the AS has in hand is answered when the property says so. */
  hold(): { readonly held: number; release(): void };
  /** Gives what was begun time to reach the AS: a few of our own requests to it, until the condition holds. */
  settle(condition: () => boolean, attempts?: number): Promise<boolean>;
}

/** What was seen; plain data, so that two subjects can be compared. */
type Observation = Record<string, unknown>;

export interface Property {
  keySet?: KeySetOptions;
  observe(world: World): Promise<Observation>;
  /** What the contract demands. */
  ours: Observation;
  /** Who stands in our place. @default 'jose' */
  control?: Exclude<SubjectName, 'ours'>;
  /** Members that the control is known to get wrong, with what it gives. */
  theirs: Observation;
}

export interface TitledProperty extends Property {
  title: string;
}

/** A property of a key set, with an implementation that lacks it. */
export function scenario(title: string, property: Property): TitledProperty {
  return { title, ...property };
}

/** Each property twice: ours has it, and the same scenario shows that the control does not. */
export function describeProperties(name: string, properties: readonly TitledProperty[]): void {
  describe(name, () => {
    let as: AuthorizationServer;
    const clock = settableClock();
    const setTime = (): unknown => vi.setSystemTime(clock.now());

    beforeAll(async () => {
      vi.useFakeTimers({ toFake: ['Date'] });
      as = await startAuthorizationServer({ clock });
    });

    afterAll(async () => {
      vi.useRealTimers();
      await as.close();
    });

    const observe = async (property: Property, subjectName: SubjectName): Promise<Observation> => {
      as.reset();
      setTime();
      const subject = createSubject(subjectName, as, clock, property.keySet ?? {});
      const world = createWorld(as, clock, setTime, subject);
      try {
        return await property.observe(world);
      } finally {
        await subject.close();
      }
    };

    for (const property of properties) {
      const { title, ours, control = 'jose', theirs } = property;
      it(`${title} | ours`, async () => expect(await observe(property, 'ours')).toEqual(ours));
      it(`${title} | ${control} fails it`, async () => {
        expect(theirs, 'a control that has the property proves nothing').not.toMatchObject(ours);
        expect(await observe(property, control)).toEqual({ ...ours, ...theirs });
      });
    }
  });
}

function createWorld(as: AuthorizationServer, clock: SettableClock, setTime: () => unknown, subject: Subject): World {
  const known = ecKey();
  const world: World = {
    as,
    clock,
    known,
    verify: subject.verify,
    fetchEnds: subject.fetchEnds,
    token: (key, header) => signedBy(as, key, 'ES256', { iat: clock.seconds(), exp: clock.seconds() + 1_000_000 }, header),
    publish: (...keys) => {
      as.replace('jwks');
      as.keySet = { keys: keys.map(({ jwk }) => jwk) };
    },
    advance: (seconds) => {
      clock.advanceSeconds(seconds);
      setTime();
    },
    outage: () => as.replace('jwks', (_request, response) => json(response, {}, 500)),
    hold: () => {
      const held: ServerResponse[] = [];
      as.replace('jwks', (_request, response) => held.push(response));
      return {
        get held() {
          return held.length;
        },
        release: () => {
          for (const response of held.splice(0)) json(response, as.keySet);
        },
      };
    },
    settle: async (condition, attempts = 50) => {
      for (let attempt = 0; attempt < attempts && !condition(); attempt += 1) {
        const response = await fetch(`${as.origin}/elsewhere`);
        await response.arrayBuffer();
      }
      return condition();
    },
  };
  world.publish(known);
  return world;
}
