/** Scheme, two slashes, a host; no white space, control characters or backslashes anywhere. */
const ABSOLUTE_URL = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#\s\\\p{Cc}][^\s\\\p{Cc}]*$/u;

/**
 * What is wrong with a URL that the operator or the metadata gave us; `undefined` where nothing is.
 *
 * User information, fragments, white space and backslashes are refused, as two parsers may read them as two hosts.
 * `http:` needs `allowInsecureHttp`, on loopback too.
 */
export function urlFault(text: string, allowInsecureHttp: boolean): string | undefined {
  // Parsers repair a lot; what has to be repaired is read differently by the next one.
  const url = ABSOLUTE_URL.test(text) ? parseUrl(text) : null;
  if (url === null) return 'is not an absolute URL';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'is not an https URL';
  if (url.protocol === 'http:' && !allowInsecureHttp) return 'is http: use https, or write allowInsecureHttp: true';
  if (/^[^/]*\/\/[^/?#]*@/.test(text)) return 'holds user information';
  if (text.includes('#')) return 'has a fragment';
  return undefined;
}

/** What is wrong with an issuer identifier: as {@link urlFault}, and it has no query (RFC 8414 §2). */
export function issuerFault(text: string, allowInsecureHttp: boolean): string | undefined {
  return urlFault(text, allowInsecureHttp) ?? (text.includes('?') ? 'has a query' : undefined);
}

/** Whether a URL is `http:` and leaves this machine. */
export function isInsecureBeyondLoopback(text: string): boolean {
  const url = parseUrl(text);
  return url?.protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}

/**
 * The places where the metadata of an issuer may be, in the order in which they are asked: RFC 8414 inserts the
 * well-known segment before the path, OpenID Connect Discovery appends it.
 *
 * @see RFC 8414 §3, §5; OpenID Connect Discovery 1.0 §4
 */
export function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const inserted = `${origin}/.well-known/oauth-authorization-server${path}`;
  const appended = `${origin}${path}/.well-known/openid-configuration`;
  return path === '' ? [inserted, appended] : [inserted, `${origin}/.well-known/openid-configuration${path}`, appended];
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
