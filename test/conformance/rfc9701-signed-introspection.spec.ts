import { expect } from 'vitest';
import { json } from '../support/authorization-server.js';
import { expect200, expect401Token, expect503 } from '../support/expectations.js';
import { macSigner, rsaKey, signer } from '../support/keys.js';
import { INTROSPECTION_JWT, signedAnswer } from '../support/signed-answers.js';
import { accepted, ask, CLIENT_TOKEN, faulty, refused } from '../support/signed-rows.js';
import { describeRows, row, type Fixture, type Row } from '../support/table.js';
import { compact, flipBit, ownSigner, publicKeyTexts } from '../support/tokens.js';

const foreignRsa = await rsaKey(2048, 'foreign-rsa');

const FLAT = ({ as }: Fixture): string =>
  compact({ alg: 'ES256', kid: as.keys.ES256.kid }, { ...as.claims(), active: true, iat: 1 }, ownSigner(as));

const rows: Row[] = [
  row('JINTRO-01 JINTRO-02 the very media type is asked for, with our credentials', async (fixture) => {
    expect200(await ask(fixture, {}));
    const [request] = fixture.as.introspectionRequests();
    expect(request?.headers.accept).toBe(INTROSPECTION_JWT);
    expect(request?.headers.authorization).toMatch(/^Basic /);
  }),
  row('JINTRO-02 a server that answers 400, empty or not, has not judged the token', async ({ as, rs }) => {
    for (const body of ['', '{"error":"invalid_request"}']) {
      as.answer(CLIENT_TOKEN, (_request, response) => json(response, body, 400));
      expect503(await rs.get('/r', `Bearer ${CLIENT_TOKEN}`));
    }
  }),
  row('JINTRO-03 T23 a JSON answer is a downgrade', async ({ as, rs }) => {
    as.answer(CLIENT_TOKEN, { active: true, ...as.claims() });
    expect503(await rs.get('/r', `Bearer ${CLIENT_TOKEN}`));
    as.answer(CLIENT_TOKEN, { active: false });
    expect503(await rs.get('/r', `Bearer ${CLIENT_TOKEN}`));
    expect(rs.logs.join('\n')).not.toBe('');
  }),

  accepted('JINTRO-04 the media type with a parameter', {}, `${INTROSPECTION_JWT}; charset=utf-8`),
  accepted('JINTRO-04 the media type in capitals', {}, INTROSPECTION_JWT.toUpperCase()),
  ...['application/json', 'application/jwt', 'text/plain', 'application/at+jwt', `${INTROSPECTION_JWT}x`].map((type) =>
    faulty(`JINTRO-04 a signed answer as ${type}`, {}, type),
  ),
  faulty('JINTRO-04 JSON under the media type of a JWT', ({ as }) => JSON.stringify({ active: true, ...as.claims() })),
  faulty('JINTRO-04 an empty body under the media type', () => ''),

  ...['application/token-introspection+jwt', 'TOKEN-Introspection+JWT', 'Application/Token-Introspection+jwt'].map((typ) =>
    accepted(`JINTRO-05 typ ${typ}`, { header: { typ } }),
  ),
  ...[
    undefined,
    'JWT',
    'at+jwt',
    'token-introspection',
    '',
    5,
    null,
    ['token-introspection+jwt'],
    'x/token-introspection+jwt',
  ].map((typ) => faulty(`JINTRO-05 T23 typ ${JSON.stringify(typ)}`, { header: { typ } })),
  faulty('JINTRO-05 the claims flat, signed with the key of access tokens, without typ', FLAT, 'application/jwt'),
  faulty('JINTRO-05 the same under the right media type', FLAT),

  faulty('JINTRO-06 T23 a payload that was changed', (fixture) => flipBit(signedAnswer(fixture.as), 1, 900)),
  faulty('JINTRO-06 T23 a signature that was changed', (fixture) => flipBit(signedAnswer(fixture.as), 2, 77)),
  faulty('JINTRO-06 no signature', { signature: '' }),
  ...['none', 'None', 'NONE', ''].map((alg) =>
    faulty(`JINTRO-06 T23 alg ${JSON.stringify(alg)}`, { header: { alg }, signature: '' }),
  ),
  faulty('JINTRO-06 an algorithm that is not registered, by a key of the server', { alg: 'ES256' }),
  faulty('JINTRO-06 PS256 where RS256 is registered', { alg: 'PS256' }),
  faulty('JINTRO-06 T23 the key of somebody else under our kid', { signature: signer('RS256', foreignRsa.privateKey) }),
  faulty('JINTRO-06 T23 the key of somebody else under its own kid', {
    header: { kid: 'foreign-rsa' },
    signature: signer('RS256', foreignRsa.privateKey),
  }),
  faulty('JINTRO-06 T23 a key that the answer brings along', {
    header: { jwk: foreignRsa.publicKey.export({ format: 'jwk' }), kid: undefined },
    signature: signer('RS256', foreignRsa.privateKey),
  }),
  faulty('JINTRO-06 the public key as a shared secret', (fixture) =>
    signedAnswer(fixture.as, {
      header: { alg: 'HS256' },
      signature: macSigner('HS256', publicKeyTexts(fixture.as)['PEM'] ?? ''),
    }),
  ),
  faulty('JINTRO-06 an extension that nobody here knows', { header: { crit: ['x'], x: 1 } }),

  ...['https://as.example.com', undefined, null, '', 5].map((iss) =>
    faulty(`JINTRO-07 T23 iss ${JSON.stringify(iss)}`, { outer: { iss } }),
  ),
  faulty('JINTRO-07 the issuer with a slash', ({ as }) => signedAnswer(as, { outer: { iss: `${as.issuer}/` } })),
  faulty('JINTRO-07 a list that holds the issuer', ({ as }) => signedAnswer(as, { outer: { iss: [as.issuer] } })),

  accepted('JINTRO-08 a list that holds our client id', { outer: { aud: ['other', 'rs1'] } }),
  ...[undefined, null, '', 'rs2', 'RS1', 'rs1 ', [], ['rs2'], ['rs11'], [['rs1']], { rs1: true }, 5].map((aud) =>
    faulty(`JINTRO-08 T23 aud ${JSON.stringify(aud)}`, { outer: { aud } }),
  ),
  faulty('JINTRO-08 the audience of the token in place of the client', { outer: { aud: 'https://rs.example.com' } }),

  ...[undefined, null, '1', true, 1e300].map((iat) => faulty(`JINTRO-09 iat ${JSON.stringify(iat)}`, { outer: { iat } })),
  ...([-3600, 3600, 86_400] as const).map((seconds) =>
    faulty(`JINTRO-10 T23 iat ${seconds} seconds from now`, ({ as, clock }) =>
      signedAnswer(as, { outer: { iat: clock.seconds() + seconds } }),
    ),
  ),
  ...([-5, 0, 2] as const).map((seconds) =>
    accepted(`JINTRO-10 iat ${seconds} seconds from now`, ({ as, clock }) =>
      signedAnswer(as, { outer: { iat: clock.seconds() + seconds } }),
    ),
  ),
  row('JINTRO-10 T23 an answer that is sent again an hour later is no answer', async (fixture) => {
    const recorded = signedAnswer(fixture.as, { inner: { exp: fixture.clock.seconds() + 86_400 } });
    expect200(await ask(fixture, () => recorded));
    fixture.clock.advanceSeconds(3600);
    expect503(await ask(fixture, () => recorded));
  }),

  refused('JINTRO-11 only the object within counts: active and scope beside it mean nothing', {
    outer: { active: true, scope: 'read admin', token_introspection: { active: false } },
  }),
  ...[undefined, null, [], [{ active: true }], 'active', true, {}].map((inner) =>
    faulty(`JINTRO-11 token_introspection ${JSON.stringify(inner)}`, { outer: { active: true, token_introspection: inner } }),
  ),
  ...['true', 1, null].map((active) => faulty(`JINTRO-11 active ${JSON.stringify(active)} within`, { inner: { active } })),
  accepted('JINTRO-12 sub, exp, nbf and scope beside the object are not used', {
    outer: { sub: 'somebody-else', exp: 1, nbf: 9_999_999_999, scope: '', client_id: 'another', jti: 'x' },
  }),
  row('JINTRO-17 inactive ends it, whatever stands beside', async (fixture) => {
    expect401Token(await ask(fixture, { inner: { active: false } }));
    const open = await fixture.rs.get('/pub', `Bearer ${CLIENT_TOKEN}`);
    expect(expect200(open).principal).toBeNull();
  }),
  refused('JINTRO-17 inactive and nothing else', { outer: { token_introspection: { active: false } } }),
  refused('JINTRO-19 the audience within is another, the outer one is ours', { inner: { aud: 'https://other' } }),
  refused('JINTRO-19 no audience within', { inner: { aud: undefined } }),
  refused('JINTRO-19 the client as audience within', { inner: { aud: 'rs1' } }),
  refused('JINTRO-19 another issuer within', { inner: { iss: 'https://other.example.com' } }),
  refused('JINTRO-19 expired within', { inner: { exp: 1 } }),
  accepted('JINTRO-19 no issuer within', { inner: { iss: undefined } }),
];

describeRows('RFC 9701 required', rows, { options: () => ({ introspectionResponse: 'jwt' }) });
