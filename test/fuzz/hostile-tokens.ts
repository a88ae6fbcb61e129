import { randomBytes } from 'node:crypto';
import type { Random } from '../differential/random.js';
import { encodePart } from '../support/tokens.js';
import { claimsOf, encryptJwt, header, MAX_TOKEN_LENGTH, signJwt, type FuzzToken, type TokenKeys } from './tokens.js';

type Make = (random: Random, keys: TokenKeys) => string;

const TOKEN_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/';
const text = (random: Random, length: number, alphabet = TOKEN_CHARACTERS): string =>
  Array.from({ length }, () => alphabet[random.integer(alphabet.length)]).join('');
/** Lengths that are little, and around the limits. */
const length = (random: Random): number =>
  random.pick([1, 2, 3, 20, 40, 200, 1000, 4096, MAX_TOKEN_LENGTH - 1, MAX_TOKEN_LENGTH, MAX_TOKEN_LENGTH + 1, 12_000]);

/** Members that break naive readers of JSON; each is put into an object that is good otherwise. */
const MEMBERS: readonly ((random: Random) => string)[] = [
  () => '"__proto__":{"alg":"none","iss":"x","active":true}',
  () => '"constructor":{"prototype":{"scopes":["admin"]}}',
  () => '"toString":"x","hasOwnProperty":1,"valueOf":null,"toJSON":1,"then":1',
  (random) => `"x":${'['.repeat(random.pick([10, 100, 2500]))}`,
  (random) => nested('[', ']', random.pick([10, 100, 1500])),
  (random) => nested('{"a":', '}', random.pick([10, 100, 700])),
  () => `"exp":1e999`,
  () => `"exp":-1e400,"iat":1e308,"nbf":-0`,
  (random) => `"n":${text(random, 3000, '0123456789')}`,
  (random) => `"n":0.${text(random, 3000, '0123456789')}e-${random.integer(99_999)}`,
  () => '"alg":"ES256","alg":"none"',
  () => '"\\u0061lg":"none","i\\u0073s":"x"',
  () => '"s":"\\ud800\\udfff\\uffff\\u0000"',
  (random) => `"${text(random, 3000, 'a\\"')}":1`.replaceAll('\\', '\\\\').replaceAll('"a', '"a'),
  (random) => Array.from({ length: 400 }, () => `"${text(random, 3, 'abc')}":${random.integer(9)}`).join(),
  () => '"scope":{"length":1e9},"aud":{"0":"x","length":1},"scp":[[[["read"]]]]',
  () => '"crit":["crit","b64"],"b64":false',
  () => '"jku":"http://127.0.0.1:1/","x5u":"http://127.0.0.1:1/","jwk":{"kty":"oct","k":"AA"}',
  () => '"kid":["ec"],"typ":{"at+jwt":1},"alg":["ES256"]',
  () => '"zip":"DEF","enc":"A256GCM","p2c":2147483647',
];

function nested(open: string, close: string, depth: number): string {
  return `"x":${open.repeat(depth)}1${close.repeat(depth)}`;
}

/** Bytes that are no JSON object. */
const NO_OBJECTS: readonly (string | Buffer)[] = [
  '',
  ' ',
  'null',
  'true',
  '[]',
  '"x"',
  '1',
  '{',
  '{}}',
  '{"a"}',
  '{a:1}',
  "{'a':1}",
  '\uFEFF{}',
  '{}\0',
  '{"a":1,}',
  Buffer.from([0xff, 0xfe, 0x7b]),
  Buffer.alloc(2000),
  '{"a":"\u0001"}',
  '// x\n{}',
];

/** Valid JSON of a good object with something hostile before or behind its members. */
function extended(good: object, random: Random): string {
  const json = JSON.stringify(good);
  const member = random.pick(MEMBERS)(random);
  return random.integer(2) === 0 ? `{${member},${json.slice(1)}` : `${json.slice(0, -1)},${member}}`;
}

const anyPart = (good: object, random: Random): string =>
  encodePart(
    random.pick([
      () => random.pick(NO_OBJECTS),
      () => extended(good, random),
      () => JSON.stringify(good),
      () => randomBytes(random.integer(300)),
    ])(),
  );

const SHAPES: Record<string, Make> = {
  characters: (random) => text(random, length(random)),
  dots: (random) => '.'.repeat(length(random)),
  'empty objects': (random) => 'e30.'.repeat(Math.ceil(length(random) / 4)),
  'any number of parts': (random) => Array.from({ length: random.integer(12) }, () => text(random, random.integer(40))).join('.'),
  padding: (random) => `${text(random, 10)}${'='.repeat(random.integer(2000))}`,
  'padding inside': (random) => `${text(random, 10)}=${text(random, 10)}`,
  'a JWT of any parts': (random, keys) =>
    [
      anyPart(header(), random),
      anyPart(claimsOf(keys, 'x'), random),
      random.pick(['', text(random, 86), text(random, length(random))]),
    ].join('.'),
  'a JWT of another algorithm': (random, keys) =>
    [
      encodePart(
        header({ alg: random.pick(['none', 'None', 'nOnE', 'HS256', 'RS256', 'PS512', 'ES256K', 'EdDSA', '', 'x'.repeat(500)]) }),
      ),
      encodePart(claimsOf(keys, 'x')),
      text(random, 86),
    ].join('.'),
  'a JWT of an unknown key': (random, keys) =>
    signJwt(
      keys,
      claimsOf(keys, 'x'),
      header({
        ...random.pick<Record<string, unknown>>([
          { kid: undefined },
          { kid: '' },
          { kid: 'unknown' },
          { kid: text(random, 2000) },
          { kid: '../../ec' },
          { kid: "ec' OR 1=1" },
        ]),
      }),
      keys.imposter,
    ),
  'a JWT with base64 of another kind': (random, keys) => {
    const token = signJwt(keys, claimsOf(keys, 'x', { aud: 'https://other.example' }));
    return random.pick([
      token.replaceAll('-', '+').replaceAll('_', '/'),
      token.replaceAll('.', '=.'),
      `${token}=`,
      `${token}.`,
      `.${token}`,
      token.slice(0, -1),
    ]);
  },
  'a JWE of any parts': (random) =>
    [
      encodePart({
        alg: random.pick(['RSA-OAEP-256', 'RSA1_5', 'dir', 'ECDH-ES', 'PBES2-HS512+A256KW', 'A256GCMKW', 'none']),
        enc: random.pick(['A256GCM', 'A128CBC-HS256', 'none', '']),
        kid: random.pick(['enc', 'x']),
        p2c: 1e9,
        p2s: 'AA',
        epk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' },
      }),
      ...Array.from({ length: 4 }, () => encodePart(randomBytes(random.pick([0, 1, 12, 16, 256])))),
    ].join('.'),
  'a JWE for us of no JWT': (random, keys) =>
    encryptJwt(
      keys,
      random.pick(['', '{}', 'e30.e30.e30', 'x'.repeat(3000), `${'e30.'.repeat(700)}`]),
      random.pick([{}, { zip: 'DEF' }, { crit: ['x'] }, { cty: 'x' }, { alg: 'RSA-OAEP' }]),
    ),
  'a JWE for us of a bad JWT': (_random, keys) => encryptJwt(keys, signJwt(keys, claimsOf(keys, 'x'), header(), keys.imposter)),
};

const shapes = Object.keys(SHAPES);

/** A token that was never good. */
export function hostileToken(random: Random, keys: TokenKeys): FuzzToken {
  // Signed by the right key, it gets past the signature: what is hostile about it is looked at more closely.
  if (random.integer(8) === 0) {
    const isHeader = random.integer(3) === 0;
    const claims = isHeader ? JSON.stringify(claimsOf(keys, 'signed')) : extended(claimsOf(keys, 'signed'), random);
    const signed = signJwt(keys, claims, isHeader ? extended(header(), random) : header());
    return { text: signed, worth: 'either', subject: 'signed', kind: 'a hostile JWT of the right key' };
  }
  const kind = random.pick(shapes);
  return { text: (SHAPES[kind] as Make)(random, keys), worth: 'invalid', subject: '', kind };
}
