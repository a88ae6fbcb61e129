import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { disregard, isThenable } from '../../../libs/introspection/src/protocol/thenable.js';

const withMember = (value: object, name: string, member: unknown): object => Object.assign(value, { [name]: member });
const nothing = (): void => undefined;

describe('isThenable', () => {
  it.each<[string, unknown]>([
    ['our own promises', Promise.resolve(1)],
    ['promises of another realm', runInNewContext('Promise.resolve(1)')],
    ['objects of a library', withMember({}, 'then', nothing)],
    ['functions of a library', withMember(() => undefined, 'then', nothing)],
  ])('knows %s', (_what, value) => {
    expect(isThenable(value)).toBe(true);
  });

  it('knows what is none', () => {
    for (const value of [undefined, null, 0, '', 'then', {}, [], nothing, Promise, withMember({}, 'then', 'later')])
      expect(isThenable(value)).toBe(false);
  });
});

describe('disregard', () => {
  it('leaves no unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    disregard(Promise.reject(new Error('late')));
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});
