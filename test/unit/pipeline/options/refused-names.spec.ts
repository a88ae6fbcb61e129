import { describe, expect, it } from 'vitest';
import { having, problemsOf } from '../../../support/configuration.js';

const NOT_BUILT: Record<string, unknown> = {
  resource: 'https://rs.example.com',
  dpop: { mode: 'off' },
  mtls: { mode: 'off' },
  'revocation.backChannelLogout': { audience: 'x' },
  'revocation.securityEvents': {},
  mapPrincipal: () => undefined,
};

const NO_SUCH_OPTION: Record<string, unknown> = {
  isuer: 'https://as.example.com',
  Audience: 'x',
  globalguard: false,
  timeout: 5,
  'http.timeout': 5,
  'http.timeoutSeconds': 5,
  'http.maxConnections': 5,
  'http.agent': {},
  'unknownTokens.max': 5,
  'extract.header': 'x',
  'claims.scope': 'scp',
  'clientAuthentication.secret': 'x',
  'clientAuthentication.token': 'x',
  toString: 'x',
  constructor: 'x',
};

describe('options that a later version will have', () => {
  // Accepted and ignored, each of these would protect nothing while it reads as if it did.
  it.each(Object.entries(NOT_BUILT))('refuses %s as not supported in this version', (option, value) => {
    const problems = problemsOf(having(option, value));
    expect(problems).toEqual([
      { option, given: expect.any(String), remedy: expect.stringContaining('not supported in this version') },
    ]);
  });

  it('refuses them even where they are switched off', () => {
    expect(problemsOf(having('dpop', false)).map(({ option }) => option)).toEqual(['dpop']);
  });
});

describe('options that there are not', () => {
  it.each(Object.entries(NO_SUCH_OPTION))('refuses %s', (option, value) => {
    const problems = problemsOf(having(option, value));
    expect(problems.map((problem) => problem.option)).toEqual([option]);
    expect(problems[0]?.remedy).not.toContain('in this version');
  });

  it('sees an own member that is called __proto__, as parsed configuration files have it', () => {
    const parsed = JSON.parse('{"__proto__":{"allowInsecureHttp":true}}') as object;
    const options = Object.defineProperties(having('realm', 'api'), Object.getOwnPropertyDescriptors(parsed));
    expect(problemsOf(options).map(({ option }) => option)).toEqual(['__proto__']);
  });
});
