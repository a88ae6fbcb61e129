import { expect } from 'vitest';
import { json } from '../support/authorization-server.js';
import { expect200, expect401Token, expect503 } from '../support/expectations.js';
import { ecKey, edKey, macSigner, octKey, rsaKey, signer } from '../support/keys.js';
import { describeScenarios, expectCalls, LOCAL, scenario, type Scenario } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';
import { compact, ownClaims, ownHeader, ownPrivateKey, ownSigner, publicKeyTexts, signedBy } from '../support/tokens.js';

const publish = (as: Fixture['as'], ...keys: unknown[]): void => {
  as.keySet = { keys };
};
/** The key set as text, for what `JSON.stringify` would not write. */
const serve = (as: Fixture['as'], text: string, type = 'application/json'): void =>
  as.replace('jwks', (_request, response) => response.writeHead(200, { 'content-type': type }).end(text));

/** A JWT by the server's RSA key that says RS256, or another algorithm of the same key. */
function rsaToken(as: Fixture['as'], alg = 'RS256'): string {
  const header = ownHeader(as, { alg, kid: as.keys.RS256.kid });
  return compact(header, ownClaims(as), signer(alg, ownPrivateKey(as, 'RS256')));
}

const sets: Scenario[] = [
  scenario('JWK-01 unknown members of the set are ignored', LOCAL, async ({ as, rs }) => {
    serve(as, JSON.stringify({ x: 1, ...as.keySet, y: { keys: [] }, $schema: 'z' }));
    expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
  }),

  ...['{}', '{"keys":{}}', '{"keys":null}', '{"keys":"x"}', '[]', 'null', '"keys"', ''].map((text) =>
    scenario(`JWK-01 T80 no set: ${text || 'an empty body'}`, LOCAL, async ({ as, rs }) => {
      serve(as, text);
      const token = await as.sign();
      expect503(await rs.get('/r', `Bearer ${token}`));
      expect(as.keySetFetches).toBe(1);
      as.replace('jwks');
    }),
  ),

  scenario('JWK-02 keys that nobody can use are skipped', LOCAL, async ({ as, rs }) => {
    const key = ecKey();
    const { y: _y, ...withoutY } = ecKey().jwk;
    const { n: _n, ...withoutModulus } = as.keys.RS256.publicJwk;
    const offCurve = { ...ecKey().jwk, y: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' };
    const garbage = [null, 5, 'key', [], {}, { kty: 'XYZ', kid: 'z' }, { kty: 5 }, withoutY, withoutModulus, offCurve];
    publish(as, ...garbage, { ...ecKey().jwk, crv: 'P-999' }, { ...ecKey().jwk, x: 5 }, { ...ecKey().jwk, kid: 5 }, key.jwk);
    expect200(await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256')}`));
  }),

  scenario('JWK-03 kid is compared with its case', LOCAL, async ({ as, rs }) => {
    const key = ecKey('P-256', 'key1');
    publish(as, key.jwk);
    expect401Token(await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256', {}, { kid: 'KEY1' })}`));
    expect200(await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256')}`));
  }),

  scenario('JWK-04 without kid, one key that fits is enough', LOCAL, async ({ as, rs }) => {
    expect200(await rs.get('/r', `Bearer ${await as.sign({}, { header: { kid: undefined } })}`));
    expect200(await rs.get('/r', `Bearer ${await as.sign({}, { alg: 'RS256', header: { kid: undefined } })}`));
  }),

  scenario('JWK-04 without kid, keys that fit are tried in turn', LOCAL, async ({ as, rs }) => {
    const [first, second, stranger] = [ecKey(), ecKey(), ecKey()];
    publish(as, first.jwk, second.jwk);
    for (const key of [first, second]) {
      expect200(await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256', {}, { kid: undefined })}`));
    }
    expect401Token(await rs.get('/r', `Bearer ${signedBy(as, stranger, 'ES256', {}, { kid: undefined })}`));
  }),

  scenario('JWK-04 a key that has no kid itself verifies a token without one', LOCAL, async ({ as, rs }) => {
    const key = ecKey();
    const { kid: _kid, ...nameless } = key.jwk;
    publish(as, nameless);
    expect200(await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256', {}, { kid: undefined })}`));
  }),

  scenario('JWK-05 of keys with one kid the one that fits is used', LOCAL, async ({ as, rs }) => {
    const key = ecKey('P-256', 'a');
    const [p384, ed] = [ecKey('P-384', 'a'), edKey('ed25519', 'a')];
    publish(as, { ...as.keys.RS256.publicJwk, kid: 'a' }, p384.jwk, { ...ecKey('P-256', 'a').jwk, use: 'enc' }, ed.jwk, key.jwk);
    expect200(await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256')}`));
    expect200(await rs.get('/r', `Bearer ${signedBy(as, p384, 'ES384')}`));
    expect200(await rs.get('/r', `Bearer ${signedBy(as, ed, 'EdDSA')}`));
    expect200(await rs.get('/r', `Bearer ${await as.sign({}, { alg: 'RS256', header: { kid: 'a' } })}`));
  }),

  ...[
    { use: 'enc' },
    { key_ops: ['encrypt'] },
    { key_ops: ['deriveKey'] },
    { key_ops: [] },
    { use: 'enc', key_ops: ['verify'] },
  ].map((purpose) =>
    scenario(`JWK-06 a key for something else never verifies: ${JSON.stringify(purpose)}`, LOCAL, async ({ as, rs }) => {
      const [key, other] = [ecKey(), ecKey()];
      publish(as, { ...key.jwk, ...purpose }, other.jwk);
      expect401Token(await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256')}`));
      expect401Token(await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256', {}, { kid: undefined })}`));
    }),
  ),
  ...[{ use: 'sig' }, { key_ops: ['verify'] }, { use: 'sig', key_ops: ['verify'] }, {}].map((purpose) =>
    scenario(`JWK-06 a key for signatures, or for no said purpose: ${JSON.stringify(purpose)}`, LOCAL, async ({ as, rs }) => {
      const key = ecKey();
      publish(as, { ...key.jwk, ...purpose });
      expect200(await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256')}`));
    }),
  ),

  scenario('JWK-07 T72 a key with an alg is used with no other', LOCAL, async ({ as, rs }) => {
    publish(as, { ...as.keys.RS256.publicJwk, alg: 'PS256' });
    expect401Token(await rs.get('/r', `Bearer ${rsaToken(as, 'RS256')}`));
    expect200(await rs.get('/r', `Bearer ${rsaToken(as, 'PS256')}`));
  }),

  scenario('JWK-07 T72 kty and crv decide where a key has no alg', LOCAL, async ({ as, rs }) => {
    const ec = ecKey('P-256', 'one');
    publish(as, { ...as.keys.RS256.publicJwk, alg: undefined, kid: 'two' }, ec.jwk);
    const crossed = (alg: string, kid: string, key = ec.privateKey) =>
      compact(ownHeader(as, { alg, kid }), ownClaims(as), signer(alg, key));
    expect200(await rs.get('/r', `Bearer ${crossed('ES256', 'one')}`));
    expect401Token(await rs.get('/r', `Bearer ${crossed('RS256', 'one', ownPrivateKey(as, 'RS256'))}`));
    expect401Token(await rs.get('/r', `Bearer ${crossed('ES256', 'two')}`));
    expect401Token(await rs.get('/r', `Bearer ${crossed('ES384', 'one')}`));
  }),
];

const strength: Scenario[] = [
  scenario('JWK-08 T71 a public key is no HMAC secret', LOCAL, async ({ as, rs }) => {
    for (const [name, secret] of Object.entries(publicKeyTexts(as)))
      for (const [alg, kid] of [
        ['HS256', as.keys.RS256.kid],
        ['HS512', undefined],
      ] as const) {
        const answer = await rs.get(
          '/r',
          `Bearer ${compact(ownHeader(as, { alg, kid }), ownClaims(as), macSigner(alg, secret))}`,
        );
        expect401Token(answer);
        expect(answer.introspections, name).toBe(0);
      }
  }),

  ...[{}, { use: 'sig', alg: 'HS256' }].map((purpose) =>
    scenario(`JWK-08 T73 a symmetric key in a fetched set is ignored ${JSON.stringify(purpose)}`, LOCAL, async ({ as, rs }) => {
      const secret = Buffer.alloc(64, 7);
      const key = octKey(secret);
      publish(as, { ...key, ...purpose }, ...as.keySet.keys);
      for (const kid of [key.kid, undefined])
        expect401Token(
          await rs.get(
            '/r',
            `Bearer ${compact(ownHeader(as, { alg: 'HS256', kid }), ownClaims(as), macSigner('HS256', secret))}`,
          ),
        );
      expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
    }),
  ),

  scenario('JWK-09 an RSA key of 1024 bits never verifies', LOCAL, async ({ as, rs }) => {
    const weak = await rsaKey(1024);
    publish(as, weak.jwk, ...as.keySet.keys);
    expect401Token(await rs.get('/r', `Bearer ${signedBy(as, weak, 'RS256')}`));
    expect401Token(await rs.get('/r', `Bearer ${signedBy(as, weak, 'PS256')}`));
    expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
  }),

  scenario('JWK-11 the curve fits the algorithm', LOCAL, async ({ as, rs }) => {
    const [p256, p384, p521] = [ecKey('P-256'), ecKey('P-384'), ecKey('P-521')];
    publish(as, p256.jwk, p384.jwk, p521.jwk);
    const keys = { ES256: p256, ES384: p384, ES512: p521 };
    for (const alg of Object.keys(keys))
      for (const [own, key] of Object.entries(keys)) {
        const answer = await rs.get('/r', `Bearer ${signedBy(as, key, alg)}`);
        if (alg === own) expect200(answer);
        else expect401Token(answer);
      }
  }),

  ...(
    [
      ['a set whose last keys are right', (good, bad) => `{"keys":[${bad}],"keys":[${good}]}`, [200, 503]],
      ['a set whose first keys were right', (good, bad) => `{"keys":[${good}],"keys":[${bad}]}`, [401, 503]],
      ['a key whose last y is right', (good) => `{"keys":[{"y":"AAAA",${good.slice(1)}]}`, [200, 503]],
      ['a key whose first y was right', (good) => `{"keys":[${good.slice(0, -1)},"y":"AAAA"}]}`, [401, 503]],
    ] as [string, (good: string, bad: string) => string, number[]][]
  ).map(([what, text, allowed]) =>
    scenario(`JWK-17 a name twice takes the last value or refuses, the same every time: ${what}`, LOCAL, async ({ as, rs }) => {
      const key = ecKey('P-256', 'k');
      serve(as, text(JSON.stringify(key.jwk), JSON.stringify(ecKey('P-256', 'k').jwk)));
      const statuses = new Set<number>();
      for (let run = 0; run < 3; run += 1) {
        const answer = await rs.get('/r', `Bearer ${signedBy(as, key, 'ES256')}`);
        expect(allowed).toContain(answer.status);
        statuses.add(answer.status);
      }
      expect([...statuses]).toHaveLength(1);
    }),
  ),

  scenario(
    'JWK-18 EdDSA and Ed25519 name the same key',
    { ...LOCAL, options: { ...LOCAL.options, algorithms: ['Ed25519', 'EdDSA'] } },
    async ({ as, rs }) => {
      const key = edKey();
      publish(as, key.jwk);
      for (const alg of ['EdDSA', 'Ed25519']) expect200(await rs.get('/r', `Bearer ${signedBy(as, key, alg)}`));
    },
  ),

  scenario('JWK-18 both names are in the default list, Ed448 under neither', LOCAL, async ({ as, rs }) => {
    const [key, ed448] = [edKey(), edKey('ed448')];
    publish(as, key.jwk, ed448.jwk);
    for (const alg of ['EdDSA', 'Ed25519']) {
      expect200(await rs.get('/r', `Bearer ${signedBy(as, key, alg)}`));
      expect401Token(await rs.get('/r', `Bearer ${signedBy(as, ed448, alg)}`));
    }
    expect401Token(await rs.get('/r', `Bearer ${signedBy(as, ed448, 'Ed448')}`));
  }),

  scenario(
    'JWK-18 a list that names one of them',
    { ...LOCAL, options: { ...LOCAL.options, algorithms: ['Ed25519'] } },
    async ({ as, rs }) => {
      const key = edKey();
      publish(as, key.jwk);
      expect200(await rs.get('/r', `Bearer ${signedBy(as, key, 'Ed25519')}`));
      expect401Token(await rs.get('/r', `Bearer ${signedBy(as, key, 'EdDSA')}`));
    },
  ),
];

const transport: Scenario[] = [
  ...['application/json', 'application/jwk-set+json', 'application/json; charset=utf-8', 'Application/JWK-Set+JSON'].map((type) =>
    scenario(`JWK-16 served as ${type} is used`, LOCAL, async ({ as, rs }) => {
      serve(as, JSON.stringify(as.keySet), type);
      expect200(await rs.get('/r', `Bearer ${await as.sign()}`));
    }),
  ),
  ...['text/html', 'text/plain', 'application/jwt', 'application/json-seq'].map((type) =>
    scenario(`JWK-16 T80 served as ${type} is not used`, LOCAL, async ({ as, rs }) => {
      serve(as, JSON.stringify(as.keySet), type);
      expect503(await rs.get('/r', `Bearer ${await as.sign()}`));
    }),
  ),
  ...[301, 302, 303, 307, 308].map((status) =>
    scenario(`JWK-16 T76 a ${status} is not followed`, LOCAL, async ({ as, rs }) => {
      as.replace('jwks', (_request, response) => response.writeHead(status, { location: `${as.origin}/moved` }).end());
      as.replace('/moved', (_request, response) => json(response, as.keySet));
      expect503(await rs.get('/r', `Bearer ${await as.sign()}`));
      expect(as.requests.filter(({ path }) => path === '/moved')).toEqual([]);
    }),
  ),
  ...[201, 204, 206, 400, 404, 500].map((status) =>
    scenario(`JWK-16 a ${status} is not used`, LOCAL, async ({ as, rs }) => {
      as.replace('jwks', (_request, response) => {
        if (status === 204) response.writeHead(204).end();
        else json(response, as.keySet, status);
      });
      expect503(await rs.get('/r', `Bearer ${await as.sign()}`));
    }),
  ),
  scenario('JWK-16 T80 a set of 50 MB is cut off', LOCAL, async ({ as, rs }) => {
    let sent = 0;
    as.replace('jwks', (_request, response) => {
      const chunk = Buffer.alloc(65_536, ' ');
      response.writeHead(200, { 'content-type': 'application/json' });
      const pump = (): void => {
        while (!response.destroyed && sent < 50_000_000) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', pump);
        }
        if (!response.destroyed) response.end(JSON.stringify(as.keySet));
      };
      pump();
    });
    expect503(await rs.get('/r', `Bearer ${await as.sign()}`));
    expect(sent).toBeLessThan(20_000_000);
  }),
  scenario('JWK-16 a set over the limit is not used, however small its keys', LOCAL, async ({ as, rs }) => {
    serve(as, JSON.stringify({ ...as.keySet, filler: 'x'.repeat(1_048_576) }));
    expect503(await rs.get('/r', `Bearer ${await as.sign()}`));
  }),
];

describeScenarios('key sets', sets);
describeScenarios('key strength and choice', strength);
describeScenarios('how a key set is fetched', transport);

describeScenarios('tokens of unpublished keys', [
  scenario('JWK-02 T92 a key set without any usable key is no verdict on the token', LOCAL, async ({ as, rs }) => {
    publish(as, octKey(32), { kty: 'XYZ' });
    const answer = await rs.get('/r', `Bearer ${compact(ownHeader(as), ownClaims(as), ownSigner(as))}`);
    expect([401, 503]).toContain(answer.status);
    if (answer.status === 401) expect401Token(answer);
    else expect503(answer);
    expectCalls(answer, { I: 0 });
  }),
]);
