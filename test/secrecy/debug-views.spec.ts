import { ModulesContainer } from '@nestjs/core';
import { createPrincipal, IntrospectionGuard, IntrospectionModule, IntrospectionService } from 'nestjs-introspection';
import { createResourceServer, type ResourceServerOptions } from 'nestjs-introspection/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAuthorizationServer } from '../support/authorization-server.js';
import { ecKey, rsaKey } from '../support/keys.js';
import { LeakSearch } from '../support/leaks.js';
import { holdAnswers } from '../support/remembering.js';
import { ADAPTERS, type ResourceServer } from '../support/resource-server.js';
import { watchSecrets, type Secrecy } from '../support/secrecy.js';
import { FaultyStore } from '../support/shared-stores.js';
import { application, optionsFor, randomText, SECRET } from '../support/witness.js';

const CACHE_SECRET = `cache-secret-${randomText()}`;
const BEARER = `bearer-${randomText()}`;
const [signing, decryption] = [ecKey(), await rsaKey()];
const pem = signing.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const privateJwk = decryption.privateKey.export({ format: 'jwk' });

/** Options with a secret wherever one can be. */
const SECRETIVE: Record<string, Record<string, unknown>> = {
  'a client secret': { clientAuthentication: { method: 'client_secret_post', clientId: 'rs1', clientSecret: SECRET } },
  'a client secret that signs': { clientAuthentication: { method: 'client_secret_jwt', clientId: 'rs1', clientSecret: SECRET } },
  'a token of our own': { clientAuthentication: { method: 'bearer', token: BEARER } },
  'a private key as PEM': { clientAuthentication: { method: 'private_key_jwt', clientId: 'rs1', key: pem } },
  'a private key as an object': {
    clientAuthentication: { method: 'private_key_jwt', clientId: 'rs1', key: signing.privateKey },
  },
  'a private key as a JWK': {
    clientAuthentication: {
      method: 'private_key_jwt',
      clientId: 'rs1',
      key: signing.privateKey.export({ format: 'jwk' }),
      algorithm: 'ES256',
    },
  },
  'keys to decrypt with': { decryptionKeys: [{ ...privateJwk, alg: 'RSA-OAEP-256', kid: 'd' }], encryptedTokens: 'allowed' },
  'a secret of the cache': { cache: { ttlMs: 60_000, shared: new FaultyStore(), secret: CACHE_SECRET } },
  'secrets of the cache as bytes': {
    cache: { ttlMs: 60_000, shared: new FaultyStore(), secret: [Buffer.from(CACHE_SECRET), new Uint8Array(32)] },
  },
};

function hideSecrets(secrecy: Secrecy): void {
  secrecy.hide('the secret of the cache', CACHE_SECRET);
  secrecy.hide('the token of our own', BEARER);
  for (const line of pem.split('\n').slice(1, -2)) secrecy.hide('a line of the private key', line);
  for (const [name, value] of Object.entries(signing.privateKey.export({ format: 'jwk' })))
    if (name === 'd') secrecy.hide('the private exponent', String(value));
  for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const)
    secrecy.hide(`${name} of the key to decrypt with`, privateJwk[name] ?? '');
}

describe.each(ADAPTERS)('T120 no debug view shows a secret (%s)', (adapter) => {
  let secrecy: Secrecy;
  beforeEach(async () => {
    secrecy = await watchSecrets(adapter);
    hideSecrets(secrecy);
  });
  afterEach(() => secrecy.close());

  /** What the container holds of the module, by what Nest calls it. */
  function providersOf(rs: ResourceServer): [name: string, instance: unknown][] {
    const module = [...rs.app.get(ModulesContainer).values()].find(({ metatype }) => metatype === IntrospectionModule);
    return [...(module?.providers.values() ?? [])]
      .filter(({ name }) => !['ModuleRef', 'ApplicationConfig', 'IntrospectionLifecycle'].includes(String(name)))
      .map(({ name, instance }): [string, unknown] => [String(name), instance]);
  }

  it('of a principal, which shows claims and never its token', async () => {
    const rs = await secrecy.open({});
    const token = secrecy.hide('the token', secrecy.as.token());
    expect(await secrecy.present(rs, '/any', token)).toBe(200);
    const [principal] = secrecy.seen.principals;
    expect(principal?.token).toBe(token);
    secrecy.look('principal', principal);
    secrecy.look('principal, copied', Object.assign({}, principal));
    secrecy.look('principal, cloned', structuredClone(principal));
    secrecy.look('principal of the application', createPrincipal({ issuer: 'x' }));
    secrecy.expectSilence('principal (inspect with getters)', 'principal, cloned');
  });

  it.each(Object.keys(SECRETIVE))('of whatever has been given %s', async (what) => {
    const rs = await secrecy.open({ verification: 'hybrid', ...SECRETIVE[what] });
    const token = secrecy.token();
    const held = secrecy.token();
    const { arrived, release } = holdAnswers(secrecy.as, held);
    expect(await secrecy.present(rs, '/any', token)).toBe(200);
    // A call that is under way is looked at, too.
    const pending = secrecy.present(rs, '/any', held);
    await arrived;
    const service = rs.app.get(IntrospectionService);
    for (const [name, view] of Object.entries({ service, guard: rs.app.get(IntrospectionGuard), health: service.health() }))
      secrecy.look(name, view);
    const options = optionsFor(secrecy.as, { ...SECRETIVE[what] });
    const server = createResourceServer(options as ResourceServerOptions);
    secrecy.look('server', server);
    secrecy.look('what forRoot() makes', application(options).root);
    release({ active: false });
    expect(await pending).toBe(401);
    await server.close();
    secrecy.expectSilence('service (inspect with getters)', 'guard', 'server (JSON)', 'what forRoot() makes', 'log of 0');
  });

  it('of what the container of Nest holds of the module', async () => {
    const rs = await secrecy.open({ ...SECRETIVE['a secret of the cache'] });
    expect(await secrecy.present(rs, '/any', secrecy.token())).toBe(200);
    const providers = providersOf(rs);
    expect(providers.map(([name]) => name)).toContain('IntrospectionGuard');
    for (const [name, instance] of providers) secrecy.look(name, instance);
    secrecy.expectSilence('IntrospectionGuard', 'IntrospectionService');
  });
});

it('T120 a view that shows secrets is found to do so', async () => {
  const as = await startAuthorizationServer();
  const search = new LeakSearch([{ name: 'the client secret', text: SECRET }]);
  expect(search.findIn('options', optionsFor(as, {}))).not.toEqual([]);
  await as.close();
});
