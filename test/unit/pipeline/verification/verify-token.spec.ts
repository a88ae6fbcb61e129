import { exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import {
  createResourceServer,
  type AccessTokenPrincipal,
  type IntrospectionEvent,
  type ResourceServer,
} from 'nestjs-introspection/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AUDIENCE, startAuthorizationServer, type AuthorizationServer } from '../../../support/authorization-server.js';
import { generateSigningKey } from '../../../support/signing-keys.js';
import { encrypted } from '../../../support/signed-answers.js';
import { compact, ownClaims } from '../../../support/tokens.js';

type Members = Record<string, unknown>;
type Mode = 'local' | 'remote' | 'hybrid' | 'both';

const MODES: readonly Mode[] = ['local', 'remote', 'hybrid', 'both'];
let as: AuthorizationServer;
let pair: { publicKey: CryptoKey; jwk: JWK };
const opened: ResourceServer[] = [];
const shared = new Map<Mode, ReturnType<typeof open>>();

beforeAll(async () => {
  as = await startAuthorizationServer();
  const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { extractable: true });
  pair = { publicKey, jwk: await exportJWK(privateKey) };
  for (const mode of MODES) shared.set(mode, open(mode));
});
beforeEach(() => as.reset());
afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()));
  await as.close();
});

function open(verification: Mode, options: Members = {}) {
  const events: IntrospectionEvent[] = [];
  const keys = options['jwksUri'] === undefined ? { jwks: as.keys.publicKeySet() } : {};
  const server = createResourceServer({
    issuer: as.issuer,
    audience: AUDIENCE,
    verification,
    discovery: false,
    introspectionEndpoint: as.introspectionEndpoint,
    clientAuthentication: { method: 'none' },
    allowInsecureHttp: true,
    onEvent: (event) => events.push(event),
    ...keys,
    ...options,
  } as Parameters<typeof createResourceServer>[0]);
  opened.push(server);
  return { server, events };
}

/** Who verified the token, or why it was refused, and how often the authorization server was asked. */
async function judge(token: string, mode: Mode, options?: Members): Promise<string> {
  const { server } = options === undefined ? (shared.get(mode) ?? open(mode)) : open(mode, options);
  const before = as.introspections;
  const outcome = await server.authenticate({ headers: { authorization: `Bearer ${token}` } }).then(
    ({ verifiedBy }: AccessTokenPrincipal) => verifiedBy,
    (error: { reason?: string; code: string }) => error.reason ?? error.code,
  );
  return `${outcome} ${as.introspections - before}`;
}

const active = (token: string, members: Members = {}): string => {
  as.answer(token, { active: true, token_type: 'Bearer', ...as.claims(), ...members });
  return token;
};

describe('Who has to say what a token is worth', () => {
  it.each<[what: string, make: () => string | Promise<string>, expected: Record<Mode, string>]>([
    [
      'INTRO-14 HYB-03 a good JWT',
      () => as.sign(),
      { local: 'local 0', remote: 'introspection 1', hybrid: 'local 0', both: 'both 1' },
    ],
    [
      'HYB-02 an opaque token',
      () => as.token(),
      { local: 'malformed 0', remote: 'introspection 1', hybrid: 'introspection 1', both: 'malformed 0' },
    ],
    [
      'HYB-05 JWT-05 a JWT that is not signed',
      () => compact({ alg: 'none', typ: 'at+jwt' }, ownClaims(as), ''),
      { local: 'algorithm 0', remote: 'introspection 1', hybrid: 'algorithm 0', both: 'algorithm 0' },
    ],
    [
      'HYB-01 an expired JWT',
      () => as.sign({ exp: 1 }),
      { local: 'expired 0', remote: 'introspection 1', hybrid: 'expired 0', both: 'expired 0' },
    ],
    [
      'HYB-01 META-13 a JWT of another issuer',
      () => as.sign({ iss: 'https://other.example.com' }),
      { local: 'issuer 0', remote: 'introspection 1', hybrid: 'issuer 0', both: 'issuer 0' },
    ],
    [
      'HYB-01 a JWT with a bad signature',
      async () => as.sign({}, { key: (await generateSigningKey('ES256')).privateKey }),
      { local: 'signature 0', remote: 'introspection 1', hybrid: 'signature 0', both: 'signature 0' },
    ],
    [
      'HYB-02 a JWT with an unknown kid',
      () => as.sign({}, { header: { kid: 'other' } }),
      { local: 'signature 0', remote: 'introspection 1', hybrid: 'introspection 1', both: 'signature 0' },
    ],
    [
      'HYB-02 a JWT that names no issuer',
      () => as.sign({ iss: undefined }),
      { local: 'issuer 0', remote: 'introspection 1', hybrid: 'introspection 1', both: 'issuer 0' },
    ],
    [
      'JWT-18 a JWT whose issuer is null',
      () => as.sign({ iss: null }),
      { local: 'issuer 0', remote: 'introspection 1', hybrid: 'issuer 0', both: 'issuer 0' },
    ],
    [
      'JWT-03 a JWT whose payload is no object',
      () => as.keys.sign('[]'),
      { local: 'malformed 0', remote: 'introspection 1', hybrid: 'malformed 0', both: 'malformed 0' },
    ],
  ])('%s', async (_what, make, expected) => {
    const token = active(await make());
    const judged: Partial<Record<Mode, string>> = {};
    for (const mode of MODES) judged[mode] = await judge(token, mode);
    expect(judged).toEqual(expected);
  });

  it('HYB-05 no refusal here is mended by asking: an inactive answer refuses, too', async () => {
    const token = await as.sign();
    expect(await judge(token, 'both')).toBe('inactive 1');
    expect(await judge(token, 'hybrid')).toBe('local 0');
    expect(await judge('unknown', 'hybrid')).toBe('inactive 1');
  });

  it('HYB-04 with both, the answer may leave the audience to the JWT, and may not contradict it', async () => {
    const token = await as.sign();
    expect(await judge(active(token, { aud: undefined }), 'both')).toBe('both 1');
    expect(await judge(active(token, { aud: 'https://other.example.com' }), 'both')).toBe('audience 1');
    expect(await judge(active(token, { sub: 'u2' }), 'both')).toBe('claim 1');
    expect(await judge(active(token, { aud: undefined }), 'remote')).toBe('audience 1');
  });

  it('META-13 a JWT of an issuer that is not configured is told to events, and other refusals are not', async () => {
    const { server, events } = open('hybrid');
    const present = (token: string) =>
      server.authenticate({ headers: { authorization: `Bearer ${token}` } }).catch(() => undefined);
    await present(await as.sign({ exp: 1 }));
    await present(await as.keys.sign('[]'));
    expect(events.map(({ type }) => type)).not.toContain('issuer.unknown');
    await present(await as.sign({ iss: 'https://other.example.com' }));
    expect(events.filter(({ type }) => type === 'issuer.unknown')).toHaveLength(1);
  });
});

describe('A JWT for which no keys can be had', () => {
  const broken = () => ({ jwksUri: as.jwksUri });
  const undiscovered = () => ({ jwks: undefined, discovery: true, introspectionEndpoint: as.introspectionEndpoint });

  it.each<[Mode, string]>([
    ['local', 'ERR_KEY_SET_UNAVAILABLE 0'],
    ['hybrid', 'introspection 1'],
    ['both', 'ERR_KEY_SET_UNAVAILABLE 0'],
  ])('HYB-02 in %s, where the key set is down: %s', async (mode, expected) => {
    as.replace('jwks', (_request, response) => response.writeHead(500).end());
    expect(await judge(active(await as.sign()), mode, broken())).toBe(expected);
  });

  it.each<[Mode, string]>([
    ['local', 'ERR_METADATA 0'],
    ['hybrid', 'introspection 1'],
    ['both', 'ERR_METADATA 0'],
  ])('HYB-02 in %s, where the metadata is not there: %s', async (mode, expected) => {
    for (const endpoint of ['metadata', 'openidConfiguration'] as const)
      as.replace(endpoint, (_request, response) => response.writeHead(404).end());
    expect(await judge(active(await as.sign()), mode, undiscovered())).toBe(expected);
  });

  it('HYB-02 in hybrid leaves time to ask, where the key set hangs', async () => {
    as.replace('jwks', () => undefined);
    const token = active(await as.sign());
    expect(await judge(token, 'hybrid', { ...broken(), http: { timeoutMs: 300 } })).toBe('introspection 1');
  });
});

describe('An encrypted JWT', () => {
  const keys = (encryptedTokens: string) => ({ decryptionKeys: [pair.jwk], encryptedTokens });
  const encrypt = async (jws: string) => encrypted(jws, pair.publicKey);

  it('AT-14 JWE-01 is opened where it is allowed, and then judged as any other', async () => {
    for (const mode of ['local', 'hybrid'] as const) {
      expect(await judge(await encrypt(await as.sign()), mode, keys('allowed'))).toBe('local 0');
      expect(await judge(await encrypt(await as.sign({ exp: 1 })), mode, keys('allowed'))).toBe('expired 0');
    }
    expect(await judge(await as.sign(), 'local', keys('allowed'))).toBe('local 0');
  });

  it('JWE-02 is demanded where it is required', async () => {
    expect(await judge(await encrypt(await as.sign()), 'local', keys('required'))).toBe('local 0');
    expect(await judge(await as.sign(), 'local', keys('required'))).toBe('type 0');
    expect(await judge(await as.sign(), 'hybrid', keys('required'))).toBe('type 0');
    expect(await judge(as.token(), 'hybrid', keys('required'))).toBe('introspection 1');
  });

  it('JWE-01 is refused where keys are for answers only, and opaque where there are none', async () => {
    const token = active(await encrypt(await as.sign()));
    expect(await judge(token, 'hybrid', keys('refused'))).toBe('type 0');
    expect(await judge(token, 'local', keys('refused'))).toBe('type 0');
    expect(await judge(token, 'hybrid')).toBe('introspection 1');
    expect(await judge(token, 'local')).toBe('malformed 0');
  });

  it('JWT-28 is refused where it cannot be opened, or holds no signed JWT', async () => {
    const { publicKey } = await generateKeyPair('ECDH-ES');
    for (const token of [await encrypted(await as.sign(), publicKey), await encrypt('{"sub":"u1"}'), await encrypt('a.b.c')])
      for (const mode of ['local', 'hybrid'] as const)
        expect(await judge(active(token), mode, keys('allowed'))).toBe('malformed 0');
  });

  it('HYB-04 is asked about as it was presented', async () => {
    const token = active(await encrypt(await as.sign()));
    expect(await judge(token, 'both', keys('allowed'))).toBe('both 1');
    expect(as.introspectionRequests()[0]?.form.get('token')).toBe(token);
  });
});
