import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Deadline } from '../../../../libs/introspection/src/pipeline/deadline.js';
import type { EventDescription } from '../../../../libs/introspection/src/pipeline/events.js';
import { IntrospectionClient } from '../../../../libs/introspection/src/pipeline/verification/introspection-client.js';
import type { AuthorizationServerError } from '../../../../libs/introspection/src/protocol/authorization-server-errors.js';
import { authenticatorFor } from '../../../support/authenticated-call.js';
import { certificateAuthority } from '../../../support/certificates.js';
import { settableClock } from '../../../support/clock.js';
import { endpointClient } from '../../../support/endpoint-client.js';
import { ISSUER, issuerOptions } from '../../../support/issuer-options.js';
import { closedPort } from '../../../support/loopback-server.js';
import { answer, answerJson, inTurn, startRawUpstream, type RawUpstream } from '../../../support/raw-upstream.js';

type Members = Record<string, unknown>;

const BASIC = { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'rs1-secret-value' };
let upstream: RawUpstream;
let closing: (() => Promise<void>)[];

beforeEach(async () => {
  upstream = await startRawUpstream(answerJson({ active: true, sub: 'u1' }));
  closing = [];
});

afterEach(async () => {
  await Promise.all(closing.map((close) => close()));
  await upstream.close();
});

function asking(options: Members = {}, endpoint: string | (() => Promise<string>) = `${upstream.origin}/introspect`) {
  const clientAuthentication = (options['clientAuthentication'] ?? BASIC) as Members;
  const authenticator = authenticatorFor(clientAuthentication, options);
  const clock = settableClock();
  const { http, client: endpointOf } = endpointClient('introspection', clock);
  closing.push(
    () => http.close(),
    async () => authenticator.close?.(),
  );
  const events: EventDescription[] = [];
  const notices: string[] = [];
  const client = new IntrospectionClient({
    options: issuerOptions({ clientAuthentication, ...options }),
    endpoint: typeof endpoint === 'string' ? () => endpoint : endpoint,
    authenticator,
    signedResponse: undefined,
    client: endpointOf,
    clock,
    emit: (event) => events.push(event),
    notify: ({ level, text }) => notices.push(`${level}: ${text}`),
  });
  const ask = (token = 'a+b/c==') => client.introspect(token, new Deadline(5000));
  const failure = async (): Promise<AuthorizationServerError> => {
    const error: unknown = await ask().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 503 });
    return error as AuthorizationServerError;
  };
  return { client, ask, failure, clock, events, notices, http };
}

const fields = (index = 0): [string, string][] => [...new URLSearchParams(upstream.requests[index]?.body)];
const header = (name: string, index = 0): string | undefined =>
  new RegExp(`^${name}: *(.*)$`, 'im').exec(upstream.requests[index]?.head ?? '')?.[1];

describe('A question about a token', () => {
  it('INTRO-01 INTRO-02 INTRO-03 INTRO-04 INTRO-09 is one POST of a form with our credentials', async () => {
    const { ask, events, notices } = asking();
    expect(await ask()).toEqual({ active: true, sub: 'u1' });
    expect(upstream.requests).toHaveLength(1);
    expect(upstream.requests[0]?.head).toMatch(/^POST \/introspect HTTP/);
    expect(upstream.requests[0]?.body).toContain('token=a%2Bb%2Fc%3D%3D');
    expect(fields()).toEqual([
      ['token', 'a+b/c=='],
      ['token_type_hint', 'access_token'],
    ]);
    expect(header('content-type')).toBe('application/x-www-form-urlencoded');
    expect(header('accept')).toBe('application/json');
    expect(header('authorization')).toBe(`Basic ${Buffer.from('rs1:rs1-secret-value').toString('base64')}`);
    expect(events).toEqual([
      {
        type: 'verification.introspected',
        issuer: ISSUER,
        outcome: 'active',
        status: 200,
        durationMs: expect.any(Number) as unknown,
      },
    ]);
    expect((events[0] as { durationMs: number }).durationMs).toBeGreaterThanOrEqual(0);
    expect((events[0] as { durationMs: number }).durationMs).toBeLessThan(5000);
    expect(notices).toEqual([]);
  });

  it('INTRO-03 has no hint for servers that dislike it', async () => {
    await asking({ compatibility: { omitTokenTypeHint: true } }).ask();
    expect(fields()).toEqual([['token', 'a+b/c==']]);
  });

  it('INTRO-08 carries the parameters of the operator, who may hint at another type', async () => {
    await asking({ introspectionParameters: { foo: '1', token_type_hint: 'jwt' } }).ask();
    expect(Object.fromEntries(fields())).toEqual({ foo: '1', token_type_hint: 'jwt', token: 'a+b/c==' });
  });

  it.each(['jwt', 'jwt-preferred'])('JINTRO-01 asks for a signed answer in the mode %s', async (introspectionResponse) => {
    await asking({ introspectionResponse })
      .ask()
      .catch(() => undefined);
    expect(header('accept')).toBe('application/token-introspection+jwt');
  });

  it('tells events of a token that is not active', async () => {
    upstream.handle = answerJson({ active: false });
    const { ask, events } = asking();
    expect(await ask()).toEqual({ active: false });
    expect(events).toMatchObject([{ outcome: 'inactive', status: 200 }]);
  });

  it('CAUTH-05 goes over the connections that our certificate has', async () => {
    const { cert, key } = certificateAuthority().issue({ commonName: 'rs1' });
    const clientAuthentication = { method: 'tls_client_auth', clientId: 'rs1', certificate: cert, key };
    const { ask, http } = asking({ clientAuthentication });
    await http.close();
    expect(await ask()).toMatchObject({ active: true });
    expect(Object.fromEntries(fields())).toMatchObject({ client_id: 'rs1' });
  });
});

describe('A question without an answer to rely on', () => {
  it.each<[row: string, status: number, code: string]>([
    ['IERR-02', 500, 'ERR_INTROSPECTION_UNAVAILABLE'],
    ['IERR-02', 404, 'ERR_INTROSPECTION_RESPONSE'],
    ['IRESP-01', 204, 'ERR_INTROSPECTION_RESPONSE'],
  ])('%s after %d is told to events and to the operator', async (_row, status, code) => {
    upstream.handle = answer(status);
    const { failure, events, notices } = asking();
    expect(await failure()).toMatchObject({ code });
    expect(events).toEqual([
      { type: 'verification.introspected', issuer: ISSUER, outcome: 'failed', status, durationMs: expect.any(Number) as unknown },
    ]);
    expect((events[0] as { durationMs: number }).durationMs).toBeLessThan(5000);
    expect(notices).toEqual([expect.stringMatching(/^error: /)]);
    expect(notices[0]).toContain(ISSUER);
  });

  it('CAUTH-10 tells apart that our credentials were refused, without naming them', async () => {
    upstream.handle = answer(401);
    const { failure, events, notices } = asking();
    expect(await failure()).toMatchObject({ code: 'ERR_CLIENT_REJECTED' });
    expect(events.map(({ type }) => type)).toEqual(['verification.introspected', 'verification.client_rejected']);
    expect(events[1]).toEqual({ type: 'verification.client_rejected', issuer: ISSUER, status: 401 });
    expect(notices.join()).not.toMatch(/rs1-secret-value|a\+b/);
    expect(upstream.requests).toHaveLength(1);
  });

  it('IERR-01 has no status where nobody answered', async () => {
    const { failure, events } = asking({}, `http://127.0.0.1:${await closedPort()}/`);
    expect(await failure()).toMatchObject({ code: 'ERR_INTROSPECTION_UNAVAILABLE' });
    expect(events).toEqual([
      { type: 'verification.introspected', issuer: ISSUER, outcome: 'failed', durationMs: expect.any(Number) as unknown },
    ]);
    expect(events[0]).not.toHaveProperty('status');
  });

  it('says why the endpoint is not known, or what kind of failure it was', async () => {
    const cause = Object.assign(new Error('x'), { status: 503, code: 'ERR_SOMETHING' });
    const { failure, notices } = asking({}, () => Promise.reject(cause));
    expect(await failure()).toBe(cause);
    expect(notices[0]).toContain('ERR_SOMETHING');
    upstream.handle = answer(500);
    const other = asking();
    await other.failure();
    expect(other.notices[0]).toContain('500');
  });
});

describe('What is known of an endpoint', () => {
  it('is whether the latest question failed, and when one was answered for the last time', async () => {
    upstream.handle = inTurn(answer(500), answerJson({ active: false }), answer(500));
    const { client, ask, failure, clock } = asking();
    const known = () => [client.isFailing, client.lastSuccessAtMs];
    expect(known()).toEqual([false, undefined]);
    await failure();
    expect(known()).toEqual([true, undefined]);
    await ask();
    const answeredAtMs = clock.now();
    expect(known()).toEqual([false, answeredAtMs]);
    clock.advanceSeconds(5);
    await failure();
    expect(known()).toEqual([true, answeredAtMs]);
  });
});

describe('A server that asks us to wait', () => {
  it.each([429, 503])('IERR-03 with %d is not asked before the time is over', async (status) => {
    upstream.handle = inTurn(answer(status, '', ['Retry-After: 7']), answerJson({ active: true }));
    const { ask, failure, clock, events, notices } = asking();
    expect((await failure()).retryAfterSeconds).toBe(7);
    clock.advanceSeconds(2);
    const waiting = await failure();
    expect([waiting.code, waiting.retryAfterSeconds]).toEqual(['ERR_INTROSPECTION_UNAVAILABLE', 5]);
    expect(waiting.detail).toMatch(/Retry-After/);
    expect(upstream.requests).toHaveLength(1);
    expect([events.length, notices.length]).toEqual([1, 1]);
    clock.advanceSeconds(5);
    expect(await ask()).toEqual({ active: true });
  });

  it('IERR-04 is asked again at once where it does not ask us to wait', async () => {
    upstream.handle = inTurn(answer(503), answer(404, '', ['Retry-After: 7']), answerJson({ active: true }));
    const { ask, failure } = asking();
    await failure();
    await failure();
    expect(await ask()).toEqual({ active: true });
  });

  it('IERR-03 is asked where the clock was set back', async () => {
    upstream.handle = inTurn(answer(503, '', ['Retry-After: 7']), answerJson({ active: true }));
    const { ask, failure, clock } = asking();
    await failure();
    clock.advanceSeconds(-10);
    expect(await ask()).toEqual({ active: true });
  });
});

describe('Credentials that can be renewed', () => {
  const renewing = () => {
    let count = 0;
    return asking({ clientAuthentication: { method: 'bearer', token: () => `own-${++count}` } });
  };

  it('CAUTH-04 are renewed once after a refusal', async () => {
    upstream.handle = inTurn(answer(401), answerJson({ active: true }));
    const { ask, events } = renewing();
    expect(await ask()).toEqual({ active: true });
    expect([header('authorization'), header('authorization', 1)]).toEqual(['Bearer own-1', 'Bearer own-2']);
    expect(fields(1)).toEqual(fields(0));
    expect(events).toMatchObject([{ outcome: 'active', status: 200 }]);
  });

  it('CAUTH-04 are not renewed twice for one question', async () => {
    upstream.handle = answer(401);
    expect(await renewing().failure()).toMatchObject({ code: 'ERR_CLIENT_REJECTED' });
    expect(upstream.requests).toHaveLength(2);
  });

  it('CAUTH-04 stay where the answer is about something else', async () => {
    upstream.handle = answer(500);
    await renewing().failure();
    expect(upstream.requests).toHaveLength(1);
  });

  it('CAUTH-04 that cannot be renewed are shown once', async () => {
    upstream.handle = answer(401);
    await asking({ clientAuthentication: { method: 'bearer', token: 'fixed' } }).failure();
    await asking().failure();
    expect(upstream.requests).toHaveLength(2);
  });
});
