const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** What may stand in front of a token; the first as it should be. */
export const SCHEMES: readonly string[] = [
  ['Bearer ', 'bearer ', 'BEARER ', 'bEaReR ', 'Bearer  ', `Bearer${' '.repeat(300)}`, ' Bearer ', '\tBearer ', 'Bearer '],
  ['', 'Bearer', 'Bearer\t', 'Bearer \t', 'Bearer\t ', 'Bearer\u00a0', 'Bearer=', 'Bearer:', 'Bearer,', 'Bearer, ', 'Bearer "'],
  ['Bearer token=', 'Bearer Bearer ', 'Bearerx ', 'Bear ', 'MyBearer ', 'Basic ', 'DPoP ', 'Digest username=', 'Negotiate '],
  ['Token ', '"Bearer" ', '\u00e9Bearer ', utf8('B\u0435arer '), `${'B'.repeat(4000)} `],
].flat();

/** What may stand behind it. */
export const TAILS: readonly string[] = [
  ['', '', '', '', ' ', '\t', '   \t', ' x', ',', ', Bearer x', ';', '"', "'", '%20', '\\', ' =', '(', '{}'],
  [utf8('\u00fc'), utf8('\u200b'), '\u00ff', '\u00a0', '\u0085'],
].flat();

export const CONTROLS: readonly string[] = '\0\u0001\u0007\b\v\f\r\n\u001b\u001f\u007f'.split('');

/** Names of lines: the field's own, and others. */
export const NAMES: readonly string[] = [
  ['Authorization', 'authorization', 'AUTHORIZATION', 'aUthorizatioN', 'Authorization'],
  ['Proxy-Authorization', 'X-Authorization', 'Authorisation', 'Authorization2', 'X-Forwarded-Authorization', 'Cookie'],
].flat();

const FORM = 'application/x-www-form-urlencoded';

export const CONTENT_TYPES: readonly string[] = [
  [FORM, FORM, FORM, `${FORM}; charset=utf-8`, `${FORM}; charset=utf-7`, FORM.toUpperCase(), `${FORM}, ${FORM}`],
  ['application/json', 'application/json; charset=x', 'multipart/form-data; boundary=x', 'text/plain', ''],
].flat();

export const QUERIES: readonly ((token: string) => string)[] = [
  (token) => `access_token=${token}`,
  (token) => `a=b&access_token=${encodeURIComponent(token)}`,
  (token) => `access_token=${token}&access_token=${token}`,
  (token) => `access_token[]=${token}`,
  (token) => `access_token[__proto__]=${token}&__proto__[access_token]=${token}`,
  (token) => `access_token=${token}%00`,
  () => 'access_token=',
  () => 'access_token=%zz%',
  (token) => `ACCESS_TOKEN=${token}&access_token%5B%5D=1`,
  (token) => `access_token=${token};access_token=x`,
  () => `${'a['.repeat(300)}]=1`,
  () => Array.from({ length: 1500 }, (_, index) => `k${index}=1`).join('&'),
];

export const BODIES: readonly string[] = [
  ['{', '[[[[', '{"__proto__":{"x":1}}', '\0\u00ff', '"', '%', '['.repeat(5000), `{"a":${'9'.repeat(3000)}}`],
  ['', 'x', '0\r\n\r\n', 'GET /r HTTP/1.1\r\nHost: x\r\n\r\n', '5\r\nhello\r\n0\r\nAuthorization: Bearer x\r\n\r\n'],
  ['ffffffffffffffff1\r\nx'],
].flat();

export const LENGTHS: readonly string[] = [
  ['0', '1', '3', '14', '-1', '+5', '0x5', '5, 5', '99999999999999999999', ' 2', '', '1\r\nContent-Length: 2'],
].flat();

export const CODINGS: readonly string[] = ['chunked', 'xchunked', 'identity', 'chunked, identity', '\tchunked', 'gzip, chunked'];

export const TARGETS: readonly string[] = [
  ['/r/', '/R', '//r', '/%72', '/r;x=1', '/r#x', '/r%00', '/r%zz', '/./r', '/x/../r', '*', 'r', '?', '/\\r', '/r\\', '//'],
  ['http://rs.example.com/r', 'http://evil.example/r?access_token=x', 'http://127.0.0.1:99999/r', 'https://u:p@x/r'],
  ['http://[::1/r', 'http:///r', 'a:b:c', '/r/../../..', `/r?${'x'.repeat(7000)}`, utf8('/r?\u00fc'), '/r?a=\u00ff'],
].flat();

export const METHODS: readonly string[] = [
  ['HEAD', 'OPTIONS', 'DELETE', 'PROPFIND', 'TRACE', 'M-SEARCH', 'QUERY', 'get', 'BREW', 'CONNECT', 'G\u00e4T'],
].flat();

export const VERSIONS: readonly string[] = [
  ['HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.1 ', 'HTTP/11', 'ICE/1.0', ''],
].flat();

/** Lines that others are about. */
export const FOREIGN_LINES: readonly (readonly [name: string, value: string])[] = [
  ['X-Forwarded-For', '127.0.0.1, ::1'],
  ['X-HTTP-Method-Override', 'GET'],
  ['Origin', 'https://evil.example'],
  ['Accept', '*/*;q=x'],
  ['__proto__', 'x'],
  ['constructor', 'x'],
  ['X-Long', 'y'.repeat(3000)],
];

export const CONNECTION_LINES: readonly (readonly [name: string, value: string])[] = [
  ['Connection', 'close'],
  ['Connection', 'Upgrade'],
  ['Connection', 'Authorization'],
  ['Expect', '100-continue'],
  ['Expect', 'x'],
  ['Upgrade', 'websocket'],
  ['TE', 'trailers'],
  ['Host', 'evil.example'],
  ['Host', ''],
  ['Trailer', 'Authorization'],
];

/** What is put among bytes. */
export const INSERTIONS: readonly string[] = [
  '',
  '\r\n',
  '\n',
  '\0',
  ' ',
  ':',
  ',',
  '\u00ff',
  'Authorization: x\r\n',
  '\r\n\r\n',
];
