import { Controller, Get, Header, Post } from '@nestjs/common';
import { OptionalAuth, Principal, Public, Scopes, type AccessTokenPrincipal } from 'nestjs-introspection';
import { expect } from 'vitest';
import { expect200, expect201, expect503 } from '../support/expectations.js';
import type { HeaderLine, RawResponse } from '../support/raw-http.js';
import type { Exchange } from '../support/resource-server.js';
import { describeRows, row, type Fixture } from '../support/table.js';

const directives = (answer: RawResponse): string[] =>
  answer
    .all('Cache-Control')
    .join(',')
    .split(',')
    .map((directive) => directive.trim().toLowerCase())
    .filter((directive) => directive !== '');

async function refusals({ as, rs }: Fixture): Promise<Exchange[]> {
  const broken = as.token();
  as.answer(broken, (_request, response) => response.writeHead(500).end());
  return [
    await rs.get('/r'),
    await rs.get('/r', 'Basic x'),
    await rs.get('/r', 'Bearer'),
    await rs.get('/r', 'Bearer unknown-token'),
    await rs.get('/opt', 'Bearer unknown-token'),
    await rs.get('/r', `Bearer ${as.token({ scope: 'other' })}`),
    await rs.get('/r', `Bearer ${broken}`),
    await rs.send({ method: 'HEAD', path: '/r' }),
  ];
}

describeRows('RFC 9111 and the fixture routes', [
  row('CC-01 CC-06 a guarded success is left as the application made it', async ({ as, rs }) => {
    const answer = await rs.get('/r', `Bearer ${as.token()}`);
    expect200(answer);
    expect(directives(answer)).toEqual([]);
    expect(answer.all('Vary')).toEqual([]);
    expect(answer.all('Pragma')).toEqual([]);
  }),

  row('CC-03 CC-12 every refusal says no-store, and only once', async (fixture) => {
    const answers = await refusals(fixture);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 400, 401, 401, 403, 503, 401]);
    for (const answer of answers) expect(answer.all('Cache-Control')).toEqual(['no-store']);
  }),

  row('CC-07 an anonymous answer of an @OptionalAuth route is not for a user, and the reverse', async ({ as, rs }) => {
    const [anonymous, personal] = [await rs.get('/opt'), await rs.get('/opt', `Bearer ${as.token()}`)];
    expect(expect200(anonymous).principal).toBeNull();
    expect(expect200(personal).principal).toMatchObject({ subject: 'u1' });
    for (const answer of [anonymous, personal]) {
      const varies = answer.all('Vary').join(',').toLowerCase().includes('authorization');
      expect(varies || directives(answer).some((directive) => ['private', 'no-store'].includes(directive))).toBe(true);
    }
  }),

  row('CC-08 CC-13 a 503 has Retry-After in whole seconds and no challenge', async ({ as, rs }) => {
    const token = as.token();
    as.answer(token, (_request, response) =>
      response.writeHead(500, { 'retry-after': 'soon', 'www-authenticate': 'Basic realm="as"' }).end(),
    );
    const answer = await rs.get('/r', `Bearer ${token}`);
    expect(expect503(answer)).toBeGreaterThanOrEqual(1);
    expect(answer.header('Retry-After')).toMatch(/^\d+$/);
    expect(answer.all('WWW-Authenticate')).toEqual([]);
  }),
]);

describeRows(
  'RFC 9111 and an authorization server in trouble',
  [
    ...[502, 504].map((status) =>
      row(`CC-11 CC-13 its ${status} is our 503`, async ({ as, rs }) => {
        const token = as.token();
        as.answer(token, (_request, response) => response.writeHead(status).end());
        expect503(await rs.get('/r', `Bearer ${token}`));
        expect200(await rs.get('/r', `Bearer ${as.token()}`));
      }),
    ),
    row('CC-11 its silence is our 503', async ({ as, rs }) => {
      const token = as.token();
      as.answer(token, () => undefined);
      expect503(await rs.get('/r', `Bearer ${token}`));
    }),
  ],
  { options: () => ({ http: { timeoutMs: 200 } }) },
);

@Controller()
class CachedController {
  @Get('cached')
  @Scopes('read')
  @Header('Cache-Control', 'max-age=60, private')
  @Header('Vary', 'Accept')
  cached(): string {
    return 'cached';
  }

  @Get('r')
  @Scopes('read')
  read(@Principal('subject') subject: string): unknown {
    return { principal: { subject } };
  }

  @Post('w')
  @Scopes('write')
  write(@Principal('subject') subject: string): unknown {
    return { principal: { subject } };
  }

  @Get('opt')
  @OptionalAuth()
  @Header('Cache-Control', 'private, max-age=5')
  optional(@Principal() principal: AccessTokenPrincipal | undefined): unknown {
    return { principal: principal ? { subject: principal.subject } : null };
  }

  @Get('open')
  @Public()
  @Header('Cache-Control', 'public, max-age=3600')
  open(): string {
    return 'open';
  }
}

describeRows(
  'RFC 9111 and routes with fields of their own',
  [
    row('CC-01 a guarded success keeps the application’s Cache-Control, and a refusal does not get it', async ({ as, rs }) => {
      const answer = await rs.get('/cached', `Bearer ${as.token()}`);
      expect([answer.status, answer.body]).toEqual([200, 'cached']);
      expect(answer.all('Cache-Control')).toEqual(['max-age=60, private']);
      expect(answer.all('Vary')).toEqual(['Accept']);
      for (const refused of [await rs.get('/cached'), await rs.get('/cached', 'Bearer unknown-token')]) {
        expect(refused.all('Cache-Control')).toEqual(['no-store']);
      }
    }),

    row('CC-01 a @Public route is left alone', async ({ rs }) => {
      expect((await rs.get('/open')).all('Cache-Control')).toEqual(['public, max-age=3600']);
    }),

    row('CC-07 an @OptionalAuth route keeps a Cache-Control that is private already', async ({ as, rs }) => {
      for (const answer of [await rs.get('/opt'), await rs.get('/opt', `Bearer ${as.token()}`)]) {
        expect200(answer);
        expect(directives(answer)).toContain('private');
      }
    }),
  ],
  { controllers: [CachedController] },
);

const form: HeaderLine = ['Content-Type', 'application/x-www-form-urlencoded'];

describeRows(
  'RFC 9111 and tokens outside the header',
  [
    row('CC-04 T54 a success by the query is private', async ({ as, rs }) => {
      const answer = await rs.send({ path: `/r?access_token=${as.token()}` });
      expect200(answer);
      expect(directives(answer)).toEqual(expect.arrayContaining(['private', 'no-store']));
      expect(directives(answer)).not.toContain('public');
    }),

    row('CC-05 a success by the body is private or not stored', async ({ as, rs }) => {
      const answer = await rs.send({
        method: 'POST',
        path: '/w',
        headers: [form],
        body: `access_token=${as.token({ scope: 'write' })}`,
      });
      expect201(answer);
      expect(directives(answer).some((directive) => ['private', 'no-store'].includes(directive))).toBe(true);
    }),

    row('CC-01 a success by the header is still left as it is', async ({ as, rs }) => {
      const answer = await rs.get('/r', `Bearer ${as.token()}`);
      expect200(answer);
      expect(directives(answer)).toEqual([]);
    }),
  ],
  { options: () => ({ extract: { formBody: true, query: true } }), controllers: [CachedController] },
);
