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

  it('CAUTH-03 is asked for before each call, so that it may change, and goes to the same place', async () => {
    const answering = (options: Record<string, unknown>) => {
      const secrets = ['one', 'two', ''];
      return authenticatorFor({ ...options, clientId: 'rs1', clientSecret: () => secrets.shift() });
    };
    const [inHeader, inBody] = [answering(basic), answering(post)];
    for (const secret of ['one', 'two']) {
      expect(await authenticate(inHeader)).toEqual({ form: {}, headers: header(`rs1:${secret}`) });
      expect(await authenticate(inBody)).toEqual({ form: { client_id: 'rs1', client_secret: secret }, headers: {} });
    }
    for (const authenticator of [inHeader, inBody])
      expect(await unavailability(authenticate(authenticator))).toContain('clientSecret');
  });

  it('has nothing to renew', () => {
    expect(authenticatorFor(basic).renew).toBeUndefined();
  });
});
