/** One parameter of a challenge; `undefined` leaves it out. */
export type ChallengeParameters = Readonly<Record<string, string | undefined>>;

/** Whether a text can stand in a quoted-string without loss: visible ASCII, space and tab (RFC 9110 §5.6.4). */
export function isQuotable(text: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(text);
}

/**
 * Formats one challenge, every value as a quoted-string.
 *
 * `error` and `error_description` may not hold `"`, `\` or anything but printable ASCII, not even escaped
 * (RFC 6750 §3): what does not fit is replaced. In the others `"` and `\` are escaped, and what a field value may not
 * hold is replaced, so that no text can end the header or add another.
 *
 * @see RFC 9110 §11.6.1, RFC 6750 §3
 */
export function formatChallenge(scheme: string, parameters: ChallengeParameters): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) parts.push(`${name}="${quotedContent(name, value)}"`);
  }
  return `${scheme} ${parts.join(', ')}`;
}

function quotedContent(name: string, value: string): string {
  if (name === 'error' || name === 'error_description') return value.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, "'");
  return value.replace(/[^\t\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&');
}
