import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Program {
  /** All that it has printed so far, on both streams. */
  readonly output: string;
  readonly ended: Promise<Ended>;
  /** Resolves with the output as soon as it holds the text; rejects when the program ends without having printed it. */
  untilPrinted(text: string): Promise<string>;
  kill(signal: NodeJS.Signals): void;
}

export function runProgram(args: readonly string[], environment: Record<string, string> = {}): Program {
  const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...environment } });
  let output = '';
  const waiting = new Set<() => void>();
  const receive = (chunk: string) => {
    output += chunk;
    for (const check of waiting) check();
  };
  child.stdout.setEncoding('utf8').on('data', receive);
  child.stderr.setEncoding('utf8').on('data', receive);
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal }));

  return {
    get output() {
      return output;
    },
    ended,
    untilPrinted: (text) =>
      new Promise((resolve, reject) => {
        const check = () => output.includes(text) && resolve(output);
        waiting.add(check);
        check();
        void ended.then(() => reject(new Error(`ended without printing "${text}":\n${output}`)));
      }),
    kill: (signal) => void child.kill(signal),
  };
}

/** Compiles a project and what it refers to; a moment when nothing has changed. */
export async function build(project: string): Promise<void> {
  const compiler = runProgram(['node_modules/typescript/bin/tsc', '-b', project]);
  const { code } = await compiler.ended;
  if (code !== 0) throw new Error(`${project} does not compile:\n${compiler.output}`);
}

/** Holds a port, any free one unless told which; throws when it is taken. */
export async function takePort(port = 0): Promise<{ port: number; release(): Promise<void> }> {
  const server: Server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  const release = async () => {
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
  return { port: (server.address() as AddressInfo).port, release };
}

export async function isFree(port: number): Promise<boolean> {
  try {
    await (await takePort(port)).release();
    return true;
  } catch {
    return false;
  }
}
