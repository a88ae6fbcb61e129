import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { having, problemsOf, WELL } from '../../../support/configuration.js';

const NO_TEXT = [5, true, {}, [], Symbol('x'), () => 'x'];
const NO_BOOLEAN = ['true', 'false', '', 0, 1, [], {}, Number.NaN];
const NO_GROUP = ['x', 5, true, [], [{}]];
const NO_FUNCTION = ['x', 5, true, {}, []];
const NO_TEXT_LIST = ['x', 5, true, {}, [], [5], [''], ['RS256', null], [['RS256']]];
// T11: numbers that no comparison survives, and texts that look like numbers.
const NO_NUMBER = ['5', '', true, {}, [], [5], Number.NaN, Infinity, -Infinity, -1, 1.5, 10 ** 12];

const WRONG: Record<string, readonly unknown[]> = {
  issuer: [...NO_TEXT, ''],
  audience: [5, true, {}, [], '', [''], [5], ['a', null], [['a']]],
  allowMissingAudience: NO_BOOLEAN,
  verification: [...NO_TEXT, '', 'Remote', 'offline', ['remote']],
  discovery: NO_BOOLEAN,
  introspectionEndpoint: [...NO_TEXT, ''],
  jwksUri: [...NO_TEXT, ''],
  algorithms: [...NO_TEXT_LIST, ['none'], ['rs256'], ['RS256', 'HS1'], ['toString'], ['__proto__']],
  tokenTypes: ['at+jwt', 5, {}, [], [''], [5], [undefined]],
  requiredClaims: ['sub', 5, true, [5], [''], [null], [['sub']], [{ toString: 1 }]],
  claims: NO_GROUP,
  'claims.scopes': [5, true, {}, [], '', [''], [5], [[]], [['a', '']], [{}]],
  'claims.roles': [5, {}, [], [''], [['a', 5]]],
  'claims.clientId': [5, {}, []],
  'claims.tokenId': [5, {}, []],
  'claims.sessionId': [5, {}, []],
  'claims.subjectType': [5, {}, []],
  'claims.sub': ['uid'],
  'claims.iss': ['tenant'],
  'claims.subject': ['uid'],
  'claims.issuer': ['tenant'],
  requireTokenType: NO_BOOLEAN,
  clientAuthentication: NO_GROUP,
  'clientAuthentication.method': [...NO_TEXT, '', 'basic', 'CLIENT_SECRET_BASIC', 'toString', '__proto__', 'constructor'],
  'clientAuthentication.clientId': [5, true, {}, [], '', () => 'rs1'],
  'clientAuthentication.clientSecret': [5, true, {}, [], ''],
  clockToleranceSeconds: [...NO_NUMBER, 301],
  clock: [5, 'x', true, {}, { now: 5 }, []],
  allowInsecureHttp: NO_BOOLEAN,
  realm: [5, true, {}, [], '', 'a\r\nX-Evil: 1', 'caf\u00e9', '\u0000', '\u007f'],
  extract: NO_GROUP,
  'extract.formBody': NO_BOOLEAN,
  'extract.query': NO_BOOLEAN,
  'extract.maxTokenLength': [...NO_NUMBER, 0],
  'extract.token': NO_FUNCTION,
  http: NO_GROUP,
  'http.timeoutMs': [...NO_NUMBER, 0],
  'http.maxResponseBytes': [...NO_NUMBER, 0],
  'http.retries': [...NO_NUMBER, 2],
  onEvent: NO_FUNCTION,
};

describe('options of a wrong type or value', () => {
  it('has a table that starts from options that are well', () => {
    expect(problemsOf(WELL)).toEqual([]);
  });

  describe.each(Object.entries(WRONG))('%s', (option, values) => {
    it.each(values.map((value) => [inspect(value), value]))('refuses %s', (_shown, value) => {
      const problems = problemsOf(having(option, value));
      // The members of a group are judged by themselves: a wrong `claims.scopes[0]` is a wrong `claims.scopes`.
      expect(problems.map((problem) => problem.option)).toContain(option);
      for (const { given, remedy } of problems) {
        expect(given).not.toBe('');
        expect(remedy.length).toBeGreaterThan(10);
      }
    });
  });

  // An unset setting often arrives as null; where the contract gives it a meaning (audience), it is a written value.
  it('refuses null wherever it has no meaning', () => {
    const accepted = Object.keys(WRONG).filter((option) => problemsOf(having(option, null)).length === 0);
    expect(accepted).toEqual(['audience']);
  });

  // Every comparison with NaN is false: such a clock would let every expired token pass.
  it.each([Number.NaN, undefined, 'now', Infinity, {}])('T11 refuses a clock that answers %s', (time) => {
    expect(problemsOf(having('clock', { now: () => time })).map(({ option }) => option)).toEqual(['clock']);
  });

  it('takes undefined for "not given"', () => {
    const required = Object.keys(WRONG).filter((option) => problemsOf(having(option, undefined)).length > 0);
    const credentials = ['method', 'clientId', 'clientSecret'].map((name) => `clientAuthentication.${name}`);
    const ways = ['introspectionEndpoint', 'jwksUri', 'clientAuthentication'];
    expect(required.toSorted()).toEqual(['issuer', 'audience', ...ways, ...credentials].toSorted());
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a text', 'https://as.example.com'],
    ['a list', [WELL]],
    ['a number', 5],
    ['nothing in it', {}],
  ])('refuses options that are %s', (_what, options) => {
    expect(problemsOf(options).length).toBeGreaterThan(0);
  });
});

describe('options at their limits', () => {
  it.each([
    ['audience', null],
    ['audience', ['a', 'urn:x:y', 'free text']],
    ['clockToleranceSeconds', 0],
    ['clockToleranceSeconds', 300],
    ['http.retries', 0],
    ['http.retries', 1],
    ['http.timeoutMs', 2000],
    ['tokenTypes', ['at+jwt', 'JWT', null]],
    ['requiredClaims', []],
    ['algorithms', ['Ed25519']],
    ['realm', 'My "API" \\ 1'],
    ['claims.scopes', [['realm', 'scopes'], 'scp', () => []]],
    ['claims.subjectType', () => 'user'],
    ['clientAuthentication.clientSecret', () => Promise.resolve('rotating')],
    ['clientAuthentication.method', 'client_secret_post'],
  ])('accepts %s %j', (option, value) => {
    expect(problemsOf(having(option, value))).toEqual([]);
  });
});
