import { createPublicKey } from 'node:crypto';
import { AUDIENCE } from '../support/authorization-server.js';
import { derSigner, signer } from '../support/keys.js';
import { ISSUER, mac, NOW_SECONDS as now, type Draft, type Keys } from './draft.js';
import type { Random } from './random.js';

/** Changes a draft; its name is what differences are counted by. */
export type Mutation = (draft: Draft, random: Random, keys: Keys) => void;

const header =
  (name: string, ...values: unknown[]): Mutation =>
  (draft, random) =>
    void (draft.header[name] = random.pick(values.map((value) => [value]))[0]);
const claim =
  (name: string, ...values: unknown[]): Mutation =>
  (draft, random) =>
    void (draft.claims[name] = random.pick(values.map((value) => [value]))[0]);
const withoutHeader =
  (name: string): Mutation =>
  (draft) =>
    void delete draft.header[name];
const withoutClaim =
  (name: string): Mutation =>
  (draft) =>
    void delete draft.claims[name];
const claimsText =
  (...changes: ((json: string) => string | Buffer)[]): Mutation =>
  (draft, random) =>
    void draft.claimsText.push(random.pick(changes));
const headerText =
  (...changes: ((json: string) => string | Buffer)[]): Mutation =>
  (draft, random) =>
    void draft.headerText.push(random.pick(changes));
const signature =
  (change: (bytes: Buffer, random: Random) => Buffer): Mutation =>
  (draft, random) =>
    void draft.signature.push((bytes) => change(bytes, random));
const token =
  (...changes: ((token: string) => string)[]): Mutation =>
  (draft, random) =>
    void draft.token.push(random.pick(changes));

/** Writes the members in front of the others, so that the later ones of the same name are the original. */
const before = (members: string) => (json: string) => `{${members},${json.slice(1)}`;
const after = (members: string) => (json: string) => `${json.slice(0, -1)},${members}}`;
const spaced = (json: string): string => ` \n${json.replaceAll(',', ' ,\t').replaceAll('":', '" : ')}\r\n`;
const escaped = (json: string): string =>
  json.replaceAll(
    /"([a-z]+)":/g,
    (_all, name: string) => `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}":`,
  );
/** The last character of a part carries bits that no octet has; this sets one of them. */
const spareBits =
  (part: number) =>
  (text: string): string => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const parts = text.split('.');
    const value = parts[part] ?? '';
    if (value.length % 4 === 0 || value === '') return `${text}=`;
    const last = alphabet.indexOf(value.at(-1) ?? '');
    parts[part] = `${value.slice(0, -1)}${alphabet[last ^ 1] ?? 'A'}`;
    return parts.join('.');
  };
const inPart =
  (part: number, change: (text: string) => string) =>
  (text: string): string =>
    text
      .split('.')
      .map((each, index) => (index === part ? change(each) : each))
      .join('.');

/** What RFC 9068 and its parents allow. */
export const HARMLESS: Record<string, Mutation> = {
  unchanged: () => undefined,
  'an unknown claim': claim('x', null, 0, '', [], {}, 'é\u0000😀', { deep: [{ er: 1 }] }, 1e308, true),
  'an unknown header': header('x', null, 0, '', [], {}, 'é', { deep: [1] }),
  'aud in a list': claim('aud', [AUDIENCE], ['x', AUDIENCE], [AUDIENCE, 'x', 'y']),
  'other scopes': claim('scope', '', 'a b c', 'x'.repeat(300)),
  'another subject': claim('sub', 'é😀', ' ', 'x'.repeat(200), 'a|b', '0'),
  'fractions of seconds': (draft, random) => {
    draft.claims['exp'] = now + 10 + random.integer(1000) / 7;
    draft.claims['iat'] = now - random.integer(1000) / 7;
  },
  'exp within the tolerance': claim('exp', now - 4, now - 1, now, now + 1),
  'exp far away': claim('exp', now + 86_400 * 365, 4_000_000_000),
  'nbf in the past or within the tolerance': claim('nbf', now - 100, now, now + 5, 0, -1),
  'iat long ago': claim('iat', 0, 1, now - 86_400 * 30),
  'typ in another spelling': header('typ', 'AT+JWT', 'application/at+jwt', 'At+Jwt', 'APPLICATION/AT+JWT'),
  'blanks between members': (draft, random) => {
    draft[random.pick(['headerText', 'claimsText'] as const)].push(spaced);
  },
  'escaped names': (draft, random) => {
    draft[random.pick(['headerText', 'claimsText'] as const)].push(escaped);
  },
  'an unknown claim twice': claimsText(before('"x":1,"x":2'), after('"y":{"z":1,"z":2}')),
  'addresses in the header': header('jku', 'https://evil.example.com/jwks', 'file:///etc/passwd'),
  'no kid': withoutHeader('kid'),
};

const otherNumber = [`${now}`, 'x', true, [], {}, [now + 300]];

/** Each at least suspicious. */
export const HOSTILE: Record<string, Mutation> = {
  'alg none': (draft, random) => {
    draft.header['alg'] = random.pick(['none', 'None', 'nOnE', 'NONE', '']);
    if (random.integer(2) === 0) draft.sign = () => Buffer.alloc(0);
  },
  'alg of another type': header('alg', null, 5, ['ES256'], {}, true),
  'no alg': withoutHeader('alg'),
  'alg misspelt': (draft) => void (draft.header['alg'] = draft.algorithm.toLowerCase()),
  'alg of another key': (draft, random) =>
    void (draft.header['alg'] = random.pick(
      ['RS256', 'PS256', 'ES256', 'EdDSA', 'ES384', 'RS512', 'HS256'].filter((name) => name !== draft.algorithm),
    )),
  'alg not listed': (draft, _random, keys) => {
    draft.header['alg'] = 'RS512';
    draft.header['kid'] = 'rs';
    draft.sign = signer('RS512', keys.published.RS256.privateKey);
  },
  'HS256 with the public key': (draft, random, keys) => {
    const key = keys.published[draft.algorithm];
    const publicKey = createPublicKey(key.privateKey);
    draft.header['alg'] = 'HS256';
    draft.sign = mac(
      random.pick<string | Buffer>([
        publicKey.export({ format: 'pem', type: 'spki' }).toString(),
        publicKey.export({ format: 'der', type: 'spki' }),
        JSON.stringify(key.jwk),
        '',
      ]),
    );
  },
  'typ of another kind': header(
    'typ',
    'JWT',
    'id+jwt',
    'logout+jwt',
    'dpop+jwt',
    'at+jwt ',
    'application/application/at+jwt',
    '',
    'at',
  ),
  'typ of another type': header('typ', null, 5, ['at+jwt'], {}),
  'no typ': withoutHeader('typ'),
  'an unknown kid': header('kid', 'other', '', 'RS', '../es', '__proto__'),
  'kid of another key': (draft, random) =>
    void (draft.header['kid'] = random.pick(
      ['rs', 'ps', 'es', 'ed'].filter((kid) => !draft.algorithm.toLowerCase().startsWith(kid)),
    )),
  'kid of another type': header('kid', null, 5, ['es'], {}),
  'crit that nobody knows': (draft) => Object.assign(draft.header, { crit: ['x'], x: 1 }),
  'crit malformed': header('crit', [], 'exp', null, ['alg'], [1], {}, ['x']),
  'b64 false': (draft, random) => Object.assign(draft.header, { b64: false, ...(random.integer(2) === 0 && { crit: ['b64'] }) }),
  'a key of its own': (draft, _random, keys) => {
    draft.header = { ...draft.header, alg: 'ES256', jwk: keys.stranger.jwk };
    draft.sign = signer('ES256', keys.stranger.privateKey);
  },
  'a stranger’s signature': (draft, _random, keys) => {
    Object.assign(draft.header, { alg: 'ES256', kid: 'es' });
    draft.sign = signer('ES256', keys.stranger.privateKey);
  },
  'a nested token': header('cty', 'JWT', 'jwt', 'application/jwt'),
  'alg twice': headerText(before('"alg":"none"'), after('"alg":"none"')),
  'a claim twice': claimsText(
    before('"iss":"x"'),
    before('"exp":1'),
    before('"aud":"x"'),
    after('"iss":"x"'),
    after('"exp":1'),
    after('"aud":"x"'),
  ),
  'a header that is no object': headerText(
    (json) => `[${json}]`,
    () => '"x"',
    () => 'null',
    () => '',
    (json) => `${json}x`,
    (json) => json.slice(0, -1),
  ),
  'a header in other bytes': headerText(
    (json) => `\uFEFF${json}`,
    (json) => Buffer.from(json, 'utf16le'),
    (json) => Buffer.concat([Buffer.from(after('"x":"')(json).slice(0, -1)), Buffer.from([0xff]), Buffer.from('"}')]),
  ),
  'claims that are no object': claimsText(
    (json) => `[${json}]`,
    () => '"x"',
    () => 'null',
    () => '',
    () => '5',
    (json) => `${json}x`,
    (json) => json.slice(0, -1),
  ),
  'claims in other bytes': claimsText(
    (json) => `\uFEFF${json}`,
    (json) => Buffer.from(json, 'utf16le'),
    (json) => Buffer.concat([Buffer.from(after('"x":"')(json).slice(0, -1)), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
  ),
  'JSON that only some read': claimsText(
    (json) => json.replaceAll('"', "'"),
    after('"x":NaN'),
    after('"x":Infinity'),
    (json) => `${json.slice(0, -1)},}`,
    after('"x":01'),
    (json) => `/**/${json}`,
  ),
  'another iss': claim('iss', `${ISSUER}/`, ISSUER.toUpperCase(), 'https://as.example.co', `${ISSUER}.evil.test`, '', ' '),
  'iss of another type': claim('iss', null, 5, [ISSUER], { iss: ISSUER }),
  'no iss': withoutClaim('iss'),
  'another aud': claim('aud', 'x', `${AUDIENCE}/`, AUDIENCE.slice(0, -1), [], ['x'], '', AUDIENCE.toUpperCase()),
  'aud of another type': claim('aud', null, 5, {}, { 0: AUDIENCE }, [[AUDIENCE]]),
  'aud with other types': claim('aud', [AUDIENCE, 5], [null, AUDIENCE], [{}, AUDIENCE]),
  'no aud': withoutClaim('aud'),
  expired: claim('exp', now - 6, now - 300, 0, 1, -1),
  'exp at the end of the tolerance': claim('exp', now - 5),
  'exp of another type': claim('exp', null, ...otherNumber),
  'exp beyond numbers': claimsText((json) => json.replace(/"exp":\d+/, '"exp":1e400')),
  'no exp': withoutClaim('exp'),
  'not yet valid': claim('nbf', now + 6, now + 3600, 4_000_000_000),
  'nbf of another type': claim('nbf', ...otherNumber),
  'nbf null': claim('nbf', null),
  'iat ahead': claim('iat', now + 61, now + 3600),
  'iat a little ahead': claim('iat', now + 6, now + 30, now + 59),
  'iat of another type': claim('iat', null, ...otherNumber),
  'no iat': withoutClaim('iat'),
  'sub of another type': claim('sub', null, 5, [], {}),
  'sub empty': claim('sub', ''),
  'no sub': withoutClaim('sub'),
  'client_id of another type': claim('client_id', null, 5, [], {}),
  'client_id empty': claim('client_id', ''),
  'no client_id': withoutClaim('client_id'),
  'jti of another type': claim('jti', null, 5, [], {}),
  'jti empty': claim('jti', ''),
  'no jti': withoutClaim('jti'),
  'bound to a key': claim('cnf', { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' }),
  'bound some other way': claim(
    'cnf',
    { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' },
    { kid: 'x' },
    { jkt: 'x', kid: 'y' },
    { foo: 1 },
  ),
  'cnf of another type': claim('cnf', null, 'x', 5, []),
  'cnf empty': claim('cnf', {}),
  'scope of another type': claim('scope', 5, null, ['read'], {}),
  'a prototype': claimsText(before('"__proto__":{"iss":"x"}'), after('"constructor":1')),
  'one bit flipped': signature((bytes, random) => {
    const at = random.integer(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(8));
    return bytes;
  }),
  'a signature of another length': signature((bytes, random) =>
    random.pick([
      bytes.subarray(1),
      bytes.subarray(0, -1),
      Buffer.concat([bytes, Buffer.from([0])]),
      Buffer.concat([Buffer.from([0]), bytes]),
      Buffer.alloc(0),
    ]),
  ),
  'a signature of zeros': signature((bytes) => Buffer.alloc(bytes.length)),
  'a signature in DER': (draft, _random, keys) => {
    Object.assign(draft.header, { alg: 'ES256', kid: 'es' });
    draft.sign = derSigner('ES256', keys.published.ES256.privateKey);
  },
  'padded base64url': token(
    (text) => `${text}=`,
    (text) => `${text}==`,
    inPart(1, (part) => `${part}=`),
    inPart(0, (part) => `${part}=`),
  ),
  'plain base64': (draft, random) => {
    // Only where the part has a character that differs; elsewhere the token stays as it was.
    const part = random.integer(3);
    draft.claims['x'] = '\u00fe\u00ff???>>>~~~';
    draft.token.push(inPart(part, (text) => text.replaceAll('-', '+').replaceAll('_', '/')));
  },
  'spare bits in the header': token(spareBits(0)),
  'spare bits in the claims': token(spareBits(1)),
  'spare bits in the signature': token(spareBits(2)),
  'blanks in the token': token(
    inPart(1, (part) => `${part.slice(0, 8)} ${part.slice(8)}`),
    inPart(1, (part) => `${part.slice(0, 8)}\t${part.slice(8)}`),
    inPart(2, (part) => `${part} x`),
  ),
  'other characters in the token': token(
    inPart(1, (part) => `${part.slice(0, 8)}!${part.slice(8)}`),
    inPart(2, (part) => `${part}%3D`),
    inPart(0, (part) => `${part}~`),
    inPart(2, (part) => `*${part}`),
  ),
  'another number of parts': token(
    (text) => `${text}.`,
    (text) => `${text}.eA`,
    (text) => text.split('.').slice(0, 2).join('.'),
    (text) => `.${text}`,
    (text) => text.replace('.', '..'),
    (text) => `${text}.eA.eA`,
  ),
  'one part replaced': (draft, random) =>
    void draft.token.push(inPart(random.integer(3), () => random.pick(['', 'e30', 'eyJhbGciOiJub25lIn0', 'AAAA', 'W10']))),
};
