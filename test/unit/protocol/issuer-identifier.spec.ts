import { describe, expect, it } from 'vitest';
import {
  isInsecureBeyondLoopback,
  issuerFault,
  metadataUrls,
  urlFault,
} from '../../../libs/introspection/src/protocol/issuer-identifier.js';

describe('urlFault', () => {
  it.each([
    'https://as.example.com',
    'https://as.example.com/',
    'HTTPS://as.example.com/t1?x=1',
    'https://as.example.com:8443/a/b',
    'https://[::1]/x',
    'https://as.example.com/user@host',
    'https://as.example.com//user@host',
    'https://as.example.com/?mail=a@b',
  ])('finds nothing wrong with %s', (url) => {
    expect(urlFault(url, false)).toBeUndefined();
  });

  // A parser would repair each of these, and the next one would repair it differently.
  it.each([
    '',
    'as.example.com',
    '/introspect',
    'https:as.example.com',
    'https:/as.example.com',
    'https:///as.example.com',
    '//as.example.com',
    ' https://as.example.com',
    'https://as.example.com ',
    'https://as.exa mple.com',
    'https://as.example.com/a b',
    'https://as.example.com/a\tb',
    'https://as.example.com/a\nb',
    'https://as.example.com/\u0000',
    'https://as.example.com/\u0085',
    'https:\\\\as.example.com',
    'https://as.example.com\\@evil.example',
    'https://\u0001as.example.com',
    'https://\\as.example.com',
    'https://as.example.com:port/',
    'x https://as.example.com',
    '5https://as.example.com',
    'https://?x',
    'https://#x',
    'https:// as.example.com',
  ])('takes %j for no absolute URL', (url) => {
    expect(urlFault(url, true)).toBe('is not an absolute URL');
  });

  it.each(['ftp://as.example.com', 'ws://as.example.com', 'httpss://as.example.com', 'h-t.t+p://as.example.com'])(
    'refuses the scheme of %s',
    (url) => {
      expect(urlFault(url, true)).toMatch(/https/);
      expect(urlFault(url, true)).not.toBe(urlFault('x', true));
    },
  );

  it('INTRO-06 allows http: where it is allowed in so many words, and says how', () => {
    for (const url of ['http://as.example.com', 'http://127.0.0.1:8080/x']) {
      expect(urlFault(url, false)).toMatch(/allowInsecureHttp/);
      expect(urlFault(url, true)).toBeUndefined();
    }
    expect(urlFault('https://as.example.com', true)).toBeUndefined();
  });

  it.each(['https://user@as.example.com', 'https://user:pass@as.example.com/', 'https://@as.example.com', 'http://a:b@c'])(
    'refuses the user information of %s',
    (url) => {
      expect(urlFault(url, true)).toMatch(/user information/);
    },
  );

  it('refuses fragments, also empty ones', () => {
    for (const url of ['https://as.example.com#x', 'https://as.example.com/a?b#', 'https://as.example.com/#@'])
      expect(urlFault(url, false)).toMatch(/fragment/);
  });
});

describe('issuerFault', () => {
  it('META-05 refuses a query, also an empty one, and what no URL may have', () => {
    expect(issuerFault('https://as.example.com/t1', false)).toBeUndefined();
    for (const issuer of ['https://as.example.com?x', 'https://as.example.com/?'])
      expect(issuerFault(issuer, false)).toMatch(/query/);
    expect(issuerFault('https://as.example.com#y', false)).toMatch(/fragment/);
    expect(issuerFault('http://as.example.com', false)).toMatch(/allowInsecureHttp/);
    expect(issuerFault('http://as.example.com?x', true)).toMatch(/query/);
  });
});

describe('isInsecureBeyondLoopback', () => {
  it.each([
    'http://as.example.com',
    'http://10.0.0.1/',
    'http://localhost.example.com',
    'http://mylocalhost',
    'http://128.0.0.1',
    'http://127.0.0.1.example.com',
    'http://[::2]',
    'http://[::1:1]',
  ])('is true of %s', (url) => {
    expect(isInsecureBeyondLoopback(url)).toBe(true);
  });

  it.each([
    'https://as.example.com',
    'http://localhost:8080',
    'http://127.0.0.1',
    'http://127.20.30.40:1/x',
    'http://[::1]:8080',
    'no URL',
  ])('is false of %s', (url) => {
    expect(isInsecureBeyondLoopback(url)).toBe(false);
  });
});

describe('metadataUrls', () => {
  const at = 'https://as.example.com';

  it.each(['https://as.example.com', 'https://as.example.com/'])('META-03 has two places for %s', (issuer) => {
    expect(metadataUrls(issuer)).toEqual([
      `${at}/.well-known/oauth-authorization-server`,
      `${at}/.well-known/openid-configuration`,
    ]);
  });

  it.each([
    ['https://as.example.com/t1', '/t1'],
    ['https://as.example.com/t1/', '/t1'],
    ['https://as.example.com/a/b', '/a/b'],
    ['https://as.example.com/a//', '/a/'],
  ])('META-01 META-02 META-03 has three places for %s, in their order', (issuer, path) => {
    expect(metadataUrls(issuer)).toEqual([
      `${at}/.well-known/oauth-authorization-server${path}`,
      `${at}/.well-known/openid-configuration${path}`,
      `${at}${path}/.well-known/openid-configuration`,
    ]);
  });
});
