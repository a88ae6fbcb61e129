import { describe, expect, it } from 'vitest';
import { Deadline } from '../../../../../libs/introspection/src/pipeline/deadline.js';
import { authenticate, authenticatorFor, unavailability } from '../../../../support/authenticated-call.js';

const call = (authorization: string) => ({ form: new URLSearchParams(), headers: { authorization } });

/** Tokens numbered in the order in which they were asked for, and what was said with each question. */
function issuing(answer: (count: number) => unknown = (count) => `t${count}`) {
  const asked: unknown[] = [];
  const token = (context: unknown): unknown => {
    asked.push(context);
    return answer(asked.length);
  };
  return { asked, authenticator: authenticatorFor({ method: 'bearer', token }) };
}

const authorization = async (authenticator: ReturnType<typeof authenticatorFor>) => (await authenticate(authenticator)).headers;

describe('A token of our own', () => {
  it('CAUTH-03 CAUTH-04 goes into the header alone', async () => {
    const authenticator = authenticatorFor({ method: 'bearer', token: 'fixed' });
    expect(await authenticate(authenticator)).toEqual({ form: {}, headers: { authorization: 'Bearer fixed' } });
    expect(await authenticate(authenticator)).toEqual({ form: {}, headers: { authorization: 'Bearer fixed' } });
  });

  it('CAUTH-04 that is fixed cannot be renewed', () => {
    expect(authenticatorFor({ method: 'bearer', token: 'fixed' }).renew?.(call('Bearer fixed'))).toBe(false);
  });

  it('CAUTH-04 is kept until it is refused', async () => {
    const { asked, authenticator } = issuing();
    for (let round = 0; round < 3; round += 1) expect(await authorization(authenticator)).toEqual({ authorization: 'Bearer t1' });
    expect(asked).toEqual([{ rejected: false }]);

    expect(authenticator.renew?.(call('Bearer t1'))).toBe(true);
    expect(await authorization(authenticator)).toEqual({ authorization: 'Bearer t2' });
    expect(await authorization(authenticator)).toEqual({ authorization: 'Bearer t2' });
    expect(asked).toEqual([{ rejected: false }, { rejected: true }]);
  });

  it('CAUTH-04 is not asked for again where another call has renewed it already', async () => {
    const { asked, authenticator } = issuing();
    await authenticate(authenticator);
    authenticator.renew?.(call('Bearer t1'));
    await authenticate(authenticator);
    expect(authenticator.renew?.(call('Bearer t1'))).toBe(true);
    expect(await authorization(authenticator)).toEqual({ authorization: 'Bearer t2' });
    expect(asked).toHaveLength(2);
  });

  it('is asked for once by calls that come together, and again by those that come later', async () => {
    let release: (token: string) => void = () => undefined;
    const held = new Promise<string>((resolve) => (release = resolve));
    const { asked, authenticator } = issuing((count) => (count === 1 ? held : `t${count}`));
    const calls = [authorization(authenticator), authorization(authenticator)];
    release('t1');
    expect(await Promise.all(calls)).toEqual(Array(2).fill({ authorization: 'Bearer t1' }));
    expect(asked).toHaveLength(1);
    authenticator.renew?.(call('Bearer t1'));
    expect(await authorization(authenticator)).toEqual({ authorization: 'Bearer t2' });
  });

  it('is asked for anew after a failure, which is not kept', async () => {
    const { asked, authenticator } = issuing((count) => (count === 1 ? undefined : `t${count}`));
    expect(await unavailability(authenticate(authenticator))).toContain('token');
    expect(await authorization(authenticator)).toEqual({ authorization: 'Bearer t2' });
    expect(asked).toHaveLength(2);
  });

  it('CAUTH-04 says that the last one was refused until there is another', async () => {
    const { asked, authenticator } = issuing((count) => (count === 2 ? '' : `t${count}`));
    await authenticate(authenticator);
    authenticator.renew?.(call('Bearer t1'));
    await unavailability(authenticate(authenticator));
    expect(await authorization(authenticator)).toEqual({ authorization: 'Bearer t3' });
    expect(asked).toEqual([{ rejected: false }, { rejected: true }, { rejected: true }]);
    authenticator.renew?.(call('Bearer t0'));
    expect(await authorization(authenticator)).toEqual({ authorization: 'Bearer t3' });
  });

  it('is waited for no longer than the deadline', async () => {
    const { authenticator } = issuing(() => new Promise(() => undefined));
    expect(await unavailability(authenticate(authenticator, new Deadline(5)))).toContain('token');
  });
});
