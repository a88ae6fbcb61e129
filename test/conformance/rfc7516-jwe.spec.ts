import { CompactEncrypt, importJWK, type CompactJWEHeaderParameters, type JWK } from 'jose';
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { startAuthorizationServer } from '../support/authorization-server.js';
import { expectBootFailure } from '../support/boot-failure.js';
import { expect200, expect401Token } from '../support/expectations.js';
import { ecKey, octKey, rsaKey, type TestKey } from '../support/keys.js';
import type { Exchange } from '../support/resource-server.js';
import { describeScenarios, expectCalls, scenario, warm, type Scenario, type ScenarioSetup } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';
import { compact, encodePart, flipBit, ownClaims, ownHeader, ownSigner, signedBy } from '../support/tokens.js';

const rsa = await rsaKey(2048, 'enc-rsa');
const ec = ecKey('P-256', 'enc-ec');
const okp = generateKeyPairSync('x25519');
const stranger = await rsaKey(2048, 'enc-rsa');

const privateJwk = (key: KeyObject, kid: string, alg: string): JWK => ({
  ...(key.export({ format: 'jwk' }) as JWK),
  kid,
  alg,
  use: 'enc',
});
const decryptionKeys = [
  privateJwk(rsa.privateKey, rsa.kid, 'RSA-OAEP-256'),
  privateJwk(ec.privateKey, ec.kid, 'ECDH-ES'),
  privateJwk(okp.privateKey, 'enc-okp', 'ECDH-ES'),
];

type Header = Record<string, unknown>;

/** A JWE with the header that an authorization server would write, changed by `header`. */
async function encrypt(
  plain: string | Uint8Array,
  header: Header = {},
  key: KeyObject | Uint8Array = rsa.publicKey,
): Promise<string> {
  const full = { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', kid: rsa.kid, ...header };
  const bytes = typeof plain === 'string' ? new TextEncoder().encode(plain) : plain;
  const present = Object.fromEntries(Object.entries(full).filter(([, value]) => value !== undefined));
  return new CompactEncrypt(bytes).setProtectedHeader(present as unknown as CompactJWEHeaderParameters).encrypt(key);
}

const inner = ({ as }: Fixture, claims: Header = {}, header: Header = {}): string =>
  compact(ownHeader(as, header), ownClaims(as, claims), ownSigner(as));

const local = (encryptedTokens: string, extra: Header = {}): ScenarioSetup => ({
  options: { verification: 'local', decryptionKeys, encryptedTokens, ...extra } as never,
  omit: ['clientAuthentication'],
});

/** Refused here. A forged signature within may start a fetch in the background, so the key set is not counted. */
function expectRefused(answer: Exchange): void {
  expect401Token(answer);
  expectCalls(answer, { I: 0 });
}

async function eachRefused(fixture: Fixture, tokens: Record<string, string | Promise<string>>): Promise<void> {
  await warm(fixture);
  const bodies = new Set<string>();
  for (const token of Object.values(tokens)) {
    const answer = await fixture.rs.get('/any', `Bearer ${await token}`);
    expectRefused(answer);
    bodies.add(`${answer.header('WWW-Authenticate')} ${answer.body}`);
  }
  expect(bodies.size).toBe(1);
}

/** One octet of one part replaced; the part stays base64url. */
function spoil(jwe: string, part: number): string {
  const parts = jwe.split('.');
  const bytes = Buffer.from(parts[part] ?? '', 'base64url');
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0x55;
  parts[part] = bytes.toString('base64url');
  return parts.join('.');
}

const assembled = (header: Header, ...parts: (string | Buffer)[]): string =>
  [encodePart(header), ...parts.map((part) => encodePart(part))].join('.');

const accepted: Scenario[] = [
  scenario('JWE-01 AT-14 a signed token, encrypted for us, is decrypted and verified', local('allowed'), async (fixture) => {
    const { rs } = fixture;
    const answers = [
      await encrypt(inner(fixture, { sub: 'inside' })),
      await encrypt(inner(fixture, { sub: 'inside' }), { alg: 'ECDH-ES', kid: ec.kid }, ec.publicKey),
      await encrypt(inner(fixture, { sub: 'inside' }), { alg: 'ECDH-ES', kid: 'enc-okp' }, okp.publicKey),
      await encrypt(inner(fixture, { sub: 'inside' }), { cty: 'jwt' }),
      await encrypt(inner(fixture, { sub: 'inside' }), { kid: undefined }),
    ];
    for (const token of answers) {
      const answer = await rs.get('/r', `Bearer ${token}`);
      const { principal } = expect200(answer);
      expect(principal).toMatchObject({ subject: 'inside', verifiedBy: 'local' });
      expectCalls(answer, { I: 0 });
    }
  }),

  scenario('JWE-02 allowed: a token that is only signed is accepted as before', local('allowed'), async ({ as, rs }) => {
    expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
  }),

  scenario('JWE-02 required: a token that is only signed is refused, whatever it says', local('required'), async (fixture) => {
    const { as, rs } = fixture;
    expect200(await rs.get('/r', `Bearer ${await encrypt(inner(fixture))}`));
    for (const header of [{}, { cty: 'JWE' }, { enc: 'A256GCM' }])
      expectRefused(await rs.get('/r', `Bearer ${inner(fixture, {}, header)}`));
    expectRefused(await rs.get('/r', `Bearer ${await as.sign({}, { alg: 'RS256' })}`));
  }),

  scenario('JWE-02 refused is the default, also with decryptionKeys for other things', local('refused'), async (fixture) => {
    await eachRefused(fixture, { encrypted: encrypt(inner(fixture)) });
    expect200(await fixture.rs.get('/r', `Bearer ${inner(fixture)}`));
  }),

  scenario('JWE-01 the inner token stands under every rule of its own', local('allowed'), async (fixture) => {
    const { as } = fixture;
    await eachRefused(fixture, {
      signature: encrypt(flipBit(inner(fixture), 2, 77)),
      'by a stranger': encrypt(signedBy(as, ecKey('P-256', as.keys.ES256.kid), 'ES256')),
      'not signed': encrypt(compact({ alg: 'none', typ: 'at+jwt' }, ownClaims(as), '')),
      expired: encrypt(inner(fixture, { exp: fixture.clock.seconds() - 60 })),
      audience: encrypt(inner(fixture, { aud: 'https://other.example.com' })),
      issuer: encrypt(inner(fixture, { iss: 'https://other.example.com' })),
      'no jti': encrypt(inner(fixture, { jti: undefined })),
      crit: encrypt(inner(fixture, {}, { crit: ['x'], x: 1 })),
    });
  }),

  scenario('JWT-28 T84 what is encrypted is not thereby authenticated', local('allowed'), async (fixture) => {
    const { as } = fixture;
    const claims = JSON.stringify(ownClaims(as));
    await eachRefused(fixture, {
      'bare claims': encrypt(claims),
      'bare claims without cty': encrypt(claims, { cty: undefined }),
      'bare claims, typed': encrypt(claims, { cty: undefined, typ: 'at+jwt' }),
      'claims repeated in the header': encrypt(claims, ownClaims(as)),
      'an opaque token': encrypt('opaque-token'),
      nothing: encrypt(''),
      'two parts': encrypt('a.b'),
      'a JWE in a JWE': encrypt(inner(fixture)).then((once) => encrypt(once)),
    });
  }),

  scenario('JWE-08 the inner token carries the typ; the outer one’s is nobody’s word', local('allowed'), async (fixture) => {
    await eachRefused(fixture, {
      'no inner typ': encrypt(inner(fixture, {}, { typ: undefined }), { typ: 'at+jwt' }),
      'another inner typ': encrypt(inner(fixture, {}, { typ: 'JWT' }), { typ: 'at+jwt' }),
    });
    expect200(await fixture.rs.get('/r', `Bearer ${await encrypt(inner(fixture), { typ: 'JWT' })}`));
  }),

  scenario('JWE-07 a nested token without cty is not taken for one that says it', local('allowed'), async (fixture) => {
    await eachRefused(fixture, { 'cty of text': encrypt(inner(fixture), { cty: 'text/plain' }) });
  }),
];

const faulty: Scenario[] = [
  scenario('JWE-03 RSA1_5 is refused, and every failure to decrypt looks the same', local('allowed'), async (fixture) => {
    const good = await encrypt(inner(fixture));
    const [, key = '', iv = '', text = '', tag = ''] = good.split('.');
    const renamed = encodePart({ alg: 'RSA1_5', enc: 'A256GCM', cty: 'JWT', kid: rsa.kid });
    await eachRefused(fixture, {
      RSA1_5: [renamed, key, iv, text, tag].join('.'),
      'for another key': encrypt(inner(fixture), {}, stranger.publicKey),
      header: spoil(good, 0),
      key: spoil(good, 1),
      iv: spoil(good, 2),
      'cipher text': spoil(good, 3),
      tag: spoil(good, 4),
      'a short tag': good.slice(0, -8),
      'no tag': `${[encodePart({ alg: 'RSA-OAEP-256', enc: 'A256GCM' }), key, iv, text].join('.')}.`,
      'an empty key': good.replace(`.${key}.`, '..'),
      'an empty iv': good.replace(`.${iv}.`, '..'),
      'nothing but dots': '....',
    });
    expect200(await fixture.rs.get('/r', `Bearer ${good}`));
  }),

  scenario('JWE-04 T83 zip is refused, small or a bomb', local('allowed'), async (fixture) => {
    const small = deflateRawSync(Buffer.from(inner(fixture)));
    const bomb = deflateRawSync(Buffer.alloc(4_000_000, 0x41), { level: 9 });
    const before = process.memoryUsage().rss;
    await eachRefused(fixture, {
      small: encrypt(small, { zip: undefined }).then(async () => zipped(small)),
      bomb: zipped(bomb),
      'a name of its own': zipped(small, 'GZIP'),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  }),

  scenario('JWE-05 T83 PBES2 is never tried', local('allowed'), async (fixture) => {
    const good = await encrypt(inner(fixture), { alg: 'PBES2-HS256+A128KW', kid: undefined }, randomBytes(16));
    const [, ...rest] = good.split('.');
    const tokens = [1000, 100_000, 2_147_483_647].map((p2c) => {
      const header = { alg: 'PBES2-HS256+A128KW', enc: 'A256GCM', cty: 'JWT', p2s: 'c2FsdHNhbHQ', p2c };
      return [encodePart(header), ...rest].join('.');
    });
    const started = performance.now();
    await eachRefused(fixture, { good, ...Object.fromEntries(tokens.map((token, index) => [index, token])) });
    // One derivation of the largest takes minutes.
    expect(performance.now() - started).toBeLessThan(2000);
  }),

  scenario('JWE-06 a point that is on no curve, or on another, is refused', local('allowed'), async (fixture) => {
    const good = await encrypt(inner(fixture), { alg: 'ECDH-ES', kid: ec.kid }, ec.publicKey);
    const header = JSON.parse(Buffer.from(good.split('.')[0] ?? '', 'base64url').toString()) as { epk: JWK };
    const { x = '', y = '' } = header.epk;
    const with_ = (epk: unknown) => [encodePart({ ...header, epk }), ...good.split('.').slice(1)].join('.');
    const zeros = Buffer.alloc(32).toString('base64url');
    const other = ecKey('P-384').publicKey.export({ format: 'jwk' });
    await eachRefused(fixture, {
      'off the curve': with_({ ...header.epk, y: x }),
      zero: with_({ ...header.epk, x: zeros, y: zeros }),
      'another curve': with_(other),
      'another curve’s name': with_({ ...header.epk, crv: 'P-384' }),
      'too long': with_({ ...header.epk, x: `${x}AAAA`, y }),
      missing: with_(undefined),
      'no object': with_('x'),
      'an octet key': with_({ kty: 'oct', k: 'AAAA' }),
      'the low-order point of X25519': with_({ kty: 'OKP', crv: 'X25519', x: zeros }),
    });
    expect200(await fixture.rs.get('/r', `Bearer ${good}`));
  }),

  scenario('JWE-07 alg and enc are listed, and a key has one algorithm', local('allowed'), async (fixture) => {
    const cek = randomBytes(32);
    await eachRefused(fixture, {
      dir: encrypt(inner(fixture), { alg: 'dir' }, cek),
      A256KW: encrypt(inner(fixture), { alg: 'A256KW' }, cek),
      'RSA-OAEP with a key for RSA-OAEP-256': encrypt(inner(fixture), { alg: 'RSA-OAEP' }),
      'ECDH-ES+A128KW with a key for ECDH-ES': encrypt(inner(fixture), { alg: 'ECDH-ES+A128KW', kid: ec.kid }, ec.publicKey),
      'an unknown alg': assembled({ alg: 'XYZ', enc: 'A256GCM' }, 'k', 'i', 'c', 't'),
      'an unknown enc': assembled({ alg: 'RSA-OAEP-256', enc: 'A999GCM', kid: rsa.kid }, 'k', 'i', 'c', 't'),
      'no enc': assembled({ alg: 'RSA-OAEP-256', kid: rsa.kid }, 'k', 'i', 'c', 't'),
      'enc of another type': assembled({ alg: 'RSA-OAEP-256', enc: ['A256GCM'] }, 'k', 'i', 'c', 't'),
      crit: encrypt(inner(fixture), {}).then((good) => {
        const [first = '', ...rest] = good.split('.');
        const header = JSON.parse(Buffer.from(first, 'base64url').toString()) as Header;
        return [encodePart({ ...header, crit: ['x'], x: 1 }), ...rest].join('.');
      }),
      'a kid that we do not have': encrypt(inner(fixture), { kid: 'other' }, stranger.publicKey),
      'our verification key': encrypt(inner(fixture), { kid: fixture.as.keys.RS256.kid }, stranger.publicKey),
    });
  }),
];

/** jose compresses before it encrypts, so the bytes go in through its own header only where it would not. */
async function zipped(deflated: Buffer, zip = 'DEF'): Promise<string> {
  const { createCipheriv, publicEncrypt, constants } = await import('node:crypto');
  const header = encodePart({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', kid: rsa.kid, zip });
  const [cek, iv] = [randomBytes(32), randomBytes(12)];
  const cipher = createCipheriv('aes-256-gcm', cek, iv).setAAD(Buffer.from(header));
  const text = Buffer.concat([cipher.update(deflated), cipher.final()]);
  const key = publicEncrypt({ key: rsa.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, cek);
  return [header, ...[key, iv, text, cipher.getAuthTag()].map((part) => encodePart(part))].join('.');
}

/** api.md §3.3, first row: what happens to a JWE in each mode. */
const MODES = {
  local: { without: [401, 0], refused: [401, 0], allowed: [200, 0] },
  remote: { without: [200, 1], refused: [200, 1], allowed: [200, 1] },
  hybrid: { without: [200, 1], refused: [401, 0], allowed: [200, 0] },
  both: { without: [401, 0], refused: [401, 0], allowed: [200, 1] },
} as const;

const modes: Scenario[] = Object.entries(MODES).flatMap(([verification, outcomes]) =>
  Object.entries(outcomes).map(([keys, [status, calls]]) => {
    const options = { verification, ...(keys !== 'without' && { decryptionKeys, encryptedTokens: keys }) };
    return scenario(
      `JWE-02 HYB-02 a JWE in ${verification}, decryptionKeys ${keys} → ${status}, I:${calls}`,
      { options } as never,
      async (fixture) => {
        const { as, rs } = fixture;
        const token = await encrypt(inner(fixture));
        as.answer(token, { active: true, ...as.claims() });
        const answer = await rs.get('/any', `Bearer ${token}`);
        if (status === 200) expect200(answer);
        else expect401Token(answer);
        expectCalls(answer, { I: calls });
        if (calls === 1) expect(as.introspectionRequests().at(-1)?.form.get('token')).toBe(token);
      },
    );
  }),
);

const publicOnly = (key: TestKey): JWK => key.jwk as JWK;

describeScenarios('encrypted access tokens', accepted);
describeScenarios('encrypted access tokens that nobody should trust', faulty);
describeScenarios('encrypted access tokens and the mode', modes);

describe('start-up', () => {
  it.each<[string, Header, RegExp]>([
    ['JWE-02 encryptedTokens without decryptionKeys', { encryptedTokens: 'required' }, /encryptedTokens/],
    ['JWE-02 an unknown value', { decryptionKeys, encryptedTokens: true }, /encryptedTokens/],
    ['JWE-07 no key in the list', { decryptionKeys: [] }, /decryptionKeys/],
    ['JWE-07 a public key', { decryptionKeys: [publicOnly(rsa)] }, /decryptionKeys/],
    ['JWE-07 a symmetric key', { decryptionKeys: [octKey(32)] }, /decryptionKeys/],
    ['JWE-07 no list', { decryptionKeys: decryptionKeys[0] }, /decryptionKeys/],
  ])('%s is refused', async (_title, options, named) => {
    const as = await startAuthorizationServer();
    try {
      expect(await expectBootFailure(as, { verification: 'hybrid', ...options })).toMatch(named);
    } finally {
      await as.close();
    }
  });

  it('JWE-01 the keys of these tests are what jose takes them for', async () => {
    for (const key of decryptionKeys) await expect(importJWK(key, key.alg)).resolves.toBeDefined();
  });
});
