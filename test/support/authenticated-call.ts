import { expect } from 'vitest';
import { Deadline } from '../../libs/introspection/src/pipeline/deadline.js';
import type { ClientAuthenticator } from '../../libs/introspection/src/pipeline/verification/client-authentication/client-authenticator.js';
import { createClientAuthenticator } from '../../libs/introspection/src/pipeline/verification/client-authentication/create-client-authenticator.js';
import { IntrospectionUnavailableError } from '../../libs/introspection/src/protocol/authorization-server-errors.js';
import { settableClock } from './clock.js';
import { httpOptions } from './endpoint-client.js';
import { issuerOptions, NOW_SECONDS } from './issuer-options.js';

export interface AuthenticatedCall {
  readonly form: Record<string, string>;
  readonly headers: Record<string, string>;
}

/** What shows who we are, as the library makes it of the options. */
export function authenticatorFor(
  clientAuthentication: Record<string, unknown>,
  options: Record<string, unknown> = {},
): ClientAuthenticator {
  const issuer = issuerOptions({ ...options, clientAuthentication });
  const authenticator = createClientAuthenticator(issuer, httpOptions(), settableClock(NOW_SECONDS * 1000));
  if (authenticator === undefined) throw new Error('no authenticator');
  return authenticator;
}

/** A call with our credentials on it. */
export async function authenticate(
  authenticator: ClientAuthenticator,
  deadline: Deadline = new Deadline(1000),
): Promise<AuthenticatedCall> {
  const call = { form: new URLSearchParams(), headers: {} };
  await authenticator.authenticate(call, deadline);
  return { form: Object.fromEntries(call.form), headers: call.headers };
}

/** What the operator is told where no credentials can be had. */
export async function unavailability(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error, String(error)).toBeInstanceOf(IntrospectionUnavailableError);
  return (error as IntrospectionUnavailableError).detail ?? '';
}
