import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { changed, configurationErrorOf, problemsOf, wrongOptions } from '../../../support/configuration.js';
import { ecKey, octKey } from '../../../support/keys.js';

const jwks = { keys: [ecKey().jwk] };

describe('options that contradict each other', () => {
  it('refuses jwks beside jwksUri', () => {
    expect(wrongOptions(changed({ jwks }))).toEqual(['jwks']);
  });

  it.each(['local', 'hybrid', 'both'])('refuses %s without any keys, and names remote', (verification) => {
    const problems = problemsOf(changed({ verification }, ['jwksUri']));
    expect(problems).toHaveLength(1);
    expect(problems[0]?.remedy).toContain("'remote'");
    expect(problems[0]?.remedy).toMatch(/jwks/);
  });

  it.each(['local', 'hybrid', 'both'])('accepts %s with static keys, or with discovery', (verification) => {
    expect(problemsOf(changed({ verification, jwks }, ['jwksUri']))).toEqual([]);
    const discovering = changed({ verification, discovery: true, issuer: 'https://as.invalid' }, ['jwksUri']);
    expect(problemsOf(discovering)).toEqual([]);
  });

  it.each(['remote', 'hybrid', 'both'])('refuses %s without clientAuthentication, and names local', (verification) => {
    const problems = problemsOf(changed({ verification }, ['clientAuthentication']));
    expect(problems.map(({ option }) => option)).toEqual(['clientAuthentication']);
    expect(problems[0]?.remedy).toContain("'local'");
  });

  it.each(['remote', 'hybrid', 'both'])('refuses %s with no way to the introspection endpoint', (verification) => {
    expect(wrongOptions(changed({ verification }, ['introspectionEndpoint']))).toEqual(['introspectionEndpoint']);
  });

  it('needs neither credentials nor endpoint in local', () => {
    expect(problemsOf(changed({ verification: 'local' }, ['clientAuthentication', 'introspectionEndpoint']))).toEqual([]);
  });

  it('refuses a missing issuer and a missing audience', () => {
    expect(wrongOptions(changed({}, ['issuer', 'audience']))).toEqual(['issuer', 'audience']);
    expect(problemsOf(changed({}, ['audience']))[0]?.remedy).toContain('null');
  });
});

describe('static key sets', () => {
  const withKeys = (keys: unknown, algorithms?: string[]): string[] =>
    wrongOptions(changed({ jwks: keys, ...(algorithms && { algorithms }) }, ['jwksUri']));

  it.each([[5], ['x'], [[]], [{}], [{ keys: {} }], [{ keys: [] }], [{ keys: [null] }], [{ keys: ['x'] }], [null]])(
    'refuses %j',
    (given) => {
      expect(withKeys(given)).toContain('jwks');
    },
  );

  it('refuses private keys', () => {
    const { privateKey } = ecKey();
    expect(withKeys({ keys: [privateKey.export({ format: 'jwk' })] })).toEqual(['jwks']);
  });

  // T73: a key of no bytes verifies whatever an attacker signs with no key.
  it.each([
    ['no key at all', jwks],
    ['an empty secret', { keys: [{ kty: 'oct', k: '' }] }],
    ['a secret without k', { keys: [{ kty: 'oct' }] }],
    ['a secret that is no text', { keys: [{ kty: 'oct', k: 5 }] }],
    ['31 bytes', { keys: [octKey(31)] }],
    ['a secret for another algorithm', { keys: [{ ...octKey(64), alg: 'HS512' }] }],
  ])('T73 refuses HS256 with %s', (_what, keys) => {
    expect(withKeys(keys, ['HS256'])).toEqual(['jwks']);
  });

  it('T73 refuses HS256 with keys that are fetched', () => {
    expect(wrongOptions(changed({ algorithms: ['RS256', 'HS256'] }))).toEqual(['jwks']);
  });

  it('accepts HS256 by name with a static secret of 32 bytes', () => {
    expect(withKeys({ keys: [octKey(32)] }, ['HS256'])).toEqual([]);
  });
});

describe('the one ConfigurationError', () => {
  const broken = {
    issuer: 'http://as.example.com',
    audience: '',
    verification: 'magic',
    discovery: 'yes',
    clientAuthentication: { method: 'client_secret_basic', clientId: '', clientSecret: '' },
    clockToleranceSeconds: Number.NaN,
    realm: '\n',
    extract: { maxTokenLength: '8192', cookie: 'x' },
    http: { timeoutMs: Infinity, breaker: { failures: 0 } },
    cache: {},
    nonsense: 1,
  };
  const names =
    'issuer audience verification discovery clientAuthentication.clientId clientAuthentication.clientSecret ' +
    'clockToleranceSeconds realm extract.maxTokenLength extract.cookie http.timeoutMs http.breaker.failures cache.ttlMs nonsense';

  it('T11 names every problem at once, with what was given and the remedy', () => {
    const error = configurationErrorOf(broken);
    expect(error?.problems.map(({ option }) => option).toSorted()).toEqual(names.split(' ').toSorted());
    for (const { option, given, remedy } of error?.problems ?? []) {
      expect(error?.message).toContain(option);
      expect(error?.message).toContain(given);
      expect(error?.message).toContain(remedy);
    }
    expect(error).toMatchObject({ name: 'ConfigurationError', code: 'ERR_CONFIGURATION' });
  });

  it('holds no value that was given, wherever a secret was put', () => {
    const secret = `planted-${randomBytes(12).toString('hex')}`;
    const everywhere = {
      ...Object.fromEntries(
        'issuer introspectionEndpoint jwksUri verification discovery jwks keySet algorithms tokenTypes claims clockToleranceSeconds clock http extract cache nonsense'
          .split(' ')
          .map((name) => [name, secret]),
      ),
      audience: { [Symbol.for(secret)]: secret, secret },
      realm: `${secret}\n`,
      requiredClaims: [secret, 5],
      clientAuthentication: { method: secret, clientSecret: secret },
      onEvent: [secret],
      issuerFor: secret,
      introspectionParameters: { token: secret },
    };
    for (const options of [
      everywhere,
      changed({ clientAuthentication: { method: 'client_secret_basic', clientId: 5, clientSecret: secret, extra: secret } }),
      secret,
      [secret],
    ]) {
      const error = configurationErrorOf(options);
      expect(error?.problems.length).toBeGreaterThan(0);
      const texts = [
        error?.message,
        error?.stack,
        String(error),
        JSON.stringify(error),
        inspect(error, { depth: Infinity, showHidden: true }),
      ];
      expect(texts.filter((text) => text?.includes(secret))).toEqual([]);
    }
  });
});
