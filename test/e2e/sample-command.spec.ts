import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { build, isFree, runProgram, takePort } from './program.js';

const MAIN = ['apps/sample/dist/main.js'];
// Nothing listens there: the sample has to start all the same.
const ENVIRONMENT = {
  OAUTH_ISSUER: 'http://127.0.0.1:9',
  OAUTH_AUDIENCE: 'https://albums.example.com',
  OAUTH_CLIENT_ID: 'api',
  OAUTH_CLIENT_SECRET: 'secret-of-the-api',
  OAUTH_ALLOW_INSECURE_HTTP: 'true',
};

beforeAll(() => build('apps/sample'));

describe.each(['express', 'fastify'])("the sample's command on %s", (PLATFORM) => {
  it('starts, and ends at once on SIGINT though a client holds a connection', async () => {
    const program = runProgram(MAIN, { ...ENVIRONMENT, PLATFORM, PORT: '0' });
    try {
      const port = Number(/127\.0\.0\.1:(\d+) \(/.exec(await program.untilPrinted(`(${PLATFORM})`))?.[1]);
      const halfRequest = connect(port, '127.0.0.1').on('error', () => {});
      halfRequest.write('GET /albums/health HTTP/1.1\r\n');
      // A second connection is answered only after the first one was accepted.
      expect((await fetch(`http://127.0.0.1:${port}/albums/health`)).status).toBe(200);
      program.kill('SIGINT');
      // Nest takes its leave by the signal it was sent, which a shell shows as 130.
      expect(await program.ended).toEqual({ code: null, signal: 'SIGINT' });
      expect(await isFree(port)).toBe(true);
    } finally {
      program.kill('SIGKILL');
    }
  });

  it('says that its port is taken, and how to choose another', async () => {
    const { port, release } = await takePort();
    try {
      const program = runProgram(MAIN, { ...ENVIRONMENT, PLATFORM, PORT: String(port) });
      expect(await program.ended).toMatchObject({ code: 1 });
      expect(program.output.trim()).toMatch(new RegExp(`^Port ${port} of 127.0.0.1 is taken. Choose another with PORT=\\d+.$`));
    } finally {
      await release();
    }
  });
});

describe("the sample's command, not configured", () => {
  const unset = Object.fromEntries(Object.keys(ENVIRONMENT).map((name) => [name, '']));

  it('names every variable that is missing, without a stack trace', async () => {
    const program = runProgram(MAIN, unset);
    expect(await program.ended).toMatchObject({ code: 1 });
    for (const name of ['OAUTH_ISSUER', 'OAUTH_AUDIENCE', 'OAUTH_CLIENT_ID', 'OAUTH_CLIENT_SECRET']) {
      expect(program.output).toContain(`${name} is missing`);
    }
    expect(program.output).not.toContain('    at ');
  });

  it("passes on what the library objects to, once and in the library's words", async () => {
    const program = runProgram(MAIN, { ...ENVIRONMENT, OAUTH_ALLOW_INSECURE_HTTP: 'false' });
    expect(await program.ended).toMatchObject({ code: 1 });
    expect(program.output.match(/allowInsecureHttp/g)).toHaveLength(1);
    expect(program.output).not.toContain('    at ');
    expect(program.output).not.toContain(ENVIRONMENT.OAUTH_CLIENT_SECRET);
  });
});
