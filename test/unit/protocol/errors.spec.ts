import { describe, expect, it } from 'vitest';
import {
  AccessDeniedError,
  AuthorizationServerError,
  ClientRejectedError,
  ConfigurationError,
  InsufficientScopeError,
  IntrospectionResponseError,
  IntrospectionUnavailableError,
  InvalidRequestError,
  InvalidTokenError,
  KeySetUnavailableError,
  MetadataError,
  MissingCredentialsError,
  ResourceServerError,
  TooManyUnknownTokensError,
} from 'nestjs-introspection/core';

const PRIVATE = { detail: 'private detail' };
const cases: [name: string, create: () => ResourceServerError, code: string, status: number, challenge: string | undefined][] = [
  ['MissingCredentialsError', () => new MissingCredentialsError(), 'ERR_CREDENTIALS_MISSING', 401, undefined],
  ['InvalidRequestError', () => new InvalidRequestError(PRIVATE), 'ERR_REQUEST_INVALID', 400, 'invalid_request'],
  ['InvalidTokenError', () => new InvalidTokenError('expired', PRIVATE), 'ERR_TOKEN_INVALID', 401, 'invalid_token'],
  ['InsufficientScopeError', () => new InsufficientScopeError(['a']), 'ERR_SCOPE_INSUFFICIENT', 403, 'insufficient_scope'],
  ['AccessDeniedError', () => new AccessDeniedError(PRIVATE), 'ERR_ACCESS_DENIED', 403, undefined],
  [
    'IntrospectionUnavailableError',
    () => new IntrospectionUnavailableError(PRIVATE),
    'ERR_INTROSPECTION_UNAVAILABLE',
    503,
    undefined,
  ],
  ['IntrospectionResponseError', () => new IntrospectionResponseError(PRIVATE), 'ERR_INTROSPECTION_RESPONSE', 503, undefined],
  ['KeySetUnavailableError', () => new KeySetUnavailableError(PRIVATE), 'ERR_KEY_SET_UNAVAILABLE', 503, undefined],
  ['MetadataError', () => new MetadataError(PRIVATE), 'ERR_METADATA', 503, undefined],
  ['ClientRejectedError', () => new ClientRejectedError(PRIVATE), 'ERR_CLIENT_REJECTED', 503, undefined],
  ['TooManyUnknownTokensError', () => new TooManyUnknownTokensError(5, PRIVATE), 'ERR_UNKNOWN_TOKENS', 429, undefined],
  ['ConfigurationError', () => new ConfigurationError([]), 'ERR_CONFIGURATION', 500, undefined],
];

describe('every error', () => {
  it.each(cases)('%s has its code, status and challenge', (name, create, code, status, challenge) => {
    const error = create();
    expect(error).toBeInstanceOf(ResourceServerError);
    expect({ name: error.name, code: error.code, status: error.status, error: error.error }).toEqual({
      name,
      code,
      status,
      error: challenge,
    });
    expect(error.description).toMatch(/\S/);
    expect(error.message).toBe(error.description);
    expect(String(error)).toContain(name);
  });

  it.each(cases)('%s keeps its detail and reason out of JSON', (_name, create) => {
    const error = create();
    expect(JSON.stringify(error)).not.toMatch(/private detail|expired/);
    expect(Object.keys(error)).not.toContain('detail');
    expect(Object.keys(error)).not.toContain('reason');
    expect(Object.keys(error)).not.toContain('name');
  });

  it('says the same of every refused token, and the reason to the operator only', () => {
    const [expired, foreign] = [new InvalidTokenError('expired'), new InvalidTokenError('audience', PRIVATE)];
    expect(expired.description).toBe(foreign.description);
    expect([expired.reason, foreign.reason]).toEqual(['expired', 'audience']);
    expect([expired.detail, foreign.detail]).toEqual([undefined, 'private detail']);
  });

  it('leaves the stack traces of other errors as they were', () => {
    const { stackTraceLimit } = Error;
    for (const [, create] of cases) create();
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
    expect(new Error('other').stack).toMatch(/\n +at /);
  });

  it('carries a cause where there is one, and none otherwise', () => {
    const cause = new Error('why');
    expect(new AccessDeniedError({ cause }).cause).toBe(cause);
    expect('cause' in new AccessDeniedError()).toBe(false);
  });

  it('names the scopes that a resource needs', () => {
    expect(new MissingCredentialsError(['a', 'b']).scopes).toEqual(['a', 'b']);
    expect(new MissingCredentialsError().scopes).toEqual([]);
    expect(new InsufficientScopeError(['c']).scopes).toEqual(['c']);
  });
});

describe('AuthorizationServerError', () => {
  it.each([
    [undefined, 1],
    [0, 1],
    [-5, 1],
    [0.2, 1],
    [1.2, 2],
    [7, 7],
  ])('IERR-03 asked to wait %s s says to wait %d s', (retryAfterSeconds, expected) => {
    const error = new MetadataError(retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
    expect(error).toBeInstanceOf(AuthorizationServerError);
    expect(error.retryAfterSeconds).toBe(expected);
    expect(new MetadataError().retryAfterSeconds).toBe(1);
    expect(new TooManyUnknownTokensError(retryAfterSeconds ?? 0).retryAfterSeconds).toBe(expected);
  });
});

describe('ConfigurationError', () => {
  it('names every problem with the option, what was given and what to do', () => {
    const problems = [
      { option: 'issuer', given: 'undefined', remedy: 'give an issuer' },
      { option: 'http.timeoutMs', given: '-1', remedy: 'give a positive number' },
    ];
    const error = new ConfigurationError(problems);
    expect(error.problems).toEqual(problems);
    const [title, ...lines] = error.message.split('\n');
    expect(title).toMatch(/cannot start/);
    expect(lines).toHaveLength(2);
    for (const [index, { option, given, remedy }] of problems.entries())
      for (const text of [option, given, remedy]) expect(lines[index]).toContain(text);
  });
});
