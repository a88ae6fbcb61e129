import { decodeUtf8, deepFreeze, isJsonObject, isShallow, type JsonObject, member, parseJsonObject } from './json.js';

const BASE64URL = /^[A-Za-z0-9_-]+$/;
const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

/**
 * A text in the shape of a JWT. Nothing in it is verified: it may decide which checks are made, never what is true.
 */
export interface UnverifiedJwt {
  readonly unverifiedHeader: JsonObject;
  readonly unverifiedAlgorithm: string;
  /** The claims, or `undefined` where the payload is no JSON object or not encoded canonically. */
  readonly unverifiedClaims: JsonObject | undefined;
  /** Whether every part is canonical base64url, so that no other text stands for the same token, and the header is of an honest depth. */
  readonly isCanonical: boolean;
  /** Whether the signature part is empty. */
  readonly isUnsigned: boolean;
}

/**
 * Parses a text of three base64url parts, the first a JSON object with a string `alg`, the second not empty; the third
 * may be empty, which then fails the checks.
 *
 * @returns `undefined` where the text is not JWT-shaped, so that it is an opaque token
 * @see RFC 7515 §5.2, RFC 7519 §7.2
 */
export function parseUnverifiedJwt(token: string): UnverifiedJwt | undefined {
  if (!COMPACT_JWS.test(token)) return undefined;
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  const header = token.slice(0, first);
  const payload = token.slice(first + 1, second);
  const signature = token.slice(second + 1);
  const unverifiedHeader = decodeObject(header, true);
  const unverifiedAlgorithm = unverifiedHeader && member(unverifiedHeader, 'alg');
  if (unverifiedHeader === undefined || typeof unverifiedAlgorithm !== 'string') return undefined;
  return {
    unverifiedHeader,
    unverifiedAlgorithm,
    // Frozen before the application's functions see it.
    unverifiedClaims: deepFreeze(decodeObject(payload)),
    isCanonical: [header, payload, signature].every(isCanonicalBase64Url) && isShallow(unverifiedHeader),
    isUnsigned: signature === '',
  };
}

/** Whether the `alg` says "not signed", in any spelling. */
export function isNone(algorithm: string): boolean {
  return algorithm.toLowerCase() === 'none';
}

/** Whether `crit` is there: we understand no extension, so any `crit`, well-formed or not, refuses (RFC 7515 §4.1.11). */
export function hasCriticalExtensions(header: JsonObject): boolean {
  return Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64');
}

/** Whether the payload claims to be another JWT (RFC 7519 §5.2). */
export function isNested(header: JsonObject): boolean {
  const contentType = member(header, 'cty');
  return contentType !== undefined && (typeof contentType !== 'string' || normalizeMediaType(contentType) === 'application/jwt');
}

/**
 * A media type in the form in which two of them compare: lower case, `application/` in front where there is no slash.
 *
 * @see RFC 7515 §4.1.9
 */
export function normalizeMediaType(type: string): string {
  const lower = type.toLowerCase();
  return lower.includes('/') ? lower : `application/${lower}`;
}

function isBase64Url(part: string): boolean {
  return BASE64URL.test(part);
}

/** Whether the last character holds no bits that stand for nothing (RFC 4648 §3.5). The alphabet is to be checked before. */
function isCanonicalBase64Url(part: string): boolean {
  const last = part.at(-1) ?? '';
  switch (part.length % 4) {
    case 0:
      return true;
    case 2:
      return 'AQgw'.includes(last);
    case 3:
      return 'AEIMQUYcgkosw048'.includes(last);
    default:
      return false;
  }
}

function decodeObject(part: string, anyDepth = false): JsonObject | undefined {
  const text = decodeUtf8(Buffer.from(part, 'base64url'));
  const object = text === undefined ? undefined : parseJsonObject(text, anyDepth);
  return isJsonObject(object) ? object : undefined;
}

/**
 * The header of a text in the shape of a compact JWE: five parts, the first a JSON object with strings `alg` and `enc`.
 *
 * @see RFC 7516 §7.1
 */
export function parseUnverifiedJweHeader(token: string): JsonObject | undefined {
  const parts = token.split('.', 6);
  const [first = '', encryptedKey = '', ...rest] = parts;
  if (
    parts.length !== 5 ||
    !isBase64Url(first) ||
    !(encryptedKey === '' || isBase64Url(encryptedKey)) ||
    !rest.every(isBase64Url)
  )
    return undefined;
  const header = decodeObject(first);
  return header !== undefined && typeof member(header, 'alg') === 'string' && typeof member(header, 'enc') === 'string'
    ? header
    : undefined;
}
