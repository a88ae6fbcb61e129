import { Logger, type INestApplication } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADAPTERS } from '../support/resource-server.js';
import { watchSecrets, type Secrecy } from '../support/secrecy.js';
import { FaultyStore } from '../support/shared-stores.js';
import { randomText } from '../support/witness.js';

type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** Ways to write a token down, as code does that logs, reports or remembers. */
const WRITTEN: Record<string, (token: string) => string> = {
  'as it is': (token) => token,
  'in base64': (token) => Buffer.from(`user:${token}`).toString('base64'),
  'in base64url': (token) => Buffer.from(`{"token":"${token}"}`).toString('base64url'),
  'percent-encoded': (token) => encodeURIComponent(`"${token}"`),
  'JSON-escaped': (token) => JSON.stringify(JSON.stringify({ token })),
  'in hex': (token) => Buffer.from(token).toString('hex'),
  'its beginning': (token) => `${token.slice(0, 12)}…`,
  'its end': (token) => `…${token.slice(-12)}`,
};

// What is silent may be deaf: each place is shown to be searched by a leak that is put there.
describe.each(ADAPTERS)('T120 a leak is found (%s)', (adapter) => {
  let secrecy: Secrecy;
  beforeEach(async () => {
    secrecy = await watchSecrets(adapter);
  });
  afterEach(() => secrecy.close());

  /** Serves one request of a token that `leak` sees, and says where the token was found again. */
  async function places(leak: (token: string, request: IncomingMessage, response: ServerResponse) => void): Promise<string[]> {
    const configure = (app: INestApplication): void => {
      const middleware: Middleware = (request, response, next) => {
        leak((request.headers.authorization ?? '').slice('Bearer '.length), request, response);
        next();
      };
      app.use(middleware);
    };
    const rs = await secrecy.open({}, configure);
    await secrecy.present(rs, '/any', secrecy.token());
    return secrecy.leaks().map(({ place }) => place);
  }

  it('in a line of the log, in an event, in a header and in a body, however it is written', async () => {
    const configure = (app: INestApplication): void => {
      const middleware: Middleware = (request, response) => {
        const [, way = '', token = ''] = /^Bearer (.*)~(.*)$/.exec(request.headers.authorization ?? '') ?? [];
        const text = WRITTEN[decodeURIComponent(way)]?.(token) ?? '';
        new Logger('Leak').verbose(`got ${text}`);
        secrecy.seen.events.push({ type: 'keys.refreshed', atMs: 0, issuer: text });
        response.setHeader('x-debug', encodeURI(text));
        response.end(`{"error":${JSON.stringify(text)}}`);
      };
      app.use(middleware);
    };
    const rs = await secrecy.open({}, configure);
    for (const way of Object.keys(WRITTEN)) {
      const token = secrecy.hide(way, randomText());
      await secrecy.send(rs, { path: '/any', headers: [['Authorization', `Bearer ${encodeURIComponent(way)}~${token}`]] });
    }
    const leaks = secrecy.leaks();
    for (const way of Object.keys(WRITTEN)) {
      const found = leaks.filter(({ canary }) => canary === way).map(({ place }) => place);
      expect([way, found]).toEqual([way, expect.arrayContaining(['answer 200', 'events (JSON)', 'log of 0 (JSON)'])]);
    }
  });

  it.each(Object.entries(WRITTEN))('in the name and in the value of an entry of a store, %s', async (_how, written) => {
    const store = new FaultyStore();
    const token = secrecy.token();
    await store.set(`introspection1:${written(token)}`, 'x', 1);
    await store.set('introspection1:y', written(token), 1);
    for (const [index, [key, value]] of store.dump().entries()) {
      secrecy.note(`key ${index}`, key);
      secrecy.note(`value ${index}`, value);
    }
    expect(secrecy.leaks().map(({ place }) => place)).toEqual(['key 0', 'value 1']);
  });

  it('in a header alone', async () => {
    expect(await places((token, _request, response) => void response.setHeader('x-debug', token))).toContain('answer 200');
  });

  it.each<[string, (token: string) => unknown]>([
    ['its message', (token) => new Error(`no such token: ${token}`)],
    ['its cause', (token) => new Error('x', { cause: new Error(token) })],
    ['a hidden member of it', (token) => Object.defineProperty(new Error('x'), 'request', { value: { token } })],
    ['its stack', (token) => Object.assign(new Error('x'), { stack: `Error: x\n    at ${token}` })],
    ['what it makes of itself in JSON', (token) => Object.assign(new Error('x'), { toJSON: () => ({ token }) })],
    ['a getter of it', (token) => Object.defineProperty(new Error('x'), 'token', { get: () => token })],
  ])('of an exception: %s', async (_where, make) => {
    const found = await places((token) => void secrecy.seen.exceptions.push(make(token)));
    expect(found.join('\n')).toMatch(/exception/);
  });

  it('in what is written past the logger', async () => {
    const found = await places((token) => process.emitWarning(`token ${token}`));
    expect(found.join('\n')).toMatch(/warnings/);
  });
});
