import { exportJWK, generateKeyPair, type CryptoKey } from 'jose';
import { createResourceServer, type ResourceServer } from 'nestjs-introspection/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  AUDIENCE,
  startAuthorizationServer,
  type AuthorizationServer,
  type RawHandler,
} from '../../../support/authorization-server.js';
import { encrypted } from '../../../support/signed-answers.js';

type Members = Record<string, unknown>;

let first: AuthorizationServer;
let second: AuthorizationServer;
const opened: ResourceServer[] = [];

beforeAll(async () => {
  [first, second] = await Promise.all([startAuthorizationServer(), startAuthorizationServer()]);
});
beforeEach(() => {
  first.reset();
  second.reset();
});
afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()));
  await Promise.all([first.close(), second.close()]);
});

const down: RawHandler = (_request, response) => response.writeHead(500).end();
const refusing: RawHandler = (_request, response) => response.writeHead(401).end();

function asked(as: AuthorizationServer, options: Members = {}): Members {
  return {
    issuer: as.issuer,
    verification: 'remote',
    discovery: false,
    introspectionEndpoint: as.introspectionEndpoint,
    clientAuthentication: { method: 'none' },
    ...options,
  };
}

async function judge(token: string, options: Members = {}, issuers: Members[] = [asked(first), asked(second)]): Promise<string> {
  const server = createResourceServer({
    issuers,
    issuerFor: 'in-order',
    audience: AUDIENCE,
    allowInsecureHttp: true,
    ...options,
  } as unknown as Parameters<typeof createResourceServer>[0]);
  opened.push(server);
  const outcome = await server.authenticate({ headers: { authorization: `Bearer ${token}` } }).then(
    ({ issuer }) => (issuer === first.issuer ? 'first' : 'second'),
    (error: { reason?: string; code: string }) => error.reason ?? error.code,
  );
  return `${outcome} ${first.introspections}/${second.introspections}`;
}

/** A token that is active at one server, and what it says of it. */
function activeAt(as: AuthorizationServer, members: Members = {}): string {
  return as.token(members);
}

describe('Issuers that are asked in their order', () => {
  it('the first that knows the token decides, and no other is asked', async () => {
    expect(await judge(activeAt(first))).toBe('first 1/0');
    expect(await judge(activeAt(second))).toBe('second 2/1');
  });

  it('none knows the token', async () => {
    expect(await judge('unknown')).toBe('inactive 1/1');
  });

  it.each<[what: string, members: Members, expected: string]>([
    ['expired', { exp: 1 }, 'expired 1/0'],
    ['for another audience', { aud: 'https://other.example.com' }, 'audience 1/0'],
    ['no access token', { token_type: 'refresh_token' }, 'type 1/0'],
  ])('one that knows the token refuses it for all: %s', async (_what, members, expected) => {
    const token = activeAt(first, members);
    second.answer(token, { active: true, ...second.claims() });
    expect(await judge(token)).toBe(expected);
  });

  it.each<[what: string, handler: RawHandler, code: string]>([
    ['is down', down, 'ERR_INTROSPECTION_UNAVAILABLE'],
    ['refuses our credentials', refusing, 'ERR_CLIENT_REJECTED'],
  ])(
    'IERR-07 the next is asked where one %s, and the failure is told where no other knows the token',
    async (_what, handler, code) => {
      first.replace('introspection', handler);
      expect(await judge(activeAt(second))).toBe('second 1/1');
      expect(await judge('unknown')).toBe(`${code} 2/2`);
    },
  );

  it('IERR-07 the first failure is told, whatever fails after it', async () => {
    first.replace('introspection', refusing);
    second.replace('introspection', down);
    expect(await judge('unknown')).toBe('ERR_CLIENT_REJECTED 1/1');
  });

  it('IERR-07 a failure after a refusal is told, as the token may be good there', async () => {
    second.replace('introspection', down);
    expect(await judge('unknown')).toBe('ERR_INTROSPECTION_UNAVAILABLE 1/1');
  });

  it('IERR-07 one that hangs leaves time for the others', async () => {
    first.replace('introspection', () => undefined);
    expect(await judge(activeAt(second), { http: { timeoutMs: 800, retries: 0 } })).toBe('second 1/1');
  });

  it('one alone is asked without any others', async () => {
    const only = [asked(second)];
    expect(await judge(activeAt(second), {}, only)).toBe('second 0/1');
    expect(await judge('unknown', {}, only)).toBe('inactive 0/2');
    second.replace('introspection', down);
    expect(await judge('unknown', {}, only)).toBe('ERR_INTROSPECTION_UNAVAILABLE 0/3');
  });
});

describe('Issuers whose tokens are encrypted', () => {
  it('one that does not open encrypted tokens leaves them to the next', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { extractable: true });
    const decryptionKeys = [await exportJWK(privateKey)];
    const keeping = (as: AuthorizationServer, encryptedTokens: string) =>
      asked(as, { verification: 'hybrid', jwks: as.keys.publicKeySet(), decryptionKeys, encryptedTokens });
    const token = await encrypted(await second.sign(), publicKey);
    expect(await judge(token, {}, [keeping(first, 'refused'), keeping(second, 'allowed')])).toBe('second 0/0');
    expect(await judge(token, {}, [keeping(first, 'refused'), keeping(second, 'refused')])).toBe('type 0/0');
  });

  it('one whose keys are for answers only leaves an encrypted token to whom it may be opaque, and a plain one to nobody', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { extractable: true });
    const opening = (encryptedTokens: string, jwk: object) =>
      asked(first, { verification: 'hybrid', jwks: first.keys.publicKeySet(), decryptionKeys: [jwk], encryptedTokens });
    const jwk = await exportJWK(privateKey);
    const token = await encrypted(await second.sign(), publicKey);
    second.answer(token, { active: true, ...second.claims() });
    expect(await judge(token, {}, [opening('refused', jwk), asked(second)])).toBe('second 0/1');

    const plain = await second.sign({ iss: undefined });
    second.answer(plain, { active: true, ...second.claims() });
    expect(await judge(plain, {}, [opening('required', jwk), asked(second)])).toBe('type 0/1');
  });

  it('one that cannot open a token leaves it to the next', async () => {
    const [left, right] = await Promise.all([1, 2].map(() => generateKeyPair('ECDH-ES', { extractable: true })));
    if (left === undefined || right === undefined) throw new Error('two key pairs expected');
    const opening = async (as: AuthorizationServer, key: CryptoKey) =>
      asked(as, {
        verification: 'hybrid',
        jwks: as.keys.publicKeySet(),
        decryptionKeys: [await exportJWK(key)],
        encryptedTokens: 'allowed',
      });
    const issuers = [await opening(first, left.privateKey), await opening(second, right.privateKey)];
    expect(await judge(await encrypted(await second.sign(), right.publicKey), {}, issuers)).toBe('second 0/0');
    const { publicKey } = await generateKeyPair('ECDH-ES');
    expect(await judge(await encrypted(await second.sign(), publicKey), {}, issuers)).toBe('malformed 0/0');
  });
});
