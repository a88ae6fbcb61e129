import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { RevocationTarget } from 'nestjs-introspection/core';
import ts from 'typescript';
import { build, runProgram, type Ended } from '../program.js';
import type { InstanceSettings } from './instance.js';

/** An instance in a process of its own. */
export interface RunningInstance {
  /** Sends requests, many of them at a time; the statuses in the order of the tokens. */
  request(tokens: readonly string[]): Promise<number[]>;
  /** Rejects as the instance's own promise does. */
  revoke(target: RevocationTarget): Promise<void>;
  /** What nobody in the process caught. */
  faults(): Promise<string[]>;
  /** Closes what the program opened and nothing else; how the process then ended by itself. */
  close(): Promise<Ended>;
  /** For the end of a test, whatever happened in it. */
  kill(): Promise<void>;
  readonly output: string;
}

/** What an instance runs, built for one test file. */
export interface InstanceProgram {
  readonly path: string;
  remove(): Promise<void>;
}

const SOURCES = ['instance', 'nest-instance'];
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/', import.meta.url));
const COMPILER_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};
const CONNECTIONS = 4;
/** Requests that a connection carries at once. More would hold the server's event loop up, which is another test. */
const BURST = 20;

/** Builds the library, and the program that uses it as an application does. */
export async function buildInstance(): Promise<InstanceProgram> {
  await build('libs/introspection');
  const folder = `${CACHE}shared-store-${process.pid}`;
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/package.json`, '{ "type": "module" }');
  for (const name of SOURCES) {
    const fileName = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
    const { outputText } = ts.transpileModule(await readFile(fileName, 'utf8'), { fileName, compilerOptions: COMPILER_OPTIONS });
    await writeFile(`${folder}/${name}.js`, outputText);
  }
  return {
    path: `${folder}/instance.js`,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function startInstance(program: InstanceProgram, settings: InstanceSettings): Promise<RunningInstance> {
  const running = runProgram([program.path], { INSTANCE: JSON.stringify(settings) });
  const [, port, control] = /port (\d+), control (\d+), ready/.exec(await running.untilPrinted(', ready')) ?? [];

  const command = async (name: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${control}/${name}`, {
      method: 'POST',
      body: JSON.stringify(body ?? null),
      headers: { connection: 'close' },
    });
    const answer = (await response.json()) as { result?: unknown; error?: string };
    if (response.status !== 200) throw new Error(`${name} rejected: ${answer.error}`);
    return answer.result;
  };
  return {
    request: async (tokens) => {
      const bursts: string[][] = [];
      for (let at = 0; at < tokens.length; at += BURST) bursts.push(tokens.slice(at, at + BURST));
      const statuses: number[][] = [];
      let next = 0;
      const sendBursts = async (): Promise<void> => {
        for (let own = next++; own < bursts.length; own = next++) statuses[own] = await pipeline(Number(port), bursts[own] ?? []);
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, sendBursts));
      return statuses.flat();
    },
    revoke: async (target) => void (await command('revoke', target)),
    faults: async () => (await command('faults')) as string[],
    close: async () => {
      await command('close');
      return running.ended;
    },
    kill: async () => {
      running.kill('SIGKILL');
      await running.ended;
    },
    get output() {
      return running.output;
    },
  };
}

/** HTTP/1.1 pipelining: the requests leave in one write, so that the client costs less than the servers under test. */
function pipeline(port: number, tokens: readonly string[]): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const last = tokens.length - 1;
    const requests = tokens.map(
      (token, index) =>
        `GET /r HTTP/1.1\r\nHost: rs\r\nAuthorization: Bearer ${token}\r\n${index === last ? 'Connection: close\r\n' : ''}\r\n`,
    );
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(requests.join('')));
    socket.setEncoding('latin1').on('data', (chunk) => (received += String(chunk)));
    socket.on('error', reject);
    socket.on('close', () => {
      const statuses = [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
      if (statuses.length === tokens.length) resolve(statuses);
      else reject(new Error(`${statuses.length} answers to ${tokens.length} requests`));
    });
  });
}
