import { createCipheriv, publicEncrypt, randomBytes } from 'node:crypto';
import type { Random } from '../differential/random.js';
import { AUDIENCE } from '../support/authorization-server.js';
import { ecKey, rsaKey, signer, type TestKey } from '../support/keys.js';
import { compact, encodePart, flipBit, type Part } from '../support/tokens.js';

export const MAX_TOKEN_LENGTH = 8192;

/** `either`: a rule that is nobody's business here decides. */
export type Worth = 'valid' | 'invalid' | 'either';

export interface FuzzToken {
  readonly text: string;
  readonly worth: Worth;
  /** Who is let in by it, where somebody is. */
  readonly subject: string;
  readonly kind: string;
}

export interface TokenKeys {
  readonly issuer: string;
  readonly ec: TestKey;
  readonly rsa: TestKey;
  /** Has the name of `ec`. */
  readonly imposter: TestKey;
  readonly encryption: TestKey;
}

export async function createKeys(issuer: string): Promise<TokenKeys> {
  const [rsa, encryption] = [await rsaKey(2048, 'rsa'), await rsaKey(2048, 'enc')];
  return { issuer, ec: ecKey('P-256', 'ec'), imposter: ecKey('P-256', 'ec'), rsa, encryption };
}

const now = Math.floor(Date.now() / 1000);

export function claimsOf(
  { issuer }: TokenKeys,
  subject: string,
  overrides: Record<string, unknown> = {},
): Record<string, unknown> {
  const times = { iat: now, exp: now + 86_400 };
  return {
    iss: issuer,
    aud: AUDIENCE,
    sub: subject,
    client_id: 'c1',
    jti: `j-${subject}`,
    scope: 'read',
    ...times,
    ...overrides,
  };
}

export const header = (overrides: Record<string, unknown> = {}): Record<string, unknown> => ({
  alg: 'ES256',
  typ: 'at+jwt',
  kid: 'ec',
  ...overrides,
});

export function signJwt(keys: TokenKeys, claims: Part, head: Part = header(), key = keys.ec): string {
  return compact(head, claims, signer('ES256', key.privateKey));
}

export function encryptJwt({ encryption }: TokenKeys, text: string, fields: object = {}): string {
  const head = encodePart({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'enc', cty: 'JWT', ...fields });
  const [cek, iv] = [randomBytes(32), randomBytes(12)];
  const cipher = createCipheriv('aes-256-gcm', cek, iv).setAAD(Buffer.from(head));
  const closed = Buffer.concat([cipher.update(text), cipher.final()]);
  const wrapped = publicEncrypt({ key: encryption.publicKey, padding: 4, oaepHash: 'sha256' }, cek);
  return [head, ...[wrapped, iv, closed, cipher.getAuthTag()].map((part) => encodePart(part))].join('.');
}

export interface KnownTokens {
  /** Good everywhere. */
  readonly good: readonly FuzzToken[];
  /** Like good ones, and none. */
  readonly bad: readonly FuzzToken[];
  /** The opaque ones, with whom they let in. */
  readonly active: ReadonlyMap<string, string>;
}

export function createKnownTokens(keys: TokenKeys, random: Random): KnownTokens {
  const good: FuzzToken[] = [];
  const active = new Map<string, string>();
  const opaque = (text: string): void => {
    const subject = `opaque-${active.size}`;
    active.set(text, subject);
    good.push({ text, worth: 'valid', subject, kind: 'good opaque' });
  };
  for (const text of ['a-good-token-of-letters', 'aB0-._~+/==', 'x.y.z', 'eyJh.eyJh', 'e30.e30.e30.e30.e30', 'tok~='])
    opaque(`${text}`);
  opaque('g'.repeat(MAX_TOKEN_LENGTH));
  const jwt = (subject: string): string => signJwt(keys, claimsOf(keys, subject));
  const rsa = compact(header({ alg: 'RS256', kid: 'rsa' }), claimsOf(keys, 'jwt-rsa'), signer('RS256', keys.rsa.privateKey));
  // Good here, and by the authorization server's word.
  for (const [subject, text] of [
    ...['jwt-0', 'jwt-1', 'jwt-2'].map((each) => [each, jwt(each)] as const),
    ['jwt-rsa', rsa] as const,
  ]) {
    good.push({ text, worth: 'valid', subject, kind: 'good JWT' });
    active.set(text, subject);
  }

  const flaws: Record<string, string> = {
    expired: signJwt(keys, claimsOf(keys, 'x', { exp: now - 600 })),
    'not yet': signJwt(keys, claimsOf(keys, 'x', { nbf: now + 600 })),
    'foreign audience': signJwt(keys, claimsOf(keys, 'x', { aud: 'https://other.example' })),
    'foreign issuer': signJwt(keys, claimsOf(keys, 'x', { iss: `${keys.issuer}/` })),
    'other key': signJwt(keys, claimsOf(keys, 'x'), header(), keys.imposter),
    'wrong type': signJwt(keys, claimsOf(keys, 'x'), header({ typ: 'logout+jwt' })),
    'critical extension': signJwt(keys, claimsOf(keys, 'x'), header({ crit: ['exp'] })),
    'string exp': signJwt(keys, claimsOf(keys, 'x', { exp: String(now + 600) })),
    'no exp': signJwt(keys, claimsOf(keys, 'x', { exp: undefined })),
    none: compact(header({ alg: 'none' }), claimsOf(keys, 'x'), ''),
    'issuer in a list': signJwt(keys, claimsOf(keys, 'x', { iss: [keys.issuer] })),
    'opaque, cut': 'a-good-token-of-lette',
    'opaque, longer': 'a-good-token-of-lettersx',
    'opaque, other case': 'A-good-token-of-letters',
    'opaque, padded': 'a-good-token-of-letters=',
    'too long': 'g'.repeat(MAX_TOKEN_LENGTH + 1),
  };
  const bad = Object.entries(flaws).map(([kind, text]): FuzzToken => ({ text, worth: 'invalid', subject: '', kind }));
  for (let index = 0; index < 40; index += 1) {
    const text = flipBit(jwt(`flipped-${index}`), random.pick([0, 1, 2] as const), random.integer(5000));
    bad.push({ text, worth: 'invalid', subject: '', kind: 'a flipped bit' });
  }
  return { good, bad, active };
}
