import { describe, expect, it } from 'vitest';
import { authenticate, authenticatorFor, unavailability } from '../../../../support/authenticated-call.js';

const basic = { method: 'client_secret_basic', clientId: 'a:b', clientSecret: 'p%+ é' };
const post = { method: 'client_secret_post', clientId: 'rs1', clientSecret: 'p%+ é' };
const header = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

describe('A shared secret', () => {
  it('CAUTH-01 CAUTH-03 goes into the header alone', async () => {
    expect(await authenticate(authenticatorFor(basic))).toEqual({ form: {}, headers: header('a%3Ab:p%25%2B+%C3%A9') });
  });

  it('CAUTH-01 goes there as it is for servers that do not decode', async () => {
    const raw = authenticatorFor({ ...basic, clientId: 'rs1' }, { compatibility: { basicEncoding: 'raw' } });
    expect(await authenticate(raw)).toEqual({ form: {}, headers: header('rs1:p%+ é') });
  });

  it('CAUTH-02 CAUTH-03 goes into the body alone', async () => {
    const form = { client_id: 'rs1', client_secret: 'p%+ é' };
    expect(await authenticate(authenticatorFor(post))).toEqual({ form, headers: {} });
  });

  it.each([basic, post])('is asked for before each call by $method, so that it may change', async (options) => {
    const secrets = ['one', 'two', ''];
    const authenticator = authenticatorFor({ ...options, clientSecret: () => secrets.shift() });
    const [first, second] = [await authenticate(authenticator), await authenticate(authenticator)];
    expect(first).not.toEqual(second);
    expect(await unavailability(authenticate(authenticator))).toContain('clientSecret');
  });

  it('has nothing to renew', () => {
    expect(authenticatorFor(basic).renew).toBeUndefined();
  });
});
