import { expect } from 'vitest';
import { expect200, expect400Request, expect401Token } from '../support/expectations.js';
import { derSigner, ecKey, signer } from '../support/keys.js';
import { expectCalls, LOCAL, warmAndRested } from '../support/scenario.js';
import { describeRows, row, type Fixture, type Row } from '../support/table.js';
import { compact, encodePart, flipBit, ownClaims, ownHeader, ownPrivateKey, ownSigner, type Part } from '../support/tokens.js';

type Make = (fixture: Fixture) => string | Promise<string>;

const good = (as: Fixture['as']): string => compact(ownHeader(as), ownClaims(as), ownSigner(as));
const withHeader = (overrides: Record<string, unknown>): Make => {
  return ({ as }) => compact(ownHeader(as, overrides), ownClaims(as), ownSigner(as));
};
/** The header as text, with `$` for the members that the server would write. */
const headerText = (text: string): Make => {
  return ({ as }) => compact(text.replace('$', JSON.stringify(ownHeader(as)).slice(1, -1)), ownClaims(as), ownSigner(as));
};
const payloadText = (text: string | Buffer): Make => {
  return ({ as }) => {
    const members = JSON.stringify(ownClaims(as)).slice(1, -1);
    return compact(ownHeader(as), typeof text === 'string' ? text.replace('$', () => members) : text, ownSigner(as));
  };
};
const utf16 = (part: (as: Fixture['as']) => Part): Make => {
  return ({ as }) => compact(ownHeader(as), Buffer.from(JSON.stringify(part(as)), 'utf16le'), ownSigner(as));
};

/** Each token is refused as a token: no question, no key set fetch, no handler. */
function refused(title: string, cases: Record<string, Make>): Row[] {
  return Object.entries(cases).map(([what, make]) =>
    row(`${title}: ${what}`, async (fixture) => {
      await warmAndRested(fixture);
      const answer = await fixture.rs.get('/any', `Bearer ${await make(fixture)}`);
      expect401Token(answer);
      expectCalls(answer, { I: 0, J: 0 });
    }),
  );
}

/** Each credential breaks the grammar of the field, before anybody asks whether it is a JWT. */
function malformedRequest(title: string, cases: Record<string, Make>): Row[] {
  return Object.entries(cases).map(([what, make]) =>
    row(`${title}: ${what}`, async (fixture) => {
      await warmAndRested(fixture);
      const answer = await fixture.rs.get('/any', `Bearer ${await make(fixture)}`);
      expect400Request(answer);
      expectCalls(answer, { I: 0, J: 0 });
    }),
  );
}

function accepted(title: string, cases: Record<string, Make>): Row[] {
  return Object.entries(cases).map(([what, make]) =>
    row(`${title}: ${what}`, async (fixture) => {
      const answer = await fixture.rs.get('/any', `Bearer ${await make(fixture)}`);
      expect200(answer);
      expectCalls(answer, { I: 0 });
    }),
  );
}

const replacePart = (token: string, part: number, change: (text: string) => string): string =>
  token
    .split('.')
    .map((text, index) => (index === part ? change(text) : text))
    .join('.');

/** A token whose part holds the character that `+` or `/` stands for in plain base64. */
function containing(as: Fixture['as'], part: number, character: '-' | '_'): string {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const filler = String(attempt).repeat(3) + 'ÿ?>~ÿÿ>?~~~???';
    const token = compact(ownHeader(as, { x: filler }), ownClaims(as, { x: filler }), ownSigner(as));
    if (token.split('.')[part]?.includes(character)) return token;
  }
  throw new Error(`no ${character} in 200 tokens`);
}

/** Another text for the same bytes: 64 of them leave four bits of the last character unused. */
function withSpareBits(signature: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const other = `${signature.slice(0, -1)}${alphabet[alphabet.indexOf(signature.at(-1) ?? '') ^ 1]}`;
  expect(Buffer.from(other, 'base64url')).toEqual(Buffer.from(signature, 'base64url'));
  return other;
}

const json = ({ as }: Fixture): string => {
  const [header, payload, signature] = good(as).split('.');
  return JSON.stringify({ payload, signatures: [{ protected: header, signature }] });
};

describeRows(
  'RFC 7515 compact serialisation',
  [
    ...refused('JWT-01 T82 is no JWS', {
      'two parts': ({ as }) => good(as).split('.').slice(0, 2).join('.'),
      'four parts': ({ as }) => `${good(as)}.YQ`,
      'six parts': ({ as }) => `${good(as)}.${good(as)}`,
      'an empty fourth part': ({ as }) => `${good(as)}.`,
      'an empty first part': ({ as }) => `.${good(as)}`,
      '8,000 dots': () => '.'.repeat(8000),
      'a, b, c': () => 'a.b.c',
    }),
    ...malformedRequest('JWT-01 T74 JSON serialisation is not even a credential', {
      general: json,
      'with an unprotected alg': (fixture) => json(fixture).replace('"signatures"', '"header":{"alg":"none"},"signatures"'),
    }),
    row('JWT-01 T82 a token over the limit is refused before it is taken apart', async (fixture) => {
      await warmAndRested(fixture);
      const answer = await fixture.rs.get('/any', `Bearer ${good(fixture.as)}${'.'.repeat(8192)}`);
      expect401Token(answer);
      expectCalls(answer, { I: 0, J: 0 });
    }),

    ...refused('JWT-02 base64url is strict', {
      'padding at the end': ({ as }) => `${good(as)}=`,
      'two paddings at the end': ({ as }) => `${good(as)}==`,
      '+ for - in the header': ({ as }) => replacePart(containing(as, 0, '-'), 0, (part) => part.replaceAll('-', '+')),
      '/ for _ in the payload': ({ as }) => replacePart(containing(as, 1, '_'), 1, (part) => part.replaceAll('_', '/')),
      '+ for - in the signature': ({ as }) => replacePart(containing(as, 2, '-'), 2, (part) => part.replaceAll('-', '+')),
      'a tilde in the signature': ({ as }) => `${good(as)}~`,
      'bits that belong to no byte': ({ as }) => replacePart(good(as), 2, withSpareBits),
      'one character that holds no byte': ({ as }) => replacePart(good(as), 2, (part) => `${part.slice(0, 84)}A`),
    }),
    ...malformedRequest('JWT-02 what no credential may hold', {
      'padding in the header': ({ as }) => replacePart(good(as), 0, (part) => `${part}=`),
      'a blank': ({ as }) => replacePart(good(as), 1, (part) => `${part} `),
      'a tab': ({ as }) => replacePart(good(as), 1, (part) => `\t${part}`),
      'a percent sign': ({ as }) => `${good(as)}%3D`,
    }),

    ...refused('JWT-03 header and claims are one JSON object in UTF-8', {
      'payload []': payloadText('[]'),
      'payload "x"': payloadText('"x"'),
      'payload null': payloadText('null'),
      'payload 1': payloadText('1'),
      'payload with trailing text': payloadText('{$}x'),
      'payload with a second object': payloadText('{$}{}'),
      'payload with a trailing comma': payloadText('{$,}'),
      'payload cut short': payloadText('{$'),
      'payload with a comment': payloadText('{$/**/}'),
      'payload with an invalid UTF-8 byte in a text': ({ as }) => {
        const members = JSON.stringify(ownClaims(as, { x: '?' })).replace('?', '\xff');
        return compact(ownHeader(as), Buffer.from(members, 'latin1'), ownSigner(as));
      },
      'payload with an overlong UTF-8 sequence': ({ as }) => {
        const members = JSON.stringify(ownClaims(as, { x: '?' })).replace('?', '\xc0\xaf');
        return compact(ownHeader(as), Buffer.from(members, 'latin1'), ownSigner(as));
      },
      'payload in UTF-16': utf16((as) => ownClaims(as)),
      'payload in UTF-16 with its mark': ({ as }) => {
        const text = Buffer.from(`\uFEFF${JSON.stringify(ownClaims(as))}`, 'utf16le');
        return compact(ownHeader(as), text, ownSigner(as));
      },
      'header with trailing text': headerText('{$}x'),
      'header in UTF-16': ({ as }) =>
        compact(Buffer.from(JSON.stringify(ownHeader(as)), 'utf16le'), ownClaims(as), ownSigner(as)),
      'header that is an array': headerText('[{$}]'),
      'header with an invalid UTF-8 byte in a text': ({ as }) => {
        const members = JSON.stringify(ownHeader(as, { x: '?' })).replace('?', '\xff');
        return compact(Buffer.from(members, 'latin1'), ownClaims(as), ownSigner(as));
      },
    }),

    ...refused('JWT-04 a name twice never takes the first value', {
      'alg ES256, then none': headerText('{$,"alg":"none"}'),
      'alg none, then none': headerText('{"alg":"none",$,"alg":"none"}'),
      'typ at+jwt, then JWT': headerText('{$,"typ":"JWT"}'),
      'exp ahead, then past': payloadText('{$,"exp":1}'),
      'aud ours, then another': payloadText('{$,"aud":"https://other.example"}'),
      'iss ours, then another': payloadText('{$,"iss":"https://other.example"}'),
    }),

    ...refused('JWT-05 T70 alg none in any spelling, and a missing signature', {
      ...Object.fromEntries(
        ['none', 'None', 'NONE', 'nOnE', 'none ', ' none', ''].flatMap((alg): [string, Make][] => [
          [`"${alg}" without a signature`, ({ as }) => compact(ownHeader(as, { alg }), ownClaims(as), '')],
          [`"${alg}" with a good signature`, withHeader({ alg })],
        ]),
      ),
      'ES256 without a signature': ({ as }) => compact(ownHeader(as), ownClaims(as), ''),
      'RS256 without a signature': ({ as }) =>
        compact(ownHeader(as, { alg: 'RS256', kid: as.keys.RS256.kid }), ownClaims(as), ''),
      'none without a kid': ({ as }) => compact({ alg: 'none', typ: 'at+jwt' }, ownClaims(as), ''),
    }),

    ...refused('JWT-07 T70 alg is a text, present and exact', {
      es256: withHeader({ alg: 'es256' }),
      missing: withHeader({ alg: undefined }),
      'a number': withHeader({ alg: 256 }),
      null: withHeader({ alg: null }),
      'a list': withHeader({ alg: ['ES256'] }),
      'with a blank': withHeader({ alg: 'ES256 ' }),
      'a name of Object.prototype': withHeader({ alg: '__proto__' }),
      constructor: withHeader({ alg: 'constructor' }),
    }),

    ...refused('JWT-08 T85 crit names something that is not understood', {
      exp2: withHeader({ crit: ['exp2'], exp2: 1 }),
      bork: withHeader({ crit: ['bork'], bork: true }),
      'bork beside b64': withHeader({ crit: ['b64', 'bork'], b64: true, bork: true }),
    }),
    ...refused('JWT-09 T85 crit is malformed', {
      empty: withHeader({ crit: [] }),
      'a text': withHeader({ crit: 'exp' }),
      null: withHeader({ crit: null }),
      'an object': withHeader({ crit: {} }),
      'a registered name': withHeader({ crit: ['alg'] }),
      'a name twice': withHeader({ crit: ['b64', 'b64'], b64: true }),
      'an absent member': withHeader({ crit: ['exp'] }),
      'a number in it': withHeader({ crit: [1] }),
    }),
    ...refused('JWT-10 T85 b64: false', {
      'payload encoded all the same': withHeader({ crit: ['b64'], b64: false }),
      'without crit, signed as usual': withHeader({ b64: false }),
      'signed over the plain payload': ({ as }) => {
        const header = encodePart(ownHeader(as, { crit: ['b64'], b64: false }));
        const claims = JSON.stringify(ownClaims(as));
        const signature = ownSigner(as)(Buffer.from(`${header}.${claims}`)).toString('base64url');
        return `${header}.${Buffer.from(claims).toString('base64url')}.${signature}`;
      },
      'signed over the plain payload, without crit': ({ as }) => {
        const header = encodePart(ownHeader(as, { b64: false }));
        const claims = JSON.stringify(ownClaims(as));
        const signature = ownSigner(as)(Buffer.from(`${header}.${claims}`)).toString('base64url');
        return `${header}.${Buffer.from(claims).toString('base64url')}.${signature}`;
      },
    }),

    ...accepted('JWT-22 what is not critical and not known is ignored', {
      'unknown claims': payloadText('{$,"x":{"y":[1]},"__proto__":{"scope":"admin"}}'),
      'unknown header members': withHeader({ x: 1, 'x-y': { z: null } }),
      'blanks and line ends between the members': payloadText(' {\r\n\t$ } \n'),
      'a member that is repeated with its last value right': headerText('{"typ":"JWT",$}'),
    }),

    ...refused('JWT-24 an ECDSA signature is R and S in fixed length', {
      'DER form': ({ as }) => compact(ownHeader(as), ownClaims(as), derSigner('ES256', ownPrivateKey(as))),
      '63 bytes': ({ as }) => compact(ownHeader(as), ownClaims(as), (input) => ownSigner(as)(input).subarray(0, 63)),
      '65 bytes': ({ as }) =>
        compact(ownHeader(as), ownClaims(as), (input) => Buffer.concat([ownSigner(as)(input), Buffer.alloc(1)])),
      '64 zeros': ({ as }) => compact(ownHeader(as), ownClaims(as), Buffer.alloc(64)),
      'R zero': ({ as }) =>
        compact(ownHeader(as), ownClaims(as), (input) => Buffer.concat([Buffer.alloc(32), ownSigner(as)(input).subarray(32)])),
      'the form of P-384': ({ as }) => compact(ownHeader(as), ownClaims(as), signer('ES384', ecKey('P-384').privateKey)),
      '64 bytes of the order and beyond': ({ as }) => compact(ownHeader(as), ownClaims(as), Buffer.alloc(64, 0xff)),
    }),

    ...accepted('JWT-27 names are compared after JSON unescaping', {
      'an escaped name in the header': ({ as }) => {
        const text = JSON.stringify(ownHeader(as)).replace('"alg"', String.raw`"\u0061lg"`);
        return compact(text, ownClaims(as), ownSigner(as));
      },
      'an escaped value in the header': ({ as }) => {
        const text = JSON.stringify(ownHeader(as)).replace('"ES256"', String.raw`"\u0045S256"`);
        return compact(text, ownClaims(as), ownSigner(as));
      },
      'escaped names in the claims': ({ as }) => {
        const text = JSON.stringify(ownClaims(as))
          .replace('"iss"', String.raw`"\u0069ss"`)
          .replaceAll('/', String.raw`\/`);
        return compact(ownHeader(as), text, ownSigner(as));
      },
    }),
    ...refused('JWT-27 names are never folded', {
      Alg: ({ as }) => compact({ Alg: 'ES256', typ: 'at+jwt', kid: as.keys.ES256.kid }, ownClaims(as), ownSigner(as)),
      TYP: ({ as }) => compact({ alg: 'ES256', TYP: 'at+jwt', kid: as.keys.ES256.kid }, ownClaims(as), ownSigner(as)),
      Iss: ({ as }) => compact(ownHeader(as), ownClaims(as, { iss: undefined, Iss: as.issuer }), ownSigner(as)),
      'aud with a blank': ({ as }) =>
        compact(ownHeader(as), ownClaims(as, { aud: undefined, 'aud ': 'https://rs.example.com' }), ownSigner(as)),
      'client_id in another case': ({ as }) =>
        compact(ownHeader(as), ownClaims(as, { client_id: undefined, Client_ID: 'c1' }), ownSigner(as)),
    }),
  ],
  { options: () => LOCAL.options, omit: LOCAL.omit },
);

const BITS = [0, 7, 100, 333];
describeRows(
  'RFC 7515 signature',
  ([0, 1, 2] as const).flatMap((part) =>
    BITS.map((bit) =>
      row(`JWT-25 one bit flipped refuses the token: bit ${bit} of part ${part}`, async (fixture) => {
        await warmAndRested(fixture);
        const token = good(fixture.as);
        expect200(await fixture.rs.get('/any', `Bearer ${token}`));
        const answer = await fixture.rs.get('/any', `Bearer ${flipBit(token, part, bit)}`);
        expect401Token(answer);
        expect(answer.introspections).toBe(0);
      }),
    ),
  ),
  { options: () => LOCAL.options, omit: LOCAL.omit },
);
