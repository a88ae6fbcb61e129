/** We obey a server for at most this long, so that one bad header cannot keep an API down. */
const MAX_SECONDS = 60;

/**
 * Reads `Retry-After`: seconds or an HTTP date (RFC 9110 §10.2.3).
 *
 * @returns whole seconds from 0 to 60, or `undefined` where the field is absent or malformed
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Math.min(Number(text), MAX_SECONDS);
  const dateMs = parseHttpDate(text);
  return Number.isNaN(dateMs) ? undefined : Math.min(Math.max(0, Math.ceil((dateMs - nowMs) / 1000)), MAX_SECONDS);
}

const TIME = '\\d{2}:\\d{2}:\\d{2}';
/** The preferred form, and the two obsolete ones that a recipient must read (RFC 9110 §5.6.7). */
const DATES = [
  new RegExp(`^[A-Z][a-z]{2}, \\d{2} [A-Z][a-z]{2} \\d{4} ${TIME} GMT$`),
  new RegExp(`^[A-Z][a-z]{5,8}, \\d{2}-[A-Z][a-z]{2}-\\d{2} ${TIME} GMT$`),
];
const ASCTIME = new RegExp(`^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \\d]\\d ${TIME} \\d{4}$`);

function parseHttpDate(text: string): number {
  if (ASCTIME.test(text)) return Date.parse(`${text} GMT`);
  return DATES.some((date) => date.test(text)) ? Date.parse(text) : Number.NaN;
}
