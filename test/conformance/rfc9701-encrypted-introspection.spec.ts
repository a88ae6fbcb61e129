import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { IntrospectionModuleOptions } from 'nestjs-introspection';
import type { JWK } from 'jose';
import { expect } from 'vitest';
import { expect200, expect503 } from '../support/expectations.js';
import { ecKey, rsaKey, signer } from '../support/keys.js';
import { describeScenarios, scenario } from '../support/scenario.js';
import { encrypted, signedAnswer, type SignedAnswer } from '../support/signed-answers.js';
import { accepted, ask, faulty, refused, type Make } from '../support/signed-rows.js';
import { describeRows, row, type Fixture } from '../support/table.js';

const elliptic = ecKey('P-256', 'rs1-enc');
const rsa = await rsaKey(2048, 'rs1-enc-rsa');
const stranger = ecKey('P-256', 'stranger');
const foreignRsa = await rsaKey();
const privateJwk = (key: KeyObject, kid: string, alg: string): JWK => ({
  ...(key.export({ format: 'jwk' }) as JWK),
  kid,
  alg,
  use: 'enc',
});
const decryptionKeys = [
  privateJwk(elliptic.privateKey, elliptic.kid, 'ECDH-ES'),
  privateJwk(rsa.privateKey, rsa.kid, 'RSA-OAEP-256'),
];

/** Signed, then encrypted for us. */
const nested =
  (answer: SignedAnswer = {}, header: Record<string, unknown> = {}): Make =>
  ({ as }: Fixture) =>
    encrypted(signedAnswer(as, answer), elliptic.publicKey, { kid: elliptic.kid, ...header });
const good = nested();

/** A member of a JWE that is not what the sender wrote. */
const spoilt =
  (part: 0 | 1 | 2 | 3 | 4): Make =>
  async (fixture: Fixture) => {
    const parts = (await (good as (fixture: Fixture) => Promise<string>)(fixture)).split('.');
    const bytes = Buffer.from(parts[part] ?? '', 'base64url');
    if (bytes.length === 0) bytes.fill(1);
    else bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    parts[part] = bytes.length === 0 ? 'AQ' : bytes.toString('base64url');
    return parts.join('.');
  };

describeRows(
  'RFC 9701 encrypted',
  [
    accepted('JINTRO-13 JWE-01 a nested JWT', good),
    accepted('JINTRO-13 cty in small letters', nested({}, { cty: 'jwt' })),
    accepted('JINTRO-13 JINTRO-15 A256GCM', nested({}, { enc: 'A256GCM' })),
    accepted('JINTRO-13 JINTRO-15 RSA-OAEP-256', ({ as }) =>
      encrypted(signedAnswer(as), rsa.publicKey, { alg: 'RSA-OAEP-256', kid: rsa.kid }),
    ),

    faulty(
      'JINTRO-13 bare JSON within',
      ({ as }) => encrypted(JSON.stringify({ iss: as.issuer, aud: 'rs1' }), elliptic.publicKey, { kid: elliptic.kid }),
      undefined,
      good,
    ),
    faulty(
      'JINTRO-13 the claims of an answer within, not signed',
      ({ as, clock }) => {
        const inner = { active: true, ...as.claims() };
        const claims = { iss: as.issuer, aud: 'rs1', iat: clock.seconds(), token_introspection: inner };
        return encrypted(JSON.stringify(claims), elliptic.publicKey, { kid: elliptic.kid });
      },
      undefined,
      good,
    ),
    faulty('JINTRO-13 JINTRO-06 an unsecured JWT within', nested({ header: { alg: 'none' }, signature: '' }), undefined, good),
    faulty(
      'JINTRO-13 JINTRO-06 T23 a signature of somebody else within',
      nested({ signature: signer('RS256', foreignRsa.privateKey) }),
      undefined,
      good,
    ),
    faulty('JINTRO-13 JINTRO-05 a JWT of another type within', nested({ header: { typ: 'at+jwt' } }), undefined, good),
    faulty(
      'JINTRO-05 JWE-08 the type outside alone is not enough',
      nested({ header: { typ: undefined } }, { typ: 'token-introspection+jwt' }),
      undefined,
      good,
    ),
    faulty('JINTRO-08 for somebody else within', nested({ outer: { aud: 'rs2' } }), undefined, good),
    faulty('JINTRO-10 an old one within', nested({ outer: { iat: 1 } }), undefined, good),
    faulty(
      'JINTRO-13 encrypted twice',
      async (fixture) =>
        encrypted(await (good as (f: Fixture) => Promise<string>)(fixture), elliptic.publicKey, { kid: elliptic.kid }),
      undefined,
      good,
    ),
    refused('JINTRO-17 JINTRO-13 inactive within', nested({ inner: { active: false } }), good),
    refused('JINTRO-19 JINTRO-13 another audience within', nested({ inner: { aud: 'https://other' } }), good),

    faulty('JINTRO-14 an answer that is only signed', {}, undefined, good),
    ...([0, 2, 3, 4] as const).map((part) => faulty(`JINTRO-13 JWE-03 part ${part} was changed`, spoilt(part), undefined, good)),
    faulty('JINTRO-13 an encrypted key where there is none', spoilt(1), undefined, good),
    faulty(
      'JINTRO-13 for the key of somebody else',
      ({ as }) => encrypted(signedAnswer(as), stranger.publicKey, { kid: elliptic.kid }),
      undefined,
      good,
    ),
    faulty('JINTRO-13 JWE-07 dir', ({ as }) => encrypted(signedAnswer(as), Buffer.alloc(32, 1), { alg: 'dir' }), undefined, good),
    faulty(
      'JINTRO-13 JWE-07 RSA-OAEP where the key is for another algorithm',
      ({ as }) => encrypted(signedAnswer(as), rsa.publicKey, { alg: 'RSA-OAEP', kid: rsa.kid }),
      undefined,
      good,
    ),

    row('JINTRO-13 JWE-03 whatever is wrong with it, the client learns the same', async (fixture) => {
      const answers = [];
      for (const make of [spoilt(3), spoilt(4), nested({ outer: { aud: 'rs2' } }), {}]) answers.push(await ask(fixture, make));
      for (const answer of answers) expect503(answer);
      expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    }),
  ],
  { options: () => ({ introspectionResponse: 'jwt', decryptionKeys }) },
);

const strangers = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const preferred: Partial<IntrospectionModuleOptions> = { introspectionResponse: 'jwt-preferred', decryptionKeys };

describeScenarios('RFC 9701 encrypted, by option', [
  scenario(
    'JINTRO-13 an encrypted answer without the key for it',
    { options: { introspectionResponse: 'jwt' } },
    async (fixture) => {
      expect503(await ask(fixture, good));
      expect200(await ask(fixture, {}));
    },
  ),
  scenario(
    'JINTRO-13 a key that does not open it',
    { options: { introspectionResponse: 'jwt', decryptionKeys: [privateJwk(strangers, elliptic.kid, 'ECDH-ES')] } },
    async (fixture) => {
      expect503(await ask(fixture, good));
    },
  ),
  scenario('JINTRO-03 JINTRO-13 preferred: encrypted, or JSON', { options: preferred }, async (fixture) => {
    expect200(await ask(fixture, good));
    expect200(await fixture.rs.get('/r', `Bearer ${fixture.as.token()}`));
  }),
  scenario('JINTRO-14 preferred: an answer that is only signed', { options: preferred }, async (fixture) => {
    expect503(await ask(fixture, {}));
  }),
  scenario('JINTRO-13 no key is in a log', { options: { introspectionResponse: 'jwt', decryptionKeys } }, async (fixture) => {
    await ask(fixture, spoilt(3));
    const logged = fixture.rs.logs.join('\n');
    expect(logged).not.toBe('');
    for (const { d = 'missing' } of decryptionKeys) expect(logged).not.toContain(d);
  }),
]);
