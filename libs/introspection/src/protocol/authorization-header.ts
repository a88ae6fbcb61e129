const SCHEME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+/;
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * What a field value of `Authorization` says:
 * `none` (empty, or a scheme that is not ours), `malformed`, `too_long`, or the token of the Bearer scheme.
 */
export type AuthorizationField =
  { readonly kind: 'none' | 'malformed' | 'too_long' } | { readonly kind: 'bearer'; readonly token: string };

const NONE: AuthorizationField = { kind: 'none' };
const MALFORMED: AuthorizationField = { kind: 'malformed' };
const TOO_LONG: AuthorizationField = { kind: 'too_long' };

/** Whether a text is a `token68` (RFC 9110 §11.2), the alphabet of every bearer token (`b64token` in RFC 6750 §2.1). */
export function isToken68(text: string): boolean {
  return TOKEN68.test(text);
}

/**
 * Parses one field value. The scheme is compared without regard to case and as a whole; one or more spaces, and
 * nothing else, separate it from the token. A token that is too long is not looked at.
 *
 * Not checked: that there is only one field line.
 *
 * @see RFC 9110 §11.4, RFC 6750 §2.1
 */
export function parseAuthorization(value: string, maxTokenLength: number): AuthorizationField {
  const field = trimOptionalWhitespace(value);
  if (field === '') return NONE;
  const scheme = SCHEME.exec(field)?.[0];
  if (scheme === undefined) return MALFORMED;
  const end = scheme.length;
  if (scheme.toLowerCase() !== 'bearer') {
    return end === field.length || field[end] === ' ' || field[end] === '\t' ? NONE : MALFORMED;
  }
  let start = end;
  while (field[start] === ' ') start += 1;
  if (field.length - start > maxTokenLength) return TOO_LONG;
  const token = field.slice(start);
  return start > end && isToken68(token) ? { kind: 'bearer', token } : MALFORMED;
}

function trimOptionalWhitespace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value, start)) start += 1;
  while (end > start && isBlank(value, end - 1)) end -= 1;
  return start === 0 && end === value.length ? value : value.slice(start, end);
}

function isBlank(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code === 0x20 || code === 0x09;
}
