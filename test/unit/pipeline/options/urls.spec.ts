import { describe, expect, it } from 'vitest';
import { changed, problemsOf, wrongOptions } from '../../../support/configuration.js';

// With discovery on, a refused endpoint is the only problem: it could be discovered.
const having = (overrides: Record<string, unknown>): Record<string, unknown> => changed({ discovery: true, ...overrides });

const OPTIONS = ['issuer', 'introspectionEndpoint', 'jwksUri'] as const;

/** T125: what two parsers may read as two hosts, and what is no https URL. */
const BROKEN: Record<string, string> = {
  'a path': '/introspect',
  'a host': 'as.example.com',
  'a host and port': 'as.example.com:443',
  'no host': 'https://',
  'no slashes': 'https:as.example.com',
  'one slash': 'https:/as.example.com',
  'three slashes': 'https:///as.example.com',
  'user information': 'https://u:p@as.example.com',
  'a user': 'https://u@as.example.com',
  'empty user information': 'https://@as.example.com',
  'an empty password': 'https://:@as.example.com',
  'a host that looks like another': 'https://localhost:80@evil.example',
  'a backslash': 'https://as.example.com\\@evil.example',
  'a leading space': ' https://as.example.com',
  'a trailing space': 'https://as.example.com ',
  'a tab inside': 'https://as.exam\tple.com',
  'a line end': 'https://as.example.com\n',
  'a leading control character': '\u0001https://as.example.com',
  'a trailing NUL': 'https://as.example.com\u0000',
  'a no-break space': 'https://as.example.com\u00a0',
  'a fragment': 'https://as.example.com/#x',
  'an empty fragment': 'https://as.example.com/#',
  ftp: 'ftp://as.example.com',
  file: 'file:///etc/passwd',
  data: 'data:application/json,{}',
  javascript: 'javascript:alert(1)',
  'a port out of range': 'https://as.example.com:99999',
};

const INSECURE: Record<string, string> = {
  'http elsewhere': 'http://as.example.com',
  'http on localhost': 'http://localhost:8080',
  'http on 127.0.0.1': 'http://127.0.0.1:8080',
  'http on ::1': 'http://[::1]:8080',
  'HTTP in capitals': 'HTTP://localhost:8080',
};

describe.each(OPTIONS)('%s', (option) => {
  it.each(Object.entries(BROKEN))('T125 refuses %s, with and without allowInsecureHttp', (_what, url) => {
    expect(wrongOptions(having({ [option]: url }))).toEqual([option]);
    expect(wrongOptions(having({ [option]: url, allowInsecureHttp: true }))).toEqual([option]);
  });

  it.each(Object.entries(INSECURE))('T125 refuses %s unless allowInsecureHttp is written', (_what, url) => {
    const problems = problemsOf(having({ [option]: url }));
    expect(problems.map((problem) => problem.option)).toEqual([option]);
    expect(problems[0]?.remedy).toContain('allowInsecureHttp');
    expect(problemsOf(having({ [option]: url, allowInsecureHttp: true }))).toEqual([]);
  });

  it('accepts ports, paths, trailing slashes and IPv6 hosts', () => {
    for (const url of ['https://as.example.com:8443/t/1', 'https://as.example.com/', 'https://[2001:db8::1]/x'])
      expect(problemsOf(having({ [option]: url }))).toEqual([]);
  });
});

describe('queries in URLs', () => {
  it('refuses them in issuers (RFC 8414 §2), even when empty', () => {
    expect(wrongOptions(having({ issuer: 'https://as.example.com/?a=b' }))).toEqual(['issuer']);
    expect(wrongOptions(having({ issuer: 'https://as.example.com/?' }))).toEqual(['issuer']);
  });

  it('leaves them to endpoints', () => {
    const introspectionEndpoint = 'https://as.example.com/introspect?tenant=a';
    expect(problemsOf(having({ introspectionEndpoint, jwksUri: 'https://as.example.com/jwks?p=x' }))).toEqual([]);
  });
});
