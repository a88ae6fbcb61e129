import { Controller, Get, Post } from '@nestjs/common';
import { expect } from 'vitest';
import { expect400Request, expect401None, expect401Token, expectNoToken } from '../../../support/expectations.js';
import type { HeaderLine } from '../../../support/raw-http.js';
import { describeRows, row, type Fixture } from '../../../support/table.js';

@Controller()
class Routes {
  @Get('any') get(): string {
    return 'got';
  }
  @Post('any') post(): string {
    return 'posted';
  }
}

const FORM: HeaderLine = ['Content-Type', 'application/x-www-form-urlencoded'];

async function post({ rs }: Fixture, body: string, ...headers: HeaderLine[]) {
  const answer = await rs.send({ method: 'POST', path: '/any', body, headers: headers.length > 0 ? headers : [FORM] });
  expectNoToken(answer);
  return answer;
}

/** Parsers make objects and lists of names with brackets; none of them is the parameter. */
const STRUCTURED = [
  'access_token[toString]=x',
  'access_token[0][toString]=x&access_token[1]=y',
  'access_token[0][toString]=x&access_token[0][valueOf]=y&access_token[1]=z',
  'access_token[]=x&access_token[][toString]=y',
  'access_token[length]=2',
  'access_token[__proto__]=x',
  '__proto__[access_token]=x',
  'constructor[prototype][access_token]=x',
  'access_token[a][b][c][d][e][f][g]=x',
  `${'access_token[]=x&'.repeat(50)}`,
  'access_token[0]=x&access_token[0]=y&access_token[toString]=z',
  '%00access_token=x',
  'access_token%00=x',
];

describeRows(
  'a body where bodies may carry tokens',
  [
    ...STRUCTURED.map((body) =>
      row(`T53 ${body.slice(0, 60)} is refused, and no crash`, async (fixture) => {
        const answer = await post(fixture, body);
        expect([400, 401], `${answer.status} ${answer.body}`).toContain(answer.status);
        expect(answer.introspections).toBe(0);
        expect(answer.handled).toBe(0);
      }),
    ),
    row('T52 two tokens are two tokens, in one place or in two', async (fixture) => {
      const token = fixture.as.token();
      expect400Request(await post(fixture, `access_token=${token}&access_token=${token}`));
      expect400Request(await post(fixture, `access_token=${token}`, FORM, ['Authorization', `Bearer ${token}`]));
    }),
    row('a token with characters that no token has is 400', async (fixture) => {
      for (const token of ['a%20b', 'a%00b', 'a%0d%0ab', '%C3%A9', '%ff', 'a%26token=b', '=a'])
        expect400Request(await post(fixture, `access_token=${token}`));
    }),
    row('an empty token is no token that is looked up', async (fixture) => {
      const answer = await post(fixture, 'access_token=');
      expect([400, 401]).toContain(answer.status);
      expect(answer.introspections).toBe(0);
    }),
    row('T82 a token that is too long is refused unseen', async (fixture) => {
      const answer = await post(fixture, `access_token=${'a'.repeat(8193)}`);
      expect401Token(answer);
      expect(answer.introspections).toBe(0);
    }),
    row('T53 a body of another type carries none, whatever it holds', async (fixture) => {
      const token = fixture.as.token();
      for (const [type, body] of [
        ['application/json', JSON.stringify({ access_token: token })],
        ['application/json', '[]'],
        ['application/json', JSON.stringify({ access_token: [token, { toString: 1 }] })],
        ['text/plain', `access_token=${token}`],
      ] as const) {
        const answer = await post(fixture, body, ['Content-Type', type]);
        // A framework may not know a type, and say so before any guard.
        expect([401, 415], `${type} ${answer.status}`).toContain(answer.status);
        expect(answer.introspections).toBe(0);
      }
    }),
    row('the body of a GET is not looked at', async (fixture) => {
      const body = `access_token=${fixture.as.token()}`;
      const answer = await fixture.rs.send({ path: '/any', body, headers: [FORM] });
      expect401None(answer);
    }),
  ],
  { controllers: [Routes], options: () => ({ extract: { formBody: true, query: true } }) },
);

describeRows(
  'a query where queries may carry tokens',
  [
    row('T52 is read as it was received, whatever a router makes of it', async ({ rs, as }) => {
      const token = as.token();
      expect((await rs.get(`/any?access_token=${token}`)).status).toBe(200);
      expect((await rs.get(`/any?a=b&access%5Ftoken=${token}`)).status).toBe(200);
      for (const query of [
        `access_token=${token}&access_token=${token}`,
        `access_token=${token}&access%5Ftoken=x`,
        'access_token=a%20b',
      ])
        expect400Request(await rs.get(`/any?${query}`));
      for (const query of [
        `access_token[]=${token}`,
        `Access_Token=${token}`,
        `access_token[toString]=x`,
        `x=?access_token=${token}`,
      ])
        expect401None(await rs.get(`/any?${query}`));
    }),
    row('is not looked at where the method has a body', async ({ rs, as }) => {
      expect401None(await rs.send({ method: 'POST', path: `/any?access_token=${as.token()}` }));
    }),
  ],
  { controllers: [Routes], options: () => ({ extract: { query: true } }) },
);
