import { describe, expect, it } from 'vitest';
import { exportJWK, generateKeyPair } from 'jose';
import { Deadline } from '../../../../libs/introspection/src/pipeline/deadline.js';
import { Decrypter } from '../../../../libs/introspection/src/pipeline/verification/decryption.js';
import { type KeySet, StaticKeySet } from '../../../../libs/introspection/src/pipeline/verification/key-set.js';
import {
  openSignedResponse,
  type SignedResponseParts,
} from '../../../../libs/introspection/src/pipeline/verification/signed-response.js';
import { IntrospectionResponseError } from '../../../../libs/introspection/src/protocol/authorization-server-errors.js';
import { settableClock } from '../../../support/clock.js';
import { ISSUER, NOW_SECONDS } from '../../../support/issuer-options.js';
import { ecKey, signer } from '../../../support/keys.js';
import { encrypted } from '../../../support/signed-answers.js';
import { compact, type Part } from '../../../support/tokens.js';

type Members = Record<string, unknown>;

const key = ecKey();
const stranger = ecKey('P-256', key.kid);
const INNER = { active: true, sub: 'u1' };
const OUTER = { iss: ISSUER, aud: 'rs1', iat: NOW_SECONDS, token_introspection: INNER };
const PARTS: SignedResponseParts = {
  issuer: ISSUER,
  expected: { type: 'jwt', algorithms: ['ES256'], audience: ['rs1'] },
  keys: new StaticKeySet({ keys: [key.jwk] }),
  decrypter: undefined,
  clock: settableClock(NOW_SECONDS * 1000),
};

function sign(header: Members = {}, claims: Members | readonly unknown[] | string = {}, by = key): string {
  const full = { alg: 'ES256', typ: 'token-introspection+jwt', kid: key.kid, ...header };
  const payload =
    typeof claims === 'string' ? claims : Array.isArray(claims) ? (claims as Part) : { ...OUTER, ...(claims as Members) };
  return compact(full, payload, signer('ES256', by.privateKey));
}

const open = (text: string, parts: Partial<SignedResponseParts> = {}) =>
  openSignedResponse(text, { ...PARTS, ...parts }, new Deadline(1000));

async function isRefused(text: string, parts?: Partial<SignedResponseParts>): Promise<boolean> {
  const error: unknown = await open(text, parts).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return false;
  expect(error).toBeInstanceOf(IntrospectionResponseError);
  expect((error as IntrospectionResponseError).detail).toMatch(/not accepted: \S/);
  return true;
}

describe('openSignedResponse', () => {
  it('JINTRO-11 hands over the object in token_introspection and nothing else', async () => {
    expect(await open(sign({}, { active: true, scope: 'admin', exp: 1, sub: 'other' }))).toEqual(INNER);
    expect(await open(sign({ kid: undefined }))).toEqual(INNER);
  });

  it('JINTRO-05 accepts the type in every spelling of a media type', async () => {
    for (const typ of ['Token-Introspection+JWT', 'application/token-introspection+jwt'])
      expect(await open(sign({ typ }))).toEqual(INNER);
  });

  it.each<[row: string, what: string, header: Members]>([
    ['JINTRO-05', 'no type', { typ: undefined }],
    ['JINTRO-05', 'the type of an access token', { typ: 'at+jwt' }],
    ['JINTRO-05', 'a type that is no text', { typ: ['token-introspection+jwt'] }],
    ['JINTRO-06', 'an algorithm that is not accepted', { alg: 'RS256' }],
    ['JINTRO-06', 'an algorithm in another case', { alg: 'es256' }],
    ['JINTRO-06', 'no algorithm', { alg: 'none' }],
    ['JWT-08', 'an extension', { crit: ['x'], x: 1 }],
    ['JWK-15', 'a kid that is no text', { kid: 5 }],
    ['JWK-12', 'a kid that is not known', { kid: 'other' }],
  ])('%s refuses %s', async (_row, _what, header) => {
    expect(await isRefused(sign(header))).toBe(true);
  });

  it('JINTRO-06 refuses an algorithm that is not accepted, though there is a key for it', async () => {
    expect(await isRefused(sign(), { expected: { ...PARTS.expected, algorithms: ['RS256'] } })).toBe(true);
  });

  it('JINTRO-06 refuses none even where somebody listed it', async () => {
    const expected = { ...PARTS.expected, algorithms: ['none', 'ES256'] };
    expect(await isRefused(compact({ alg: 'none', typ: 'token-introspection+jwt' }, OUTER, ''), { expected })).toBe(true);
  });

  it.each(['', 'a.b', '{"active":true}', 'a.b.c.d', sign().slice(0, -4)])('JINTRO-06 refuses the text %j', async (text) => {
    expect(await isRefused(text)).toBe(true);
  });

  it('JINTRO-06 refuses another signature, or none', async () => {
    expect(await isRefused(sign({}, {}, stranger))).toBe(true);
    const [header, payload] = sign().split('.');
    expect(await isRefused(`${header}.${payload}.`)).toBe(true);
    expect(await isRefused(`${header}.${Buffer.from(JSON.stringify(OUTER)).toString('base64url')}.${'A'.repeat(86)}`)).toBe(true);
  });

  it('refuses a text that is not canonical, though its signature is good', async () => {
    const payload = Buffer.from(JSON.stringify(OUTER));
    const padded = Buffer.concat([payload, Buffer.alloc((4 - (payload.length % 3)) % 3, ' ')]);
    const text = sign({}, padded.toString());
    const [header, part = ''] = text.split('.');
    const at = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const other = `${part.slice(0, -1)}${at[at.indexOf(part.at(-1) ?? '') + 1]}`;
    const input = `${header}.${other}`;
    expect(Buffer.from(other, 'base64url').equals(Buffer.from(part, 'base64url'))).toBe(true);
    expect(await isRefused(`${input}.${signer('ES256', key.privateKey)(Buffer.from(input)).toString('base64url')}`)).toBe(true);
  });

  it.each<[row: string, claims: Members | readonly unknown[] | string]>([
    ['JINTRO-07', { iss: `${ISSUER}/` }],
    ['JINTRO-07', { iss: undefined }],
    ['JINTRO-08', { aud: 'rs2' }],
    ['JINTRO-08', { aud: undefined }],
    ['JINTRO-08', { aud: [] }],
    ['JINTRO-08', { aud: ['rs1', 5] }],
    ['JINTRO-09', { iat: undefined }],
    ['JINTRO-09', { iat: String(NOW_SECONDS) }],
    ['JINTRO-09', { iat: [NOW_SECONDS] }],
    ['JINTRO-10', { iat: NOW_SECONDS - 301 }],
    ['JINTRO-10', { iat: NOW_SECONDS + 61 }],
    ['JINTRO-11', { token_introspection: undefined }],
    ['JINTRO-11', { token_introspection: 'x' }],
    ['JINTRO-11', { token_introspection: [INNER] }],
    ['JWT-03', []],
    ['JWT-03', 'no JSON'],
  ])('%s refuses the claims %j', async (_row, claims) => {
    expect(await isRefused(sign({}, claims))).toBe(true);
  });

  it.each([{ aud: ['other', 'rs1'] }, { iat: NOW_SECONDS - 300 }, { iat: NOW_SECONDS + 60 }, { iat: NOW_SECONDS - 0.5 }])(
    'JINTRO-08 JINTRO-10 accepts %j',
    async (claims) => {
      expect(await open(sign({}, claims))).toEqual(INNER);
    },
  );

  it('JINTRO-10 refuses every age where the clock tells no time', async () => {
    expect(await isRefused(sign(), { clock: { now: () => Number.NaN } })).toBe(true);
  });

  it('tells the operator apart what is wrong', async () => {
    const texts = [
      sign({ typ: 'JWT' }),
      sign({ alg: 'RS256' }),
      sign({}, { iss: 'x' }),
      sign({}, { aud: 'x' }),
      sign({}, { iat: 0 }),
    ];
    const details = await Promise.all(texts.map((text) => open(text).catch((error: { detail: string }) => error.detail)));
    expect(new Set(details).size).toBe(texts.length);
  });
});

describe('openSignedResponse with the keys', () => {
  /** Real keys, with a note of the signatures that were called bad. */
  function noting(keys: KeySet): KeySet & { bad: number } {
    return {
      bad: 0,
      current: keys.current,
      isFailing: keys.isFailing,
      loadedAtMs: keys.loadedAtMs,
      find: (algorithm, kid, deadline) => keys.find(algorithm, kid, deadline),
      noteBadSignature() {
        this.bad += 1;
      },
    };
  }

  it('says that a signature under a known key was bad, and says nothing where the key is unknown', async () => {
    const keys = noting(PARTS.keys);
    await open(sign(), { keys });
    expect(await isRefused(sign({ kid: 'other' }), { keys })).toBe(true);
    expect(keys.bad).toBe(0);
    expect(await isRefused(sign({}, {}, stranger), { keys })).toBe(true);
    expect(keys.bad).toBe(1);
  });

  it('JINTRO-13 JINTRO-14 opens what is encrypted to us, and refuses what is not', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ECDH-ES', { extractable: true });
    const decrypter = new Decrypter([await exportJWK(privateKey)]);
    expect(await open(await encrypted(sign(), publicKey), { decrypter })).toEqual(INNER);
    expect(await isRefused(sign(), { decrypter })).toBe(true);
    expect(await isRefused(await encrypted(JSON.stringify(INNER), publicKey), { decrypter })).toBe(true);
    expect(await isRefused(await encrypted(sign(), publicKey))).toBe(true);
  });
});
