import { secretFromFile, type ClientAuthentication, type IntrospectionModuleOptions } from 'nestjs-introspection';
import {
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  mkdirSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { assertionOf, isSignedBy } from '../support/client-assertions.js';
import { expect200, expect503 } from '../support/expectations.js';
import { ecKey } from '../support/keys.js';
import { describeScenarios, scenario, type ScenarioSetup } from '../support/scenario.js';
import type { Fixture } from '../support/table.js';

const directory = mkdtempSync(join(tmpdir(), 'secret-from-file-'));
const file = join(directory, 'secret');
const clean = (): void => {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
};
beforeEach(clean);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

type Options = Partial<IntrospectionModuleOptions>;
const mounted = (content?: string): ScenarioSetup => ({
  options: { clientAuthentication: { method: 'client_secret_post', clientId: 'rs1', clientSecret: secretFromFile(file) } },
  prepare: () => {
    clean();
    if (content !== undefined) writeFileSync(file, content);
  },
});
const using = (clientAuthentication: ClientAuthentication): Options => ({ clientAuthentication });

/** The secret that one call was made with. */
async function sent({ as, rs }: Fixture): Promise<string | null | undefined> {
  expect200(await rs.get('/r', `Bearer ${as.token()}`));
  return as.introspectionRequests().at(-1)?.form.get('client_secret');
}

async function expectNothingAsked({ rs }: Fixture): Promise<void> {
  const answer = await rs.get('/r', 'Bearer some-client-token');
  expect503(answer);
  expect(answer.introspections).toBe(0);
  expect(rs.logs).not.toEqual([]);
}

const texts: [what: string, content: string, secret: string][] = [
  ['no line end', 'secret-value', 'secret-value'],
  ['one line end', 'secret-value\n', 'secret-value'],
  ['one line end of Windows', 'secret-value\r\n', 'secret-value'],
  ['two line ends: one is the secret’s', 'secret-value\n\n', 'secret-value\n'],
  ['blanks around', ' secret-value ', ' secret-value '],
  ['a line end within', 'secret\nvalue\n', 'secret\nvalue'],
  ['letters beyond ASCII', 'sécrèt-ü€\n', 'sécrèt-ü€'],
];

describeScenarios('secretFromFile', [
  ...texts.map(([what, content, secret]) =>
    scenario(`CAUTH-02 T123 a file with ${what}`, mounted(content), async (fixture) => {
      expect(await sent(fixture)).toBe(secret);
    }),
  ),

  scenario(
    'T123 CAUTH-10 a file that changes: the next call has the new secret, and none fails',
    mounted('first'),
    async (fixture) => {
      expect(await sent(fixture)).toBe('first');
      expect(await sent(fixture)).toBe('first');
      // As long as the one before, and written in the same second.
      for (const secret of ['other', 'third', 'a-longer-one\n', 'x']) {
        writeFileSync(file, secret);
        expect(await sent(fixture)).toBe(secret.trimEnd());
      }
      expect(fixture.rs.logs.join('\n')).not.toMatch(/first|other|third|a-longer-one/);
    },
  ),

  scenario('T123 a file that is replaced by renaming, with the times of the old one', mounted('first'), async (fixture) => {
    expect(await sent(fixture)).toBe('first');
    const { atime, mtime } = statSync(file);
    const next = join(directory, 'next');
    writeFileSync(next, 'other');
    utimesSync(next, atime, mtime);
    renameSync(next, file);
    expect(await sent(fixture)).toBe('other');
  }),

  scenario('T123 a mount that is switched by a symbolic link', mounted(), async (fixture) => {
    const link = join(directory, '..data');
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, 'secret'), `secret-${version}`);
    }
    symlinkSync('v1', link);
    symlinkSync(join('..data', 'secret'), file);
    expect(await sent(fixture)).toBe('secret-v1');
    symlinkSync('v2', join(directory, 'next'));
    renameSync(join(directory, 'next'), link);
    expect(await sent(fixture)).toBe('secret-v2');
  }),

  scenario('T123 a missing file: the application starts, requests get 503 until it is there', mounted(), async (fixture) => {
    expect200(await fixture.rs.get('/pub'));
    await expectNothingAsked(fixture);
    writeFileSync(file, 'late');
    expect(await sent(fixture)).toBe('late');
  }),

  scenario('T123 a file that is taken away is no secret any more', mounted('first'), async (fixture) => {
    expect(await sent(fixture)).toBe('first');
    unlinkSync(file);
    await expectNothingAsked(fixture);
    writeFileSync(file, 'again');
    expect(await sent(fixture)).toBe('again');
  }),

  ...(
    [
      ['an empty file', () => writeFileSync(file, '')],
      ['a file with nothing but a line end', () => writeFileSync(file, '\n')],
      ['a directory', () => mkdirSync(file)],
      ['a file that is too large to be a secret', () => writeFileSync(file, 'oversized-secret'.repeat(65_536))],
    ] as const
  ).map(([what, make]) =>
    scenario(`T123 CAUTH-10 ${what}: 503, nothing asked, nothing told`, mounted(), async (fixture) => {
      make();
      await expectNothingAsked(fixture);
      expect(fixture.rs.logs.join('\n')).not.toContain('oversized-secret');
    }),
  ),
]);

const first = ecKey();
const second = ecKey();
const pemOf = ({ privateKey }: typeof first): string => privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();

describeScenarios('secretFromFile for other credentials', [
  scenario(
    'PKJ-09 PKJ-13 T123 a private key in a file, renewed without a restart',
    {
      options: using({ method: 'private_key_jwt', clientId: 'rs1', key: secretFromFile(file) }),
      prepare: () => writeFileSync(file, pemOf(first)),
    },
    async ({ as, rs }) => {
      for (const key of [first, second]) {
        writeFileSync(file, pemOf(key));
        expect200(await rs.get('/r', `Bearer ${as.token()}`));
        expect(isSignedBy(assertionOf(as.introspectionRequests().at(-1)), key.publicKey)).toBe(true);
      }
    },
  ),
  scenario(
    'CAUTH-04 T123 a bearer token in a file is read again when the endpoint refuses the old one',
    { options: using({ method: 'bearer', token: secretFromFile(file) }), prepare: () => writeFileSync(file, 'rs-token-1\n') },
    async ({ as, rs }) => {
      expect200(await rs.get('/r', `Bearer ${as.token()}`));
      writeFileSync(file, 'rs-token-2\n');
      as.replace('introspection', (request, response) => {
        const isNew = request.headers.authorization === 'Bearer rs-token-2';
        response
          .writeHead(isNew ? 200 : 401, { 'content-type': 'application/json' })
          .end(isNew ? JSON.stringify({ active: true, ...as.claims() }) : '');
      });
      expect200(await rs.get('/r', 'Bearer some-client-token'));
      expect(as.introspectionRequests().at(-1)?.headers.authorization).toBe('Bearer rs-token-2');
    },
  ),
]);

describe('secretFromFile alone', () => {
  it('T123 is read by any caller, and says when it cannot be', async () => {
    const read = secretFromFile(file);
    await expect(read()).rejects.toThrow(/./);
    writeFileSync(file, 'value\n');
    expect(await read()).toBe('value');
    expect(await read()).toBe('value');
  });
});
