import { exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { judgingFixture, type Mode, MODES } from '../../../support/judging.js';
import { generateSigningKey } from '../../../support/signing-keys.js';
import { encrypted } from '../../../support/signed-answers.js';
import { compact, ownClaims } from '../../../support/tokens.js';

const fixture = judgingFixture();
let pair: { publicKey: CryptoKey; jwk: JWK };

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { extractable: true });
  pair = { publicKey, jwk: await exportJWK(privateKey) };
});

describe('Who has to say what a token is worth', () => {
  it.each<[what: string, make: () => string | Promise<string>, expected: Record<Mode, string>]>([
    [
      'INTRO-14 HYB-03 a good JWT',
      () => fixture.as.sign(),
      { local: 'local 0', remote: 'introspection 1', hybrid: 'local 0', both: 'both 1' },
    ],
    [
      'HYB-02 an opaque token',
      () => fixture.as.token(),
      { local: 'malformed 0', remote: 'introspection 1', hybrid: 'introspection 1', both: 'malformed 0' },
    ],
    [
      'HYB-05 JWT-05 a JWT that is not signed',
      () => compact({ alg: 'none', typ: 'at+jwt' }, ownClaims(fixture.as), ''),
      { local: 'algorithm 0', remote: 'introspection 1', hybrid: 'algorithm 0', both: 'algorithm 0' },
    ],
    [
      'HYB-05 JWT-05 a JWT that is not signed and names no issuer',
      () => compact({ alg: 'None' }, { sub: 'u1' }, ''),
      { local: 'algorithm 0', remote: 'introspection 1', hybrid: 'algorithm 0', both: 'algorithm 0' },
    ],
    [
      'HYB-01 an expired JWT',
      () => fixture.as.sign({ exp: 1 }),
      { local: 'expired 0', remote: 'introspection 1', hybrid: 'expired 0', both: 'expired 0' },
    ],
    [
      'HYB-01 META-13 a JWT of another issuer',
      () => fixture.as.sign({ iss: 'https://other.example.com' }),
      { local: 'issuer 0', remote: 'introspection 1', hybrid: 'issuer 0', both: 'issuer 0' },
    ],
    [
      'HYB-01 a JWT with a bad signature',
      async () => fixture.as.sign({}, { key: (await generateSigningKey('ES256')).privateKey }),
      { local: 'signature 0', remote: 'introspection 1', hybrid: 'signature 0', both: 'signature 0' },
    ],
    [
      'HYB-02 a JWT with an unknown kid',
      () => fixture.as.sign({}, { header: { kid: 'other' } }),
      { local: 'signature 0', remote: 'introspection 1', hybrid: 'introspection 1', both: 'signature 0' },
    ],
    [
      'HYB-02 a JWT that names no issuer',
      () => fixture.as.sign({ iss: undefined }),
      { local: 'issuer 0', remote: 'introspection 1', hybrid: 'introspection 1', both: 'issuer 0' },
    ],
    [
      'JWT-18 a JWT whose issuer is null',
      () => fixture.as.sign({ iss: null }),
      { local: 'issuer 0', remote: 'introspection 1', hybrid: 'issuer 0', both: 'issuer 0' },
    ],
    [
      'JWT-03 a JWT whose payload is no object',
      () => fixture.as.keys.sign('[]'),
      { local: 'malformed 0', remote: 'introspection 1', hybrid: 'malformed 0', both: 'malformed 0' },
    ],
  ])('%s', async (_what, make, expected) => {
    const token = fixture.active(await make());
    const judged: Partial<Record<Mode, string>> = {};
    for (const mode of MODES) judged[mode] = await fixture.judge(token, mode);
    expect(judged).toEqual(expected);
  });

  it('HYB-05 no refusal here is mended by asking: an inactive answer refuses, too', async () => {
    const token = await fixture.as.sign();
    expect(await fixture.judge(token, 'both')).toBe('inactive 1');
    expect(await fixture.judge(token, 'hybrid')).toBe('local 0');
    expect(await fixture.judge('unknown', 'hybrid')).toBe('inactive 1');
  });

  it('HYB-04 with both, the answer may leave the audience to the JWT, and may not contradict it', async () => {
    const token = await fixture.as.sign();
    expect(await fixture.judge(fixture.active(token, { aud: undefined }), 'both')).toBe('both 1');
    expect(await fixture.judge(fixture.active(token, { aud: 'https://other.example.com' }), 'both')).toBe('audience 1');
    expect(await fixture.judge(fixture.active(token, { sub: 'u2' }), 'both')).toBe('claim 1');
    expect(await fixture.judge(fixture.active(token, { aud: undefined }), 'remote')).toBe('audience 1');
  });

  it('META-13 a JWT of an issuer that is not configured is told to events, and other refusals are not', async () => {
    const { server, events } = fixture.open('hybrid');
    const present = (token: string) =>
      server.authenticate({ headers: { authorization: `Bearer ${token}` } }).catch(() => undefined);
    await present(await fixture.as.sign({ exp: 1 }));
    await present(await fixture.as.keys.sign('[]'));
    expect(events.map(({ type }) => type)).not.toContain('issuer.unknown');
    await present(await fixture.as.sign({ iss: 'https://other.example.com' }));
    expect(events.filter(({ type }) => type === 'issuer.unknown')).toHaveLength(1);
  });
});

describe('A JWT for which no keys can be had', () => {
  const broken = () => ({ jwksUri: fixture.as.jwksUri });
  const undiscovered = () => ({ jwks: undefined, discovery: true, introspectionEndpoint: fixture.as.introspectionEndpoint });

  it.each<[Mode, string]>([
    ['local', 'ERR_KEY_SET_UNAVAILABLE 0'],
    ['hybrid', 'introspection 1'],
    ['both', 'ERR_KEY_SET_UNAVAILABLE 0'],
  ])('HYB-02 in %s, where the key set is down: %s', async (mode, expected) => {
    fixture.as.replace('jwks', (_request, response) => response.writeHead(500).end());
    expect(await fixture.judge(fixture.active(await fixture.as.sign()), fixture.open(mode, broken()))).toBe(expected);
  });

  it.each<[Mode, string]>([
    ['local', 'ERR_METADATA 0'],
    ['hybrid', 'introspection 1'],
    ['both', 'ERR_METADATA 0'],
  ])('HYB-02 in %s, where the metadata is not there: %s', async (mode, expected) => {
    for (const endpoint of ['metadata', 'openidConfiguration'] as const)
      fixture.as.replace(endpoint, (_request, response) => response.writeHead(404).end());
    expect(await fixture.judge(fixture.active(await fixture.as.sign()), fixture.open(mode, undiscovered()))).toBe(expected);
  });

  it('HYB-02 in hybrid leaves time to ask, where the key set hangs', async () => {
    fixture.as.replace('jwks', () => undefined);
    const token = fixture.active(await fixture.as.sign());
    expect(await fixture.judge(token, fixture.open('hybrid', { ...broken(), http: { timeoutMs: 600 } }))).toBe('introspection 1');
  });
});

describe('An encrypted JWT', () => {
  const keys = (encryptedTokens: string) => ({ decryptionKeys: [pair.jwk], encryptedTokens });
  const encrypt = async (jws: string) => encrypted(jws, pair.publicKey);

  it('AT-14 JWE-01 is opened where it is allowed, and then judged as any other', async () => {
    for (const mode of ['local', 'hybrid'] as const) {
      expect(await fixture.judge(await encrypt(await fixture.as.sign()), fixture.open(mode, keys('allowed')))).toBe('local 0');
      expect(await fixture.judge(await encrypt(await fixture.as.sign({ exp: 1 })), fixture.open(mode, keys('allowed')))).toBe(
        'expired 0',
      );
    }
    expect(await fixture.judge(await fixture.as.sign(), fixture.open('local', keys('allowed')))).toBe('local 0');
  });

  it('JWE-02 is demanded where it is required', async () => {
    expect(await fixture.judge(await encrypt(await fixture.as.sign()), fixture.open('local', keys('required')))).toBe('local 0');
    expect(await fixture.judge(await fixture.as.sign(), fixture.open('local', keys('required')))).toBe('type 0');
    expect(await fixture.judge(await fixture.as.sign(), fixture.open('hybrid', keys('required')))).toBe('type 0');
    expect(await fixture.judge(fixture.as.token(), fixture.open('hybrid', keys('required')))).toBe('introspection 1');
  });

  it('JWE-01 is refused where keys are for answers only, and opaque where there are none', async () => {
    const token = fixture.active(await encrypt(await fixture.as.sign()));
    expect(await fixture.judge(token, fixture.open('hybrid', keys('refused')))).toBe('type 0');
    expect(await fixture.judge(token, fixture.open('local', keys('refused')))).toBe('type 0');
    expect(await fixture.judge(token, 'hybrid')).toBe('introspection 1');
    expect(await fixture.judge(token, 'local')).toBe('malformed 0');
  });

  it('JWT-28 is refused where it cannot be opened, or holds no signed JWT', async () => {
    const { publicKey } = await generateKeyPair('ECDH-ES');
    for (const token of [
      await encrypted(await fixture.as.sign(), publicKey),
      await encrypt('{"sub":"u1"}'),
      await encrypt('a.b.c'),
    ])
      for (const mode of ['local', 'hybrid'] as const)
        expect(await fixture.judge(fixture.active(token), fixture.open(mode, keys('allowed')))).toBe('malformed 0');
  });

  it('HYB-04 is asked about as it was presented', async () => {
    const token = fixture.active(await encrypt(await fixture.as.sign()));
    expect(await fixture.judge(token, fixture.open('both', keys('allowed')))).toBe('both 1');
    expect(fixture.as.introspectionRequests()[0]?.form.get('token')).toBe(token);
  });
});
