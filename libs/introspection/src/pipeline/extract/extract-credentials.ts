import { type AuthorizationField, isToken68, parseAuthorization } from '../../protocol/authorization-header.js';
import { InvalidRequestError, InvalidTokenError } from '../../protocol/errors.js';
import { isThenable } from '../../protocol/thenable.js';
import type { Deadline } from '../deadline.js';
import type { ResolvedExtractOptions } from '../options/resolved-options.js';
import { fieldLines, formValues, isGetOrHead, queryValues, type ResourceRequest } from './resource-request.js';

/** An access token as a client presented it. Only its syntax is known to be well. */
export interface Credentials {
  readonly scheme: 'Bearer';
  readonly token: string;
  /** Where it was: answers to tokens outside the header must not be stored by shared caches (RFC 9111 §3.5). */
  readonly source: 'header' | 'query' | 'body' | 'application';
}

/**
 * Takes the access token out of a request: from `Authorization`, and from query, body or the application's own place
 * where that is switched on. What is not switched on does not exist.
 *
 * Not checked: anything about the token but its alphabet and length.
 *
 * @returns `undefined` where there are no usable credentials; another scheme's are none
 * @throws {InvalidRequestError} for broken syntax, and for more than one token
 * @throws {InvalidTokenError} for a token longer than `maxTokenLength`
 * @see RFC 6750 §2, RFC 9110 §11.4
 */
export function extractCredentials(
  request: ResourceRequest,
  options: ResolvedExtractOptions,
  deadline: Deadline,
): Credentials | undefined | Promise<Credentials | undefined> {
  const lines = fieldLines(request, 'authorization');
  if (lines.length > 1) throw new InvalidRequestError({ detail: 'more than one Authorization header' });
  const found: Credentials[] = [];
  const field = lines[0] === undefined ? undefined : readField(lines[0], options.maxTokenLength);
  if (field?.kind === 'bearer') found.push({ scheme: 'Bearer', token: field.token, source: 'header' });
  if (options.query && isGetOrHead(request)) collect(found, queryValues(request, 'access_token'), 'query');
  if (options.formBody && !isGetOrHead(request)) collect(found, formValues(request, 'access_token'), 'body');
  if (options.token !== undefined && field === undefined) return askApplication(options, request, found, deadline);
  return theOnly(found, options.maxTokenLength);
}

function theOnly(found: readonly Credentials[], maxTokenLength: number): Credentials | undefined {
  if (found.length > 1) throw new InvalidRequestError({ detail: 'more than one access token' });
  const credentials = found[0];
  if (credentials !== undefined && credentials.source !== 'header') assertToken(credentials.token, maxTokenLength);
  return credentials;
}

function readField(value: string, maxTokenLength: number): AuthorizationField {
  const field = parseAuthorization(value, maxTokenLength);
  if (field.kind === 'malformed') throw new InvalidRequestError({ detail: 'the Authorization header is malformed' });
  if (field.kind === 'too_long') throw tooLong();
  return field;
}

function assertToken(token: string, maxTokenLength: number): void {
  if (token.length > maxTokenLength) throw tooLong();
  if (!isToken68(token)) throw new InvalidRequestError({ detail: 'the access token holds characters that no token has' });
}

function tooLong(): InvalidTokenError {
  return new InvalidTokenError('malformed', { detail: 'the token is longer than extract.maxTokenLength' });
}

function collect(found: Credentials[], tokens: readonly string[], source: Credentials['source']): void {
  for (const token of tokens) found.push({ scheme: 'Bearer', token, source });
}

async function askApplication(
  { token: extract, maxTokenLength }: ResolvedExtractOptions,
  request: ResourceRequest,
  found: Credentials[],
  deadline: Deadline,
): Promise<Credentials | undefined> {
  let token: unknown;
  try {
    const answer = extract?.({ transport: 'http', request });
    token = isThenable(answer) ? await deadline.wait(Promise.resolve(answer), () => new Error('late')) : answer;
  } catch {
    // What it threw may quote the token.
    throw new InvalidRequestError({ detail: 'the function extract.token threw, or took longer than the deadline' });
  }
  if (token !== undefined && token !== null && token !== '') {
    if (typeof token !== 'string') throw new InvalidRequestError({ detail: 'the function extract.token answered no string' });
    collect(found, [token], 'application');
  }
  return theOnly(found, maxTokenLength);
}
