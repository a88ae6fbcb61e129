import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../support/challenges.js';
import type { Answer } from './client.js';
import { isFree, runProgram, takePort, type Program } from './program.js';
import { runCurlLine } from './run-curl-line.js';

const START = 'scripts/start.mjs';
const ANY_PORTS = ['--port', '0', '--authorization-server-port', '0'];
const LAST_LINE = 'Ctrl-C stops both.';

const start = (...more: string[]) => runProgram([START, ...ANY_PORTS, ...more]);

const portsOf = (output: string) =>
  ['Albums API', 'Authorization server'].map((name) =>
    Number(new RegExp(`${name} +http://127\\.0\\.0\\.1:(\\d+)`).exec(output)?.[1]),
  );

interface Promised {
  readonly status: number;
  readonly heading: string;
  readonly line: string;
}

/** The curl lines, each with what the nearest line above it promises. */
function promisesOf(output: string): Promised[] {
  const promises: Promised[] = [];
  let promised = { status: 0, heading: '' };
  for (const line of output.split('\n')) {
    const status = /: (\d{3})\b/.exec(line)?.[1];
    if (line.startsWith('curl ')) promises.push({ ...promised, line });
    else if (status !== undefined) promised = { status: Number(status), heading: line.trim() };
  }
  return promises;
}

const challengeOf = ({ headers }: Answer) =>
  Object.fromEntries(parseChallenges([headers.get('www-authenticate') ?? ''])[0]?.params ?? []);

/** Whatever happened in a test, nothing that it started outlives it. */
async function stopAtEnd(program: Program, work: () => Promise<void>) {
  try {
    await work();
  } finally {
    program.kill('SIGTERM');
    await program.ended;
  }
}

describe('npm start', () => {
  it.each(['express', 'fastify'])(
    'prints curl lines that give what they promise, and ends cleanly on SIGINT (%s)',
    async (platform) => {
      const program = start('--platform', platform);
      await stopAtEnd(program, async () => {
        const output = await program.untilPrinted(LAST_LINE);
        const promises = promisesOf(output);
        expect(promises.map(({ status }) => status)).toEqual([200, 200, 403, 401, 200, 401, 200]);

        const answers: Answer[] = [];
        // One after the other, as a person would: the revocation stands before the call that it makes fail.
        for (const { status, heading, line } of promises) {
          const answer = await runCurlLine(line);
          expect(answer.status, heading).toBe(status);
          answers.push(answer);
        }
        const [opaque, jwt, unscoped, anonymous, , revoked, token] = answers as [
          Answer,
          Answer,
          Answer,
          Answer,
          Answer,
          Answer,
          Answer,
        ];
        expect(opaque.body).toMatchObject({ verifiedBy: 'introspection' });
        expect(jwt.body).toMatchObject({ verifiedBy: 'local' });
        expect(challengeOf(unscoped)).toMatchObject({ error: 'insufficient_scope', scope: 'write' });
        expect(challengeOf(anonymous)).not.toHaveProperty('error');
        expect(challengeOf(revoked)).toMatchObject({ error: 'invalid_token' });
        expect(token.body).toMatchObject({ scope: 'read write' });

        program.kill('SIGINT');
        const begunAtMs = performance.now();
        expect(await program.ended).toEqual({ code: 0, signal: null });
        expect(performance.now() - begunAtMs).toBeLessThan(2000);
        for (const port of portsOf(output)) expect(await isFree(port)).toBe(true);
      });
    },
  );

  it('keeps everything but the curl lines within 100 columns', async () => {
    const program = start();
    await stopAtEnd(program, async () => {
      const output = await program.untilPrinted(LAST_LINE);
      const prose = output.split('\n').filter((line) => !line.startsWith('curl ') && !line.includes('oidc-provider WARNING'));
      expect(prose.filter((line) => line.length > 100)).toEqual([]);
    });
  });

  it('leaves nothing behind even when it is killed', async () => {
    const program = start();
    await stopAtEnd(program, async () => {
      const output = await program.untilPrinted(LAST_LINE);
      program.kill('SIGKILL');
      await program.ended;
      for (const port of portsOf(output)) await expect.poll(() => isFree(port), { interval: 20, timeout: 5000 }).toBe(true);
    });
  });

  it('stops the authorization server and says so when the sample dies', async () => {
    const dies = "if (process.argv[1]?.includes('sample')) process.exit(7)";
    const program = runProgram([START, ...ANY_PORTS], {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(dies)}`,
    });
    await stopAtEnd(program, async () => {
      expect(await program.ended).toEqual({ code: 1, signal: null });
      expect(program.output).toContain('The sample ended unexpectedly (exit code 7).');
      const issuerPort = Number(/Authorization server on http:\/\/127\.0\.0\.1:(\d+)/.exec(program.output)?.[1]);
      expect(await isFree(issuerPort)).toBe(true);
    });
  });

  it.each(['--port', '--authorization-server-port'])('says that a port is taken and that %s chooses another', async (flag) => {
    const { port, release } = await takePort();
    try {
      const program = runProgram([START, ...ANY_PORTS, flag, String(port)]);
      expect(await program.ended).toMatchObject({ code: 1 });
      expect(program.output).toContain(`Port ${port} of 127.0.0.1 is taken. Choose another: npm start -- ${flag} `);
    } finally {
      await release();
    }
  });

  it.each([['--port=x'], ['--platform=koa'], ['--prot']])('explains a wrong %s', async (flag) => {
    const program = runProgram([START, flag]);
    expect(await program.ended).toMatchObject({ code: 1 });
    expect(program.output).toMatch(/must be|Usage:/);
    expect(program.output).not.toContain('    at ');
  });
});
