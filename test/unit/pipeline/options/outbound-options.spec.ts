import { createResourceServer } from 'nestjs-introspection/core';
import { inspect } from 'node:util';
import { Agent } from 'undici';
import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../../../libs/introspection/src/pipeline/options/resolve-options.js';
import { changed, problemsOf, WELL, wrongOptions } from '../../../support/configuration.js';

const NO_NUMBER: readonly unknown[] = ['5', true, null, {}, [], Number.NaN, Infinity, -1, 1.5];
const NO_GROUP: readonly unknown[] = [5, 'x', true, null, [], () => undefined];
const NO_FUNCTION: readonly unknown[] = [5, 'x', true, null, {}, []];

const WRONG: Record<string, readonly unknown[]> = {
  'http.maxConcurrent': [...NO_NUMBER, 0],
  'http.maxQueued': NO_NUMBER,
  'http.breaker': NO_GROUP,
  'http.breaker.failures': [...NO_NUMBER, 0],
  'http.breaker.openMs': [...NO_NUMBER, 0],
  'http.breaker.threshold': [5],
  'http.userAgent': [5, true, null, {}, [], '', 'a\r\nX-Evil: 1', 'caf\u00e9', '\u0000', '\u{1f600}'],
  'http.fetch': NO_FUNCTION,
  'http.dispatcher': [5, 'x', true, null, {}, [], () => undefined, 'http://proxy.example'],
  unknownTokens: NO_GROUP,
  'unknownTokens.perClient': [...NO_NUMBER, 0],
  'unknownTokens.windowMs': [...NO_NUMBER, 0],
  'unknownTokens.clientKey': NO_FUNCTION,
  'unknownTokens.max': [5],
};

const RIGHT: Record<string, readonly unknown[]> = {
  'http.maxConcurrent': [1, 10_000],
  'http.maxQueued': [0, 1],
  'http.breaker': [{}, { failures: 1 }, { openMs: 1000 }],
  'http.userAgent': ['my-api/1.0 (+https://api.example.com)'],
  'http.fetch': [globalThis.fetch],
  'http.dispatcher': [new Agent()],
  unknownTokens: [{}, { perClient: 1 }, { perClient: 5, windowMs: 1000, clientKey: () => 'x' }],
};

/** Options with one changed, however deep. */
function withOption(path: string, value: unknown): Record<string, unknown> {
  const [group = '', ...rest] = path.split('.');
  return changed({ [group]: rest.toReversed().reduce((inner: unknown, name) => ({ [name]: inner }), value) });
}

describe.each(Object.entries(WRONG))('%s', (option, values) => {
  it.each(values.map((value) => [inspect(value), value]))('refuses %s', (_shown, value) => {
    expect(wrongOptions(withOption(option, value))).toEqual([option]);
  });
});

describe.each(Object.entries(RIGHT))('%s', (option, values) => {
  it.each(values.map((value) => [inspect(value, { depth: 0 }), value]))('accepts %s', (_shown, value) => {
    expect(problemsOf(withOption(option, value))).toEqual([]);
  });
});

describe('what excludes each other', () => {
  const fetch = globalThis.fetch;
  const dispatcher = new Agent();
  const mutualTls = { method: 'tls_client_auth', clientId: 'rs1', certificate: () => 'x', key: () => 'y' };
  const selfSigned = { ...mutualTls, method: 'self_signed_tls_client_auth' };

  it.each([
    ['fetch and ca', { http: { fetch, ca: 'x' } }],
    ['fetch and dispatcher', { http: { fetch, dispatcher } }],
    ['dispatcher and ca', { http: { dispatcher, ca: 'x' } }],
    ['fetch and tls_client_auth', { http: { fetch }, clientAuthentication: mutualTls }],
    ['fetch and self_signed_tls_client_auth', { http: { fetch }, clientAuthentication: selfSigned }],
    ['dispatcher and tls_client_auth', { http: { dispatcher }, clientAuthentication: mutualTls }],
    ['dispatcher and self_signed_tls_client_auth', { http: { dispatcher }, clientAuthentication: selfSigned }],
  ])('%s', (_what, options) => {
    const wrong = wrongOptions(changed(options));
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toMatch(/^http\.(fetch|dispatcher|ca)$/);
  });

  it('fetch and one issuer of several that uses mutual TLS', () => {
    const { issuer, clientAuthentication, ...rest } = WELL;
    const other = { issuer: 'https://other.example.com', clientAuthentication: mutualTls };
    const { introspectionEndpoint, jwksUri, ...defaults } = rest;
    const endpoints = { introspectionEndpoint, jwksUri };
    const issuers = [
      { issuer, clientAuthentication, ...endpoints },
      { ...other, ...endpoints },
    ];
    const options = { ...defaults, issuers, issuerFor: 'in-order' };
    expect(wrongOptions(options)).toEqual([]);
    expect(wrongOptions({ ...options, http: { fetch } })).toEqual(['http.fetch']);
  });
});

describe('defaults', () => {
  it('are what the contract says', () => {
    const resolved = resolveOptions(WELL);
    expect(resolved.http).toMatchObject({ maxConcurrent: 256, maxQueued: 1000, breaker: { failures: 5, openMs: 10_000 } });
    expect(resolved.http.fetch).toBeUndefined();
    expect(resolved.http.dispatcher).toBeUndefined();
    expect(resolved.unknownTokens).toBeUndefined();
    expect(resolveOptions({ ...WELL, unknownTokens: {} }).unknownTokens).toMatchObject({ perClient: 20, windowMs: 60_000 });
  });

  it('leave the rest of a group as it is', () => {
    const given = { ...WELL, http: { breaker: { failures: 2 } } };
    expect(resolveOptions(given).http.breaker).toEqual({ failures: 2, openMs: 10_000 });
    void createResourceServer(given as unknown as Parameters<typeof createResourceServer>[0]).close();
  });
});
