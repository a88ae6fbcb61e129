import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const KEPT_OUTPUT = 4000;

/** A process of its own, so that its CPU time is its own and no other program's. */
export class Process {
  #child;
  #waiting = new Map();
  #lastId = 0;
  #output = '';
  #isStopping = false;

  /**
   * @param {string} name for the texts of errors
   * @param {URL} program a module that calls `serveParent`
   * @param {string[]} [nodeOptions]
   */
  constructor(name, program, nodeOptions = []) {
    this.name = name;
    this.#child = fork(fileURLToPath(program), [], {
      execArgv: ['--disable-warning=ExperimentalWarning', ...nodeOptions],
      // Frameworks and libraries are measured as they run in production.
      env: { ...process.env, NODE_ENV: 'production' },
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
      });
    }
    this.#child.on('message', ({ id, value, failure }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (failure === undefined) resolve(value);
      else reject(new Error(`${this.name}: ${failure}`));
    });
    this.#child.on('exit', (code) => {
      if (this.#isStopping) return;
      const error = new Error(`${this.name} ended with ${code}\n${this.#output}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  /**
   * Calls a function of the process.
   *
   * @param {string} name
   * @param {unknown} [argument]
   * @returns {Promise<any>}
   */
  ask(name, argument) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, name, argument }, (error) => error && reject(error));
    });
  }

  stop() {
    this.#isStopping = true;
    this.#child.kill();
  }
}
