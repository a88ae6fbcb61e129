import { STATUS_CODES } from 'node:http';
import { expect } from 'vitest';
import { parseChallenges, type Challenge } from './challenges.js';
import type { RawRequest, RawResponse } from './raw-http.js';

/** What an assertion looks at: an answer and, where they were counted, the handlers that ran. */
export type Answered = RawResponse & { handled?: number };

export interface PrincipalBody {
  principal: Record<string, unknown> | null;
  serialized?: string;
}

/** The handler ran. Returns what it said. */
export function expect200(answer: Answered): PrincipalBody {
  expect(answer.status, `${answer.status} ${answer.body}`).toBe(200);
  expectHandled(answer, 1);
  expect(answer.all('WWW-Authenticate')).toEqual([]);
  expectNoToken(answer);
  return answer.json() as PrincipalBody;
}

/** Like `expect200`, for a `POST` handler. */
export function expect201(answer: Answered): PrincipalBody {
  expect(answer.status, `${answer.status} ${answer.body}`).toBe(201);
  expectHandled(answer, 1);
  expectNoToken(answer);
  return answer.json() as PrincipalBody;
}

/** 401-none: a Bearer challenge with a parameter and without error information. */
export function expect401None(answer: Answered, scope?: string): Challenge {
  const bearer = expectRefused(answer, 401);
  expect([...bearer.params.keys()].filter((name) => name.startsWith('error'))).toEqual([]);
  if (scope !== undefined) expect(bearer.params.get('scope')).toBe(scope);
  return bearer;
}

/** 401-tok. */
export function expect401Token(answer: Answered): Challenge {
  return expectRefused(answer, 401, 'invalid_token');
}

/** 400-req. */
export function expect400Request(answer: Answered): Challenge {
  return expectRefused(answer, 400, 'invalid_request');
}

/** 403-scope: the challenge names exactly the scopes that the route needs. */
export function expect403Scope(answer: Answered, scope: string): Challenge {
  const bearer = expectRefused(answer, 403, 'insufficient_scope');
  expect(bearer.params.get('scope')).toBe(scope);
  return bearer;
}

/** 503-as: not the client's fault, so no challenge. Returns the seconds of `Retry-After`. */
export function expect503(answer: Answered): number {
  expect(answer.status, `${answer.status} ${answer.body}`).toBe(503);
  expectHandled(answer, 0);
  expect(answer.all('WWW-Authenticate')).toEqual([]);
  expect(answer.header('Cache-Control')).toBe('no-store');
  expect(answer.header('Retry-After')).toMatch(/^[1-9]\d*$/);
  expect(answer.json()).toEqual({ statusCode: 503, message: STATUS_CODES[503] });
  expectNoToken(answer);
  return Number(answer.header('Retry-After'));
}

/** The only challenge of an answer that has exactly one, for Bearer and with at least one parameter. */
export function bearerChallenge(answer: RawResponse): Challenge {
  const challenges = parseChallenges(answer.all('WWW-Authenticate'));
  expect(challenges.map(({ scheme }) => scheme)).toEqual(['Bearer']);
  const [bearer] = challenges as [Challenge];
  expect(bearer.token68).toBeUndefined();
  expect(bearer.params.size).toBeGreaterThan(0);
  return bearer;
}

function expectRefused(answer: Answered, status: number, error?: string): Challenge {
  expect(answer.status, `${answer.status} ${answer.body}`).toBe(status);
  expectHandled(answer, 0);
  const bearer = bearerChallenge(answer);
  expect(bearer.params.get('error')).toBe(error);
  expect(bearer.params.get('realm')).toBeDefined();
  expect(answer.header('Cache-Control')).toBe('no-store');
  if (answer.request.method !== 'HEAD') expectBody(answer, bearer);
  expectNoToken(answer);
  return bearer;
}

/** api.md §6: `{ statusCode, error?, message }`, in agreement with the challenge. */
function expectBody(answer: RawResponse, bearer: Challenge): void {
  expect(answer.header('Content-Type')).toMatch(/^application\/json\b/);
  const error = bearer.params.get('error');
  const message = bearer.params.get('error_description') ?? STATUS_CODES[answer.status];
  expect(answer.json()).toEqual({ statusCode: answer.status, ...(error !== undefined && { error }), message });
}

function expectHandled(answer: Answered, count: number): void {
  if (answer.handled !== undefined) expect(answer.handled, 'handlers that ran').toBe(count);
}

/** Nothing that could be a token of the request is in the head or the body of the answer. */
export function expectNoToken(answer: RawResponse): void {
  const text = `${answer.headers.map((line) => line.join(': ')).join('\n')}\n${answer.body}`;
  for (const token of presentedTokens(answer.request)) expect(text).not.toContain(token);
}

function presentedTokens({ headers = [], path, body = '' }: RawRequest): string[] {
  const credentials = headers
    .filter(([name]) => /^(proxy-)?authorization$/i.test(name))
    .flatMap(([, value]) => value.split(/[\s,]+/));
  const query = path.includes('?') ? path.slice(path.indexOf('?') + 1) : '';
  const parameters = [query, body].flatMap((form) => new URLSearchParams(form).getAll('access_token'));
  // Short words ("Bearer", "realm") are in every answer.
  return [...credentials, ...parameters].filter((word) => word.length >= 8);
}
