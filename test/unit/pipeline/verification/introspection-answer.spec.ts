import { describe, expect, it } from 'vitest';
import { Deadline } from '../../../../libs/introspection/src/pipeline/deadline.js';
import type { OutboundResponse } from '../../../../libs/introspection/src/pipeline/outbound/transport.js';
import { OutboundError, type OutboundFailure } from '../../../../libs/introspection/src/pipeline/outbound/outbound-error.js';
import {
  isRejection,
  readIntrospectionAnswer,
  toIntrospectionFailure,
} from '../../../../libs/introspection/src/pipeline/verification/introspection-answer.js';
import { StaticKeySet } from '../../../../libs/introspection/src/pipeline/verification/key-set.js';
import type { SignedResponseParts } from '../../../../libs/introspection/src/pipeline/verification/signed-response.js';
import type { AuthorizationServerError } from '../../../../libs/introspection/src/protocol/authorization-server-errors.js';
import { settableClock } from '../../../support/clock.js';
import { ISSUER, issuerOptions, NOW_SECONDS } from '../../../support/issuer-options.js';
import { ecKey, signer } from '../../../support/keys.js';
import { compact } from '../../../support/tokens.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const ACTIVE = '{"active":true,"sub":"u1"}';

function response(status: number, body: string | Buffer = '', headers: Record<string, string> = JSON_TYPE): OutboundResponse {
  return { status, headers: new Map(Object.entries(headers)), body: Buffer.from(body) };
}

const read = (answer: OutboundResponse, options: Record<string, unknown> = {}) =>
  readIntrospectionAnswer(answer, issuerOptions(options), undefined, new Deadline(1000), NOW_SECONDS * 1000);

/** The error's code, with the wait that it asks for. The operator is told something in every case. */
async function failure(answer: OutboundResponse, options?: Record<string, unknown>): Promise<[code: string, seconds: number]> {
  const error = await read(answer, options).then(
    (said) => ({ code: `no failure: ${JSON.stringify(said)}`, detail: 'none', retryAfterSeconds: 0 }),
    (reason: unknown) => reason as AuthorizationServerError,
  );
  expect(error.detail).toMatch(/\S/);
  return [error.code, error.retryAfterSeconds];
}

describe('readIntrospectionAnswer', () => {
  it('IRESP-01 reads a 200 of application/json, whatever its parameters and its case', async () => {
    for (const type of [
      'application/json',
      'Application/JSON',
      'application/json; charset=utf-8',
      ' application/json ;x=y',
      'json',
    ])
      expect(await read(response(200, ACTIVE, { 'content-type': type })), type).toEqual({ active: true, sub: 'u1' });
    expect(await read(response(200, '{"active":false,"sub":"u1"}'))).toEqual({ active: false });
  });

  it.each([
    'text/html',
    'application/jwt',
    'application/json-seq',
    'application/token-introspection+jwt',
    '',
    ';application/json',
  ])('IRESP-01 refuses a 200 of %j unless any content type is allowed', async (type) => {
    const answer = response(200, ACTIVE, { 'content-type': type });
    expect(await failure(answer)).toEqual(['ERR_INTROSPECTION_RESPONSE', 1]);
    expect(await read(answer, { compatibility: { anyContentType: true } })).toEqual({ active: true, sub: 'u1' });
  });

  it('IRESP-01 refuses a 200 without a content type', async () => {
    expect(await failure(response(200, ACTIVE, {}))).toEqual(['ERR_INTROSPECTION_RESPONSE', 1]);
  });

  it.each(['', '[]', '{}', '{"active":"true"}', '{"active":true,"exp":"x"}', Buffer.from([0x7b, 0xff, 0x7d])])(
    'IRESP-02 refuses the body %j',
    async (body) => {
      expect(await failure(response(200, body))).toEqual(['ERR_INTROSPECTION_RESPONSE', 1]);
    },
  );

  it('IRESP-12 reads an active answer that has a member called malformed', async () => {
    expect(await read(response(200, '{"active":true,"malformed":"no"}'))).toEqual({ active: true, malformed: 'no' });
  });

  it('JINTRO-03 refuses JSON where signed responses are demanded, and reads it where they are preferred', async () => {
    expect(await failure(response(200, ACTIVE), { introspectionResponse: 'jwt' })).toEqual(['ERR_INTROSPECTION_RESPONSE', 1]);
    expect(await read(response(200, ACTIVE), { introspectionResponse: 'jwt-preferred' })).toEqual({ active: true, sub: 'u1' });
  });

  it('takes a token of a type that the server does not know for inactive', async () => {
    expect(await read(response(400, '{"error":"unsupported_token_type"}'))).toEqual({ active: false });
    for (const status of [401, 404, 500])
      expect((await failure(response(status, '{"error":"unsupported_token_type"}')))[0]).not.toBe('');
    expect(await failure(response(400, '{"error":["unsupported_token_type"]}'))).toEqual(['ERR_INTROSPECTION_RESPONSE', 1]);
  });

  it.each<[row: string, status: number, body: string | Buffer, code: string]>([
    ['CAUTH-10', 401, '', 'ERR_CLIENT_REJECTED'],
    ['CAUTH-10', 403, '', 'ERR_CLIENT_REJECTED'],
    ['CAUTH-10', 400, '{"error":"invalid_client"}', 'ERR_CLIENT_REJECTED'],
    ['CAUTH-10', 404, '{"error":"invalid_client"}', 'ERR_INTROSPECTION_RESPONSE'],
    ['IERR-02', 400, '{"error":"invalid_request"}', 'ERR_INTROSPECTION_RESPONSE'],
    ['IERR-02', 400, 'no JSON', 'ERR_INTROSPECTION_RESPONSE'],
    ['IERR-02', 400, Buffer.from([0xff]), 'ERR_INTROSPECTION_RESPONSE'],
    ['INTRO-07', 307, '', 'ERR_INTROSPECTION_RESPONSE'],
    ['IERR-02', 201, ACTIVE, 'ERR_INTROSPECTION_RESPONSE'],
    ['IERR-02', 204, '', 'ERR_INTROSPECTION_RESPONSE'],
    ['IERR-02', 404, '', 'ERR_INTROSPECTION_RESPONSE'],
    ['IERR-03', 429, '', 'ERR_INTROSPECTION_UNAVAILABLE'],
    ['IERR-02', 499, '', 'ERR_INTROSPECTION_RESPONSE'],
    ['IERR-02', 500, '', 'ERR_INTROSPECTION_UNAVAILABLE'],
    ['IERR-02', 503, ACTIVE, 'ERR_INTROSPECTION_UNAVAILABLE'],
  ])('%s takes %d %j for no verdict on the token', async (_row, status, body, code) => {
    expect(await failure(response(status, body))).toEqual([code, 1]);
  });

  it.each([
    [429, 7],
    [500, 7],
    [503, 7],
    [401, 1],
    [404, 1],
  ])('IERR-03 after %d with Retry-After: 7 says to wait %d s', async (status, seconds) => {
    const [, wait] = await failure(response(status, '', { 'retry-after': '7' }));
    expect(wait).toBe(seconds);
  });

  it('repeats the status to the operator, and nothing that the server wrote', async () => {
    for (const status of [401, 404, 503]) {
      const call = read(response(status, '{"error":"upstream text"}'));
      const error = (await call.catch((reason: unknown) => reason)) as AuthorizationServerError;
      expect(error).toMatchObject({ detail: expect.stringContaining(String(status)) as unknown });
      expect(`${error.message} ${JSON.stringify(error)} ${error.detail}`).not.toContain('upstream text');
    }
  });
});

describe('isRejection', () => {
  it.each<[status: number, body: string, expected: boolean]>([
    [401, '', true],
    [403, '', true],
    [400, '', true],
    [400, '{"error":"invalid_token"}', true],
    [400, '{"error":"unsupported_token_type"}', false],
    [401, '{"error":"unsupported_token_type"}', true],
    [404, '', false],
    [200, '', false],
    [500, '', false],
  ])('CAUTH-04 of %d %s is %s', (status, body, expected) => {
    expect(isRejection(response(status, body))).toBe(expected);
  });
});

describe('toIntrospectionFailure', () => {
  it.each<[OutboundFailure, string, RegExp]>([
    ['refused', 'ERR_INTROSPECTION_UNAVAILABLE', /refused/],
    ['reset', 'ERR_INTROSPECTION_UNAVAILABLE', /reset/],
    ['unreachable', 'ERR_INTROSPECTION_UNAVAILABLE', /unreachable/],
    ['timeout', 'ERR_INTROSPECTION_UNAVAILABLE', /http\.timeoutMs/],
    ['malformed', 'ERR_INTROSPECTION_RESPONSE', /malformed/],
    ['too_large', 'ERR_INTROSPECTION_RESPONSE', /http\.maxResponseBytes/],
    ['queue_full', 'ERR_INTROSPECTION_UNAVAILABLE', /http\.maxQueued/],
    ['breaker_open', 'ERR_INTROSPECTION_UNAVAILABLE', /http\.breaker/],
  ])('IERR-01 of a call that failed as %s is %s', (kind, code, detail) => {
    expect(toIntrospectionFailure(new OutboundError(kind))).toMatchObject({
      code,
      detail: expect.stringMatching(detail) as unknown,
    });
  });

  it('names an option to the operator only where one can help', () => {
    for (const kind of ['refused', 'reset', 'malformed'] as const)
      expect(toIntrospectionFailure(new OutboundError(kind))).toMatchObject({
        detail: expect.not.stringMatching(/http\.|see/) as unknown,
      });
  });

  it('IERR-06 passes on how long the endpoint is left alone', () => {
    expect(toIntrospectionFailure(new OutboundError('breaker_open', undefined, 7))).toMatchObject({ retryAfterSeconds: 7 });
    expect(toIntrospectionFailure(new OutboundError('reset'))).toMatchObject({ retryAfterSeconds: 1 });
  });

  it('leaves every other failure as it is', () => {
    const other = new Error('other');
    expect(toIntrospectionFailure(other)).toBe(other);
  });
});

describe('readIntrospectionAnswer with signed answers', () => {
  const key = ecKey();
  const signed: SignedResponseParts = {
    issuer: ISSUER,
    expected: { type: 'jwt', algorithms: ['ES256'], audience: ['rs1'] },
    keys: new StaticKeySet({ keys: [key.jwk] }),
    decrypter: undefined,
    clock: settableClock(NOW_SECONDS * 1000),
  };
  const answer = (inner: unknown, type: string): OutboundResponse => {
    const claims = { iss: ISSUER, aud: 'rs1', iat: NOW_SECONDS, token_introspection: inner };
    const header = { alg: 'ES256', typ: 'token-introspection+jwt', kid: key.kid };
    return response(200, compact(header, claims, signer('ES256', key.privateKey)), { 'content-type': type });
  };
  const open = (opened: OutboundResponse) =>
    readIntrospectionAnswer(
      opened,
      issuerOptions({ introspectionResponse: 'jwt' }),
      signed,
      new Deadline(1000),
      NOW_SECONDS * 1000,
    );
  const TYPE = 'application/token-introspection+jwt';

  it.each([TYPE, `${TYPE}; charset=utf-8`, 'Application/Token-Introspection+JWT'])('JINTRO-04 opens %s', async (type) => {
    expect(await open(answer({ active: true, sub: 'u1' }, type))).toEqual({ active: true, sub: 'u1' });
    expect(await open(answer({ active: false, sub: 'u1' }, type))).toEqual({ active: false });
  });

  it.each<[what: string, opened: OutboundResponse]>([
    ['another type', answer({ active: true }, 'application/jwt')],
    ['the type of JSON', answer({ active: true }, 'application/json')],
    ['a wrong member', answer({ active: true, exp: 'x' }, TYPE)],
    ['no active', answer({ sub: 'u1' }, TYPE)],
    ['no JWT', response(200, '{"active":true}', { 'content-type': TYPE })],
    ['no UTF-8', response(200, Buffer.from([0xff]), { 'content-type': TYPE })],
  ])('JINTRO-04 IRESP-02 refuses one with %s', async (_what, opened) => {
    await expect(open(opened)).rejects.toMatchObject({ code: 'ERR_INTROSPECTION_RESPONSE' });
  });
});
