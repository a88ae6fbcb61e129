/**
 * The field value of `client_secret_basic`: id and secret are each form-urlencoded, joined by a colon, base64.
 *
 * @see RFC 6749 §2.3.1
 */
export function formatBasicCredentials(clientId: string, clientSecret: string): string {
  return `Basic ${Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`, 'utf8').toString('base64')}`;
}

function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
