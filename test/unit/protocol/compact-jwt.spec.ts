import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hasCriticalExtensions,
  isNested,
  isNone,
  normalizeMediaType,
  parseUnverifiedJweHeader,
  parseUnverifiedJwt,
} from '../../../libs/introspection/src/protocol/compact-jwt.js';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const json = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
const signature = fc.uint8Array({ maxLength: 70 }).map((bytes) => Buffer.from(bytes).toString('base64url'));

describe('parseUnverifiedJwt', () => {
  it('reads back what was written', () => {
    fc.assert(
      fc.property(json, fc.string(), json, signature, (rest, alg, claims, third) => {
        const jwt = parseUnverifiedJwt(`${encode({ ...rest, alg })}.${encode(claims)}.${third}`);
        expect(jwt).toEqual({
          unverifiedHeader: JSON.parse(JSON.stringify({ ...rest, alg })) as unknown,
          unverifiedAlgorithm: alg,
          unverifiedClaims: JSON.parse(JSON.stringify(claims)) as unknown,
          isCanonical: true,
          isUnsigned: third === '',
        });
      }),
    );
  });

  it('never throws, and never takes anything else for a JWT', () => {
    const part = fc.oneof(fc.string({ maxLength: 10 }), json.map(encode), fc.jsonValue().map(encode), signature, fc.constant(''));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const jwt = parseUnverifiedJwt(parts.join('.'));
        if (jwt === undefined) return;
        expect(parts.join('.').split('.')).toHaveLength(3);
        expect(typeof jwt.unverifiedAlgorithm).toBe('string');
        expect(jwt.unverifiedHeader['alg']).toBe(jwt.unverifiedAlgorithm);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['an alg that is no string', { alg: { toString: 1 } }],
    ['no alg', { typ: 'at+jwt' }],
    ['an inherited alg', JSON.parse('{"__proto__":{"alg":"ES256"}}') as unknown],
    ['a list', ['ES256']],
    ['null', null],
  ])('takes a header with %s for no JWT', (_what, header) => {
    expect(parseUnverifiedJwt(`${encode(header)}.${encode({})}.AAAA`)).toBeUndefined();
  });

  it('JWT-01 JWT-02 takes a text with any other character for no JWT', () => {
    const parts = [encode({ alg: 'ES256' }), encode({ a: 1 }), 'AAAA'];
    expect(parseUnverifiedJwt(parts.join('.'))).toBeDefined();
    for (const character of ['=', '+', '/', ' ', '\n', 'é'])
      for (const at of [0, 1, 2]) {
        const changed = parts.map((part, index) => (index === at ? `${part}${character}` : part));
        expect(parseUnverifiedJwt(changed.join('.')), changed.join('.')).toBeUndefined();
      }
    for (const text of ['', '.', '..', parts[0] ?? '', parts.slice(0, 2).join('.'), `${parts.join('.')}.`, `.${parts.join('.')}`])
      expect(parseUnverifiedJwt(text), text).toBeUndefined();
    expect(parseUnverifiedJwt(`${parts[0]}..AAAA`)).toBeUndefined();
  });

  it('sees a header that is too deep, and reads no claims that are', () => {
    const deep = Buffer.from(`{"alg":"ES256","x":${'['.repeat(70)}${']'.repeat(70)}}`).toString('base64url');
    expect(parseUnverifiedJwt(`${deep}.${encode({})}.AAAA`)).toMatchObject({ isCanonical: false });
    expect(parseUnverifiedJwt(`${encode({ alg: 'ES256' })}.${deep}.AAAA`)).toMatchObject({ unverifiedClaims: undefined });
  });

  it('sees that a text stands for the bytes of another', () => {
    const header = encode({ alg: 'ES256' });
    expect(parseUnverifiedJwt(`${header}.${encode({ a: 1 })}.AAA`)?.isCanonical).toBe(true);
    // The last character of a part of 2 or 3 characters carries bits that decode to nothing.
    expect(parseUnverifiedJwt(`${header}.${encode({ a: 1 })}.AAB`)?.isCanonical).toBe(false);
  });

  it('JWT-02 calls a part canonical exactly when it is how its bytes are written', () => {
    const header = encode({ alg: 'ES256' });
    const isWritten = (part: string): boolean => Buffer.from(part, 'base64url').toString('base64url') === part;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (const start of ['', 'A', 'AA', 'AAA', 'AAAA'])
      for (const last of alphabet) {
        const part = start + last;
        expect(parseUnverifiedJwt(`${header}.e30.${part}`)?.isCanonical, part).toBe(isWritten(part));
      }
  });

  it('gives no claims for a payload that is no JSON object', () => {
    for (const payload of [encode([]), encode('x'), encode(null), 'AAAA', Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')])
      expect(parseUnverifiedJwt(`${encode({ alg: 'ES256' })}.${payload}.AAAA`)).toMatchObject({ unverifiedClaims: undefined });
  });

  it('T82 turns away a megabyte of dots before it decodes anything', () => {
    const started = performance.now();
    for (let round = 0; round < 100; round += 1) expect(parseUnverifiedJwt('.'.repeat(1_000_000))).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe('parseUnverifiedJweHeader', () => {
  const header = { alg: 'ECDH-ES', enc: 'A128GCM', kid: 'k1' };
  const first = encode(header);

  it('AT-14 reads the header of five parts, of which the second may be empty', () => {
    expect(parseUnverifiedJweHeader(`${first}.AAAA.BBBB.CCCC.DDDD`)).toEqual(header);
    expect(parseUnverifiedJweHeader(`${first}..BBBB.CCCC.DDDD`)).toEqual(header);
  });

  it.each([
    `${first}.AAAA.BBBB.CCCC`,
    `${first}.AAAA.BBBB.CCCC.DDDD.EEEE`,
    `${first}.AAAA..CCCC.DDDD`,
    `${first}.AAAA.BBBB..DDDD`,
    `${first}.AAAA.BBBB.CCCC.`,
    `${first}.A=.BBBB.CCCC.DDDD`,
    `${first}.AAAA.B+.CCCC.DDDD`,
    `${first}=.AAAA.BBBB.CCCC.DDDD`,
    '.AAAA.BBBB.CCCC.DDDD',
    'AAAA.AAAA.BBBB.CCCC.DDDD',
    '....',
    '',
  ])('takes %s for no JWE', (text) => {
    expect(parseUnverifiedJweHeader(text)).toBeUndefined();
  });

  it.each([{ alg: 'dir' }, { enc: 'A128GCM' }, { alg: 5, enc: 'A128GCM' }, { alg: 'dir', enc: 5 }, {}, [], null])(
    'takes the header %j for that of no JWE',
    (other) => {
      expect(parseUnverifiedJweHeader(`${encode(other)}.AAAA.BBBB.CCCC.DDDD`)).toBeUndefined();
    },
  );
});

describe('what a header says', () => {
  it('T70 knows none in any spelling', () => {
    fc.assert(
      fc.property(fc.mixedCase(fc.constant('none')), (alg) => {
        expect(isNone(alg)).toBe(true);
      }),
    );
    expect(isNone('none ')).toBe(false);
  });

  it.each([{ crit: ['x'] }, { crit: [] }, { crit: 'exp' }, { crit: null }, { b64: false }, { b64: true }])(
    'T85 sees %j',
    (header) => {
      expect(hasCriticalExtensions(header)).toBe(true);
    },
  );

  it.each(['JWT', 'jwt', 'application/jwt', 'Application/JWT', { toString: 1 }, 5])('takes cty %j for a nested JWT', (cty) => {
    expect(isNested({ cty })).toBe(true);
  });

  it('JWT-21 sees no nested JWT elsewhere', () => {
    for (const header of [{}, { cty: 'json' }, { cty: 'example/jwt' }, { cty: '' }]) expect(isNested(header)).toBe(false);
    expect(hasCriticalExtensions({ kid: 'k1' })).toBe(false);
  });

  it('compares media types without regard to case and to application/', () => {
    fc.assert(
      fc.property(fc.mixedCase(fc.constant('application/at+jwt')), (type) => {
        expect(normalizeMediaType(type)).toBe('application/at+jwt');
        expect(normalizeMediaType(type.slice('application/'.length))).toBe('application/at+jwt');
      }),
    );
    expect(normalizeMediaType('example/at+jwt')).not.toBe(normalizeMediaType('at+jwt'));
  });
});
