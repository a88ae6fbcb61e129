import type { CompatibilityOptions } from 'nestjs-introspection/core';
import { describe, expect, it } from 'vitest';
import { changed, problemsOf } from '../support/configuration.js';
import { expect200, expect401Token, expect403Scope, expect503 } from '../support/expectations.js';
import type { Exchange } from '../support/resource-server.js';
import { describeScenarios, LOCAL, scenario, type Scenario } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';

type Claims = Record<string, unknown>;
type Verdict = 200 | 401 | 403 | 503;

const TOKEN = 'opaque-client-token';

async function present({ as, rs }: Fixture, claims: Claims, contentType = 'application/json'): Promise<Exchange> {
  const body = JSON.stringify({ active: true, token_type: 'Bearer', ...as.claims(), ...claims });
  const headers = contentType === '' ? {} : { 'content-type': contentType };
  as.answer(TOKEN, (_request, response) => response.writeHead(200, headers).end(body));
  return rs.get('/r', `Bearer ${TOKEN}`);
}

function expectVerdict(answer: Exchange, verdict: Verdict): Claims | undefined {
  if (verdict === 200) return expect200(answer).principal ?? {};
  if (verdict === 401) expect401Token(answer);
  else if (verdict === 403) expect403Scope(answer, 'read');
  else expect503(answer);
  return undefined;
}

const on = (compatibility: CompatibilityOptions) => ({ options: { compatibility } });

/** What an answer is worth without the switch, and with it. */
function switched(
  title: string,
  compatibility: CompatibilityOptions,
  answers: [claims: Claims, off: Verdict, on: Verdict, principal?: Claims][],
): Scenario[] {
  const judge = (which: 'off' | 'on') => async (fixture: Fixture) => {
    for (const [claims, off, withSwitch, principal] of answers) {
      const expected = which === 'off' ? off : withSwitch;
      const found = expectVerdict(await present(fixture, claims), expected);
      if (found && which === 'on' && principal) expect(found).toMatchObject(principal);
    }
  };
  const name = Object.keys(compatibility).join();
  return [
    scenario(`${title}: refused without ${name}`, {}, judge('off')),
    scenario(`${title}: accepted with ${name}, and nothing beyond`, on(compatibility), judge('on')),
  ];
}

const FAR = 4_102_444_800;

describeScenarios('Answers that depart from RFC 7662', [
  ...switched('IRESP-10 scope as a list', { scopeArrays: true }, [
    [{ scope: ['read', 'write'] }, 403, 200, { scopes: ['read', 'write'] }],
    [{ scope: 'read write' }, 200, 200, { scopes: ['read', 'write'] }],
    [{ scope: [] }, 403, 403],
    [{ scope: [['read']] }, 403, 403],
    [{ scope: { 0: 'read', length: 1 } }, 403, 403],
    [{ scope: [{ name: 'read' }, 5, null] }, 403, 403],
  ]),

  ...switched('IRESP-10 scope with commas', { scopeSeparator: ',' }, [
    [{ scope: 'read,write' }, 403, 200, { scopes: ['read', 'write'] }],
    [{ scope: ',read,,write,' }, 403, 200, { scopes: ['read', 'write'] }],
    [{ scope: 'reader,write' }, 403, 403],
    [{ scope: ['read'] }, 403, 403],
  ]),

  ...switched('IRESP-04 exp 0 for a token that never expires', { zeroExpNeverExpires: true }, [
    [{ exp: 0 }, 401, 200, { subject: 'u1' }],
    [{ exp: 1 }, 401, 401],
    [{ exp: -1 }, 401, 401],
    [{ exp: '0' }, 503, 503],
    [{ exp: false }, 503, 503],
    [{ exp: FAR }, 200, 200, { expiresAtSeconds: FAR }],
    [{ exp: 0, nbf: FAR }, 401, 401],
  ]),

  ...switched('IRESP-06 numbers as texts', { numericStrings: true }, [
    [{ exp: String(FAR) }, 503, 200, { expiresAtSeconds: FAR }],
    [{ iat: '1700000000' }, 503, 200, { issuedAtSeconds: 1_700_000_000 }],
    [{ exp: '1' }, 503, 401],
    [{ exp: '0' }, 503, 401],
    [{ nbf: String(FAR) }, 503, 401],
    [{ iat: String(FAR) }, 503, 401],
    ...[
      '',
      ' ',
      'soon',
      '0x7fffffffff',
      '1e12',
      ' 4102444800',
      '4102444800 ',
      '4102444800s',
      'Infinity',
      'NaN',
      '4_102_444_800',
    ].map((exp): [Claims, Verdict, Verdict] => [{ exp }, 503, 503]),
    [{ exp: [String(FAR)] }, 503, 503],
    [{ exp: null }, 200, 200],
  ]),

  ...switched('IRESP-14 IRESP-15 sub as a number', { numericStrings: true }, [
    [{ sub: 42 }, 503, 200, { subject: '42' }],
    [{ sub: 0 }, 503, 200, { subject: '0' }],
    [{ sub: '0042' }, 200, 200, { subject: '0042' }],
    [{ sub: true }, 503, 503],
    [{ sub: [42] }, 503, 503],
    [{ client_id: 5 }, 503, 503],
    [{ token_type: 5 }, 503, 503],
  ]),
]);

describeScenarios('Switches and other kinds of answers', [
  scenario('IRESP-14 a number that JavaScript rounds is never an identity', on({ numericStrings: true }), async ({ as, rs }) => {
    for (const sub of ['9007199254740993', '12345678901234567890', '1e400', '1.5']) {
      const claims = JSON.stringify({ active: true, ...as.claims({ sub: undefined }) }).slice(0, -1);
      as.answer(TOKEN, (_request, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(`${claims},"sub":${sub}}`),
      );
      expect503(await rs.get('/any', `Bearer ${TOKEN}`));
    }
  }),

  scenario(
    'IRESP-04 AT-06 exp 0 of a JWT is in the past, with the switch too',
    { ...LOCAL, options: { ...LOCAL.options, ...on({ zeroExpNeverExpires: true }).options } },
    async ({ as, rs }) => {
      expect401Token(await rs.get('/any', `Bearer ${await as.sign({ exp: 0 })}`));
      expect200(await rs.get('/any', `Bearer ${await as.sign()}`));
    },
  ),

  scenario(
    'IRESP-06 JWT-15 times of a JWT are numbers, with the switch too',
    { ...LOCAL, options: { ...LOCAL.options, ...on({ numericStrings: true }).options } },
    async ({ as, rs }) => {
      expect401Token(await rs.get('/any', `Bearer ${await as.sign({ exp: String(FAR) })}`));
      expect200(await rs.get('/any', `Bearer ${await as.sign()}`));
    },
  ),

  ...(['text/plain', 'text/html; charset=utf-8', 'application/octet-stream', ''] as const).flatMap((type) => [
    scenario(`IRESP-01 JSON as ${JSON.stringify(type)}: refused without anyContentType`, {}, async (fixture) => {
      expect503(await present(fixture, {}, type));
      expect(fixture.rs.logs.join('\n')).toMatch(/content.?type|anyContentType/i);
    }),
    scenario(
      `IRESP-01 JSON as ${JSON.stringify(type)}: accepted with anyContentType`,
      on({ anyContentType: true }),
      async (fixture) => {
        expect200(await present(fixture, {}, type));
        expect401Token(await present(fixture, { active: false }, type));
      },
    ),
  ]),
  scenario('IRESP-01 anyContentType still wants JSON, and an object', on({ anyContentType: true }), async ({ as, rs }) => {
    for (const body of [
      '<html>{"active":true}</html>',
      '',
      'active=true',
      '[{"active":true}]',
      '"active"',
      '{"active":true',
      'null',
    ]) {
      as.answer(TOKEN, (_request, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(body));
      expect503(await rs.get('/r', `Bearer ${TOKEN}`));
    }
  }),

  scenario('INTRO-03 omitTokenTypeHint leaves the hint out', on({ omitTokenTypeHint: true }), async ({ as, rs }) => {
    expect200(await rs.get('/r', `Bearer ${as.token()}`));
    expect([...(as.introspectionRequests()[0]?.form.keys() ?? [])]).toEqual(['token']);
  }),
]);

const EVERYTHING: CompatibilityOptions = {
  basicEncoding: 'raw',
  scopeArrays: true,
  scopeSeparator: ',',
  zeroExpNeverExpires: true,
  numericStrings: true,
  anyContentType: true,
  omitTokenTypeHint: true,
};

const never: [claims: Claims, verdict: 401 | 503][] = [
  [{ active: 'true' }, 503],
  [{ active: 1 }, 503],
  [{ active: undefined }, 503],
  [{ active: false }, 401],
  [{ aud: undefined }, 401],
  [{ aud: [] }, 401],
  [{ aud: 'https://rs.example.com,https://other' }, 401],
  [{ iss: 'https://other.example.com' }, 401],
  [{ iss: 5 }, 401],
  [{ token_type: 'refresh_token' }, 401],
  [{ token_type: 'DPoP' }, 401],
  [{ cnf: { jkt: 'x' } }, 401],
  [{ cnf: null }, 401],
  [{ exp: 1 }, 401],
  [{ nbf: FAR }, 401],
];

describeScenarios('Every switch at once', [
  scenario('IRESP-01 IRESP-02 IRESP-07 IRESP-09 IRESP-17 IRESP-19 relaxes nothing else', on(EVERYTHING), async (fixture) => {
    expect200(await present(fixture, { scope: ['read'], exp: 0, sub: 42 }, 'text/plain'));
    for (const [claims, verdict] of never) expectVerdict(await present(fixture, claims), verdict);
  }),
]);

describe('Compatibility, refused at start-up', () => {
  it.each([
    ['another encoding', { basicEncoding: 'plain' }],
    ['encoding true', { basicEncoding: true }],
    ['a text for yes', { scopeArrays: 'true' }],
    ['a number for yes', { numericStrings: 1 }],
    ['another separator', { scopeSeparator: ';' }],
    ['a blank as separator', { scopeSeparator: ' ' }],
    ['a switch that is none', { anyIssuer: true }],
    ['no object', true],
  ])('IRESP-01 %s', (_what, compatibility) => {
    const options = problemsOf(changed({ compatibility })).map(({ option }) => option);
    expect(options.join()).toMatch(/^compatibility/);
  });
});
