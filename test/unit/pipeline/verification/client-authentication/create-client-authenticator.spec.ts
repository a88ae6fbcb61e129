import { describe, expect, it } from 'vitest';
import { createClientAuthenticator } from '../../../../../libs/introspection/src/pipeline/verification/client-authentication/create-client-authenticator.js';
import { authenticate, authenticatorFor } from '../../../../support/authenticated-call.js';
import { settableClock } from '../../../../support/clock.js';
import { httpOptions } from '../../../../support/endpoint-client.js';
import { issuerOptions } from '../../../../support/issuer-options.js';

describe('The method none', () => {
  it('INTRO-05 puts nothing on a call', async () => {
    expect(await authenticate(authenticatorFor({ method: 'none' }))).toEqual({ form: {}, headers: {} });
  });
});

describe('No method', () => {
  it('CAUTH-08 makes no authenticator: there is no default', () => {
    const options = issuerOptions({ verification: 'local', clientAuthentication: undefined });
    expect(createClientAuthenticator(options, httpOptions(), settableClock())).toBeUndefined();
  });
});
