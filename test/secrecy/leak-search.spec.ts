import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { LeakSearch } from '../support/leaks.js';

const TEXT = 'cänary "token" +/%\\ 0123456789abcdef';
const search = new LeakSearch([{ name: 'planted', text: TEXT }]);
const bytes = Buffer.from(TEXT);

// A search that finds nothing proves nothing until it has found what was planted, in each form and each place.
describe('the search for leaks', () => {
  it.each([
    ['as it is', TEXT],
    ['base64', bytes.toString('base64')],
    ['base64url', bytes.toString('base64url')],
    ['base64 behind another text', Buffer.from(`client:${TEXT}`).toString('base64')],
    ['base64 behind one byte', Buffer.from(`x${TEXT}`).toString('base64')],
    ['base64 behind two bytes', Buffer.from(`xy${TEXT}`).toString('base64url')],
    ['hex', bytes.toString('hex')],
    ['hex in capitals', bytes.toString('hex').toUpperCase()],
    ['a Buffer as it is printed', inspect(bytes)],
    ['numbers', JSON.stringify(bytes)],
    ['HTML', TEXT.replaceAll('"', '&#34;')],
    ['percent-encoded', encodeURIComponent(TEXT)],
    ['form-encoded', String(new URLSearchParams({ token: TEXT }))],
    ['JSON', JSON.stringify({ token: TEXT })],
    ['JSON in JSON', JSON.stringify({ body: JSON.stringify({ token: TEXT }) })],
    ['its first piece', TEXT.slice(0, 12)],
    ['a piece in its middle', TEXT.slice(9, 21)],
    ['its last piece', TEXT.slice(-12)],
    ['a piece in base64', Buffer.from(TEXT.slice(9, 27)).toString('base64')],
    ['a piece in base64url, behind another text', Buffer.from(`x: ${TEXT.slice(9, 27)}`).toString('base64url')],
    ['a piece in hex', Buffer.from(TEXT.slice(9, 21)).toString('hex')],
    ['a piece in a Buffer as it is printed', inspect(Buffer.from(TEXT.slice(9, 21)))],
  ])('finds %s', (_form, written) => {
    expect(search.find('somewhere', `before ${written} after`)).not.toEqual([]);
  });

  it.each([
    ['a message', new Error(TEXT)],
    ['a cause', new Error('x', { cause: new Error(TEXT) })],
    ['a cause of a cause', new Error('x', { cause: new Error('y', { cause: { token: TEXT } }) })],
    ['a hidden member', Object.defineProperty({}, 'token', { value: TEXT, enumerable: false })],
    ['a hidden member of an error', Object.defineProperty(new Error('x'), 'detail', { value: TEXT, enumerable: false })],
    ['a symbol', { [Symbol('token')]: TEXT }],
    ['a deep member', { a: { b: { c: { d: { e: { f: [{ token: TEXT }] } } } } } }],
    ['a Map', new Map([['token', TEXT]])],
    ['a Map key', new Map([[TEXT, 1]])],
    ['a Set in a list', [new Set([TEXT])]],
    ['a toJSON', { toJSON: () => ({ token: TEXT }) }],
    [
      'a getter',
      {
        get token(): string {
          return TEXT;
        },
      },
    ],
    ['a hidden getter', Object.defineProperty({}, 'token', { get: () => TEXT, enumerable: false })],
    ['the target of a Proxy', new Proxy({ token: TEXT }, { get: () => undefined, ownKeys: () => [] })],
    ['bytes', { token: bytes }],
    ['bytes of an array of bytes', [new Uint8Array(bytes)]],
    ['a thrown text', new AggregateError([new Error(TEXT)], 'x')],
    ['a name of a member', { [TEXT]: 1 }],
    ['a long list', [...Array<string>(500).fill('x'), TEXT]],
  ])('finds %s', (_place, value) => {
    expect(search.findIn('somewhere', value)).not.toEqual([]);
  });

  it('finds nothing in other texts, and does not repeat what it found', () => {
    expect(search.find('somewhere', 'an ordinary text about a token and 0123456789')).toEqual([]);
    expect(JSON.stringify(search.find('somewhere', TEXT))).not.toContain(TEXT.slice(0, 12));
  });
});
