import {
  createResourceServer,
  InvalidTokenError,
  type AccessTokenPrincipal,
  type ResourceServer,
} from 'nestjs-introspection/core';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { settableClock, type SettableClock } from '../support/clock.js';
import { macSigner, rsaKey, signer, type TestKey } from '../support/keys.js';
import { compile, evaluate, readRecipes, readRecorded, recordedServers, type RecordedToken } from '../support/recipes.js';
import { compact } from '../support/tokens.js';

type Claims = Readonly<Record<string, unknown>>;

const TIMES = new Set(['exp', 'iat', 'nbf', 'auth_time', 'rat']);
const recipes = readRecipes();

let as: AuthorizationServer;
let clock: SettableClock;
let key: TestKey;
let stranger: TestKey;

beforeAll(async () => {
  clock = settableClock();
  [as, key, stranger] = await Promise.all([startAuthorizationServer({ clock }), rsaKey(2048, 'own'), rsaKey(2048, 'own')]);
  process.env['KEYCLOAK_CLIENT_SECRET'] = 'keycloak-secret-value';
  process.env['ZITADEL_PRIVATE_KEY'] = stranger.privateKey.export({ format: 'pem', type: 'pkcs1' }).toString();
  process.env['ZITADEL_KEY_ID'] = '243866000000000001';
});
afterAll(async () => {
  for (const name of ['KEYCLOAK_CLIENT_SECRET', 'ZITADEL_PRIVATE_KEY', 'ZITADEL_KEY_ID']) delete process.env[name];
  await as.close();
});

const atThisTime = (claims: Claims): Claims =>
  Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [name, TIMES.has(name) ? clock.seconds() + Number(value) : value]),
  );

/** A token that can be presented, its answer laid out at the server. */
function issue(token: RecordedToken, changes: { claims?: Claims; key?: TestKey } = {}): string {
  const { opaque, header = {}, claims = {}, answer } = token;
  const all = { ...atThisTime(claims), ...changes.claims };
  const alg = String(header['alg']);
  const sign = alg.startsWith('HS') ? macSigner(alg, randomBytes(64)) : signer('RS256', (changes.key ?? key).privateKey);
  const presented = opaque ?? compact({ kid: key.kid, ...header }, all, sign);
  if (answer) as.answer(presented, answer['active'] === true ? { ...atThisTime(answer), ...changes.claims } : { ...answer });
  return presented;
}

const authenticate = (server: ResourceServer, token: string): Promise<AccessTokenPrincipal> =>
  server.authenticate({ method: 'GET', url: '/albums', headers: { authorization: `Bearer ${token}` } });

async function refuse(server: ResourceServer, token: string): Promise<InvalidTokenError> {
  const error: unknown = await authenticate(server, token).then(
    () => 'the token was accepted',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InvalidTokenError);
  return error as InvalidTokenError;
}

describe('Recipes of docs/authorization-servers.md', () => {
  it('AT-01 there is one for each server that was recorded, and they compile', () => {
    expect(recipes.map(({ name }) => name).sort()).toEqual(recordedServers());
    expect(compile(recipes)).toEqual([]);
    expect(
      compile([
        { server: 'a control', name: 'wrong', code: `export const wrong = { issuer: 5 } satisfies ResourceServerOptions;` },
      ]),
    ).not.toEqual([]);
  });
});

describe.each(recipes)('The recipe for $server', (recipe) => {
  const { key: published, accessTokens, others } = readRecorded(recipe.name);
  let server: ResourceServer;
  let audience: unknown;

  beforeAll(async () => {
    as.reset();
    const page = await evaluate(recipe);
    ({ audience } = page);
    // Where it stands on the network is all that differs from the page.
    const asked = page.verification === 'both' || page.verification === 'remote';
    const keys = page.verification === 'remote' ? {} : { jwks: { keys: [{ ...key.jwk, ...published }] } };
    server = createResourceServer({
      ...page,
      discovery: false,
      clock,
      allowInsecureHttp: true,
      ...keys,
      ...(asked && { introspectionEndpoint: as.introspectionEndpoint }),
    } as Parameters<typeof createResourceServer>[0]);
  });
  afterAll(() => server.close());

  it.each(accessTokens)('AT-01 IRESP-17 accepts an access token $name', async (token) => {
    const principal = await authenticate(server, issue(token));
    expect(principal).toMatchObject(token.principal ?? {});
    expect(principal.issuer).toBe((token.claims ?? token.answer)?.['iss']);
  });

  it.each(others)('JWT-23 IRESP-17 T12 refuses: $name', async (token) => {
    const error = await refuse(server, issue(token));
    expect(server.challenge(error)).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
  });

  const idTokens = others.filter(({ name, claims }) => claims && name.startsWith('ID token'));
  it.each(idTokens.filter(({ answer }) => !answer))('JWT-23 T87 refuses even with our audience: $name', async (token) => {
    expect((await refuse(server, issue(token, { claims: { aud: audience ?? 'anything' } }))).reason).toMatch(/type|claim/);
  });

  it('JWT-16 JWT-18 AT-06 IRESP-07 IRESP-09 refuses an access token that was changed in one thing', async () => {
    const [token] = accessTokens as [RecordedToken];
    await authenticate(server, issue(token));
    const wrong: Claims[] = [
      { iss: 'https://other.example.com' },
      { exp: clock.seconds() - 60 },
      ...(audience === null ? [{ client_id: 'somebody-else' }] : [{ aud: 'https://other.example.com' }, { aud: undefined }]),
    ];
    for (const claims of wrong) await refuse(server, issue(token, { claims }));
    if (token.claims) await refuse(server, issue(token, { key: stranger }));
  });
});
