import type { FuzzToken } from './tokens.js';

/** `open`: tokens are taken from the query and the body, too. */
export type Profile = 'default' | 'open';
export type Line = readonly [name: string, value: string];

/** A request in the making. Texts stand for their bytes (latin1). */
export interface Draft {
  method: string;
  target: string;
  version: string;
  lines: Line[];
  body: string | undefined;
  /** Whether it is one whole request for every reader. */
  isPlain: boolean;
  /** Whether the rules of the `Authorization` field alone decide about it. */
  isOrdinary: boolean;
}

export interface Verdict {
  readonly allowed: ReadonlySet<string>;
  readonly isGood: boolean;
}

const NOBODY: ReadonlySet<string> = new Set();

/**
 * Who may be let in by a request, by the letter of RFC 6750 and RFC 9110: written anew here, as the library's own reading
 * is what is tested. Where bytes may be read in more than one way, whoever has a good token in them may be let in.
 */
export function allowedBy(draft: Draft, bytes: Buffer, profile: Profile, tokens: readonly FuzzToken[]): Verdict {
  if (!draft.isPlain) {
    const text = bytes.toString('latin1');
    const isIn = (token: FuzzToken): boolean => text.includes(token.text) || text.includes(encodeURIComponent(token.text));
    return { allowed: subjectsOf(tokens.filter(isIn)), isGood: false };
  }
  const fields = draft.lines.filter(([name]) => name.toLowerCase() === 'authorization').map(([, value]) => value);
  if (fields.length > 1) return { allowed: NOBODY, isGood: false };
  const value = (fields[0] ?? '').replace(/^[ \t]+|[ \t]+$/g, '');
  const presented = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(value)?.[1];
  if (presented !== undefined) {
    if (profile === 'open' && hasTokenElsewhere(draft)) return { allowed: NOBODY, isGood: false };
    const known = tokens.find(({ text }) => text === presented);
    return { allowed: subjectsOf(known === undefined ? [] : [known]), isGood: draft.isOrdinary && known?.worth === 'valid' };
  }
  // Nothing at all, or another scheme: there, other places may count.
  const isFree = value === '' || (/^[!#$%&'*+\-.^_`|~\w]+([ \t]|$)/.test(value) && !/^bearer(\s|$)/i.test(value));
  if (profile === 'default' || !isFree) return { allowed: NOBODY, isGood: false };
  const elsewhere = `${draft.target} ${draft.body ?? ''}`;
  const isThere = ({ text }: FuzzToken): boolean => elsewhere.includes(text) || elsewhere.includes(encodeURIComponent(text));
  return { allowed: subjectsOf(tokens.filter(isThere)), isGood: false };
}

/** Whether another place, where it counts, holds a token beyond doubt. */
function hasTokenElsewhere({ method, target, lines, body }: Draft): boolean {
  const types = lines.filter(([name]) => name === 'Content-Type').map(([, value]) => value);
  const isForm = types.length === 1 && types[0] === 'application/x-www-form-urlencoded';
  const isEncoded = lines.some(([name]) => name === 'Content-Encoding');
  if (method === 'GET' || method === 'HEAD') return /^\/r\?(.*&)?access_token=[\w.~-]+(&.*)?$/.test(target);
  return isForm && !isEncoded && /^(.*&)?access_token=[\w.~-]+(&.*)?$/.test(body ?? '');
}

function subjectsOf(tokens: readonly FuzzToken[]): ReadonlySet<string> {
  return new Set(tokens.filter(({ worth }) => worth !== 'invalid').map(({ subject }) => subject));
}
