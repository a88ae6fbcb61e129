import { describe, expect, it } from 'vitest';
import { Deadline } from '../../../../../libs/introspection/src/pipeline/deadline.js';
import {
  askApplication,
  askForText,
} from '../../../../../libs/introspection/src/pipeline/verification/client-authentication/ask-application.js';
import { unavailability } from '../../../../support/authenticated-call.js';

const soon = () => new Deadline(1000);
const SECRET = 'the-secret-value';

describe('askApplication', () => {
  it('takes a value as it is', async () => {
    for (const given of ['text', { kty: 'EC' }, undefined]) expect(await askApplication(given, 'key', soon())).toBe(given);
  });

  it('asks a function, whether it answers now or later', async () => {
    expect(await askApplication(() => 'now', 'key', soon())).toBe('now');
    expect(await askApplication(() => Promise.resolve('later'), 'key', soon())).toBe('later');
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error(SECRET);
      },
    ],
    ['rejects', () => Promise.reject(new Error(SECRET))],
    ['rejects with nothing', () => Promise.reject(undefined as unknown as Error)],
  ])('PKJ-13 names the option of a function that %s, and nothing that it threw', async (_what, given) => {
    const detail = await unavailability(askApplication(given, 'clientSecret', soon()));
    expect(detail).toContain('clientSecret');
    expect(detail).not.toContain(SECRET);
  });

  it('waits no longer than the deadline, and says so', async () => {
    const never = () => new Promise<never>(() => undefined);
    const late = await unavailability(askApplication(never, 'clientSecret', new Deadline(5)));
    expect(late).toContain('clientSecret');
    const threw = await unavailability(askApplication(() => Promise.reject(new Error('no')), 'clientSecret', soon()));
    expect(late).not.toBe(threw);
  });
});

describe('askForText', () => {
  it('gives a text', async () => {
    expect(await askForText(() => 'text', 'token', soon())).toBe('text');
    expect(await askForText('text', 'token', soon())).toBe('text');
  });

  it.each([undefined, null, '', 5, ['text'], { toString: () => 'text' }])('wants a text, and not %j', async (answer) => {
    expect(await unavailability(askForText(() => answer, 'token', soon()))).toContain('token');
  });
});
