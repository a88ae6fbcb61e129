import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

export interface Project {
  readonly folder: string;
  /** Runs a command, in the folder unless told otherwise; rejects with all its output where it fails. */
  run(command: string, args: readonly string[], cwd?: string, variables?: Readonly<Record<string, string>>): Promise<string>;
  remove(): void;
}

/** What this run and its npm have set would steer the project's own tools; how to reach the registry is kept. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const set =
    /^(npm_(package|lifecycle|command|execpath|node_execpath|config_(local_prefix|workspace.*|include_workspace_root))|init_cwd$|vitest|vite_|node_env$|node_options$|test$|mode$|dev$|prod$|ssr$|base_url$)/i;
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !set.test(name))), CI: 'true', NO_COLOR: '1' };
}

/** An empty folder outside the repository, for a project of its own. */
export function createProject(name: string): Project {
  const folder = mkdtempSync(join(tmpdir(), `introspection-${name}-`));
  return {
    folder,
    run: (command, args, cwd = folder, variables = {}) => {
      const start = performance.now();
      return new Promise((resolve, reject) => {
        const child = execFile(
          command,
          args,
          { cwd, env: { ...ownEnvironment(), ...variables }, maxBuffer: 64 * 1024 * 1024 },
          (error, stdout, stderr) => {
            const took = `${((performance.now() - start) / 1000).toFixed(1)} s`;
            console.log(
              `  ${name}: ${[basename(command), ...args.filter((arg) => !arg.startsWith('-')).slice(0, 2)].join(' ')} (${took})`,
            );
            if (error) reject(new Error(`${command} ${args.join(' ')} failed in ${name}:\n${stdout}${stderr}`, { cause: error }));
            else resolve(stdout + stderr);
          },
        );
        child.stdin?.end();
      });
    },
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

export const npmInstall = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

/** A port that was free just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface Running {
  readonly origin: string;
  stop(): Promise<void>;
}

/** Starts a program that listens on `PORT`; resolves when it answers over HTTP, rejects with its output when it ends before. */
export async function start(folder: string, file: string, variables: Readonly<Record<string, string>> = {}): Promise<Running> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    env: { ...ownEnvironment(), ...variables, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let running = true;
  void ended.then(() => (running = false));

  const deadline = performance.now() + 30_000;
  while (running && performance.now() < deadline) {
    try {
      await (await fetch(origin)).arrayBuffer();
      return {
        origin,
        stop: async () => {
          child.kill();
          await ended;
        },
      };
    } catch {
      await pause(25);
    }
  }
  child.kill('SIGKILL');
  await ended;
  throw new Error(`${file} did not answer:\n${output}`);
}
