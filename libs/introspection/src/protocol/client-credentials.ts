/**
 * The field value of `client_secret_basic`: id and secret are each form-urlencoded, joined by a colon, base64. `raw`
 * leaves the encoding out, for servers that do not decode.
 *
 * @see RFC 6749 §2.3.1
 */
export function formatBasicCredentials(clientId: string, clientSecret: string, raw = false): string {
  const encode = raw ? (text: string) => text : formEncode;
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`, 'utf8').toString('base64')}`;
}

function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
