import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Period {
  ids: string[];
  cpuMs: number;
  pauseMs: number;
}

export interface ChildCounts {
  reached: number;
  /** Of requests that were alone and not suspect. */
  slowestMs: number;
  unhandled: string[];
  suspects: Period[];
}

const PATIENCE_MS = 60_000;

/** The fuzzed application in a process of its own. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #lastId = 0;
  #output = '';
  #isStopping = false;
  /** Why it ended by itself, if it has. */
  crash: string | undefined;

  constructor() {
    this.#process = fork(fileURLToPath(new URL('application.mjs', import.meta.url)), [], {
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-4000)));
    this.#process.on('message', (message) => {
      const { id, value, failure } = message as { id: number; value?: unknown; failure?: string };
      const { resolve, reject } = this.#waiting.get(id) ?? {};
      this.#waiting.delete(id);
      if (failure === undefined) resolve?.(value);
      else reject?.(new Error(failure));
    });
    this.#process.on('exit', (code, signal) => {
      if (this.#isStopping) return;
      this.crash = `the application ended with ${code ?? signal}\n${this.#output}`;
      for (const { reject } of this.#waiting.values()) reject(new Error(this.crash));
      this.#waiting.clear();
    });
  }

  start(adapter: string, profiles: Record<string, unknown>): Promise<Record<string, number>> {
    return this.#ask('start', { adapter, profiles }) as Promise<Record<string, number>>;
  }

  counts(): Promise<ChildCounts> {
    return this.#ask('counts') as Promise<ChildCounts>;
  }

  cost(): Promise<Period | undefined> {
    return this.#ask('cost') as Promise<Period | undefined>;
  }

  stop(): void {
    this.#isStopping = true;
    this.#process.kill();
  }

  #ask(name: string, argument?: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.crash !== undefined) {
        reject(new Error(this.crash));
        return;
      }
      const id = ++this.#lastId;
      // An application that is caught in a loop answers nothing any more.
      const impatience = setTimeout(() => reject(new Error(`${name}: no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
      const settled =
        <T>(settle: (outcome: T) => void) =>
        (outcome: T): void => {
          clearTimeout(impatience);
          settle(outcome);
        };
      this.#waiting.set(id, { resolve: settled(resolve), reject: settled(reject) });
      this.#process.send({ id, name, argument }, (error) => error && reject(error));
    });
  }
}
