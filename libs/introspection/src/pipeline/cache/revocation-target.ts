import type { MarkName } from './token-identity.js';

/** What is revoked. Times are epoch seconds. */
export type RevocationTarget =
  | { readonly token: string }
  | { readonly issuer: string; readonly jti: string }
  | { readonly issuer: string; readonly subject: string; readonly beforeSeconds?: number }
  | { readonly issuer: string; readonly sessionId: string }
  | { readonly issuer: string; readonly clientId: string }
  | { readonly issuer: string; readonly beforeSeconds: number };

/** A target as it is marked. */
export interface ParsedRevocationTarget {
  readonly name: MarkName;
  readonly kind: 'token' | 'jti' | 'subject' | 'session' | 'client' | 'issuer';
  readonly issuer: string | undefined;
  /** `undefined`: now. */
  readonly beforeSeconds: number | undefined;
}

const FORMS: Readonly<Record<string, readonly [kind: ParsedRevocationTarget['kind'], mark: MarkName[0]]>> = {
  token: ['token', 'token'],
  'issuer,jti': ['jti', 'jti'],
  'issuer,subject': ['subject', 'sub'],
  'beforeSeconds,issuer,subject': ['subject', 'sub'],
  'issuer,sessionId': ['session', 'sid'],
  'clientId,issuer': ['client', 'client_id'],
  'beforeSeconds,issuer': ['issuer', 'iss'],
};

/**
 * Reads what is to be revoked: exactly one of the forms.
 *
 * @throws {TypeError} for anything else; the text names the forms and repeats nothing of what was given
 */
export function parseRevocationTarget(target: unknown): ParsedRevocationTarget {
  const given = typeof target === 'object' && target !== null ? Object.entries(target) : [];
  const members = new Map(given.filter(([, value]) => value !== undefined));
  const form = FORMS[[...members.keys()].toSorted().join()];
  const beforeSeconds = members.get('beforeSeconds') as unknown;
  members.delete('beforeSeconds');
  const texts = [...members.values()] as unknown[];
  const isTime = beforeSeconds === undefined || (Number.isFinite(beforeSeconds) && (beforeSeconds as number) >= 0);
  if (form === undefined || !isTime || !texts.every((text) => typeof text === 'string' && text !== '')) {
    throw new TypeError(
      'revoke needs exactly one of { token }, { issuer, jti }, { issuer, subject, beforeSeconds? }, { issuer, sessionId }, ' +
        '{ issuer, clientId }, { issuer, beforeSeconds }',
    );
  }
  const [kind, mark] = form;
  const issuer = members.get('issuer') as string | undefined;
  members.delete('issuer');
  const about = [...(issuer === undefined ? [] : [issuer]), ...(members.values() as Iterable<string>)];
  return { name: [mark, ...about], kind, issuer, beforeSeconds: beforeSeconds as number | undefined };
}
