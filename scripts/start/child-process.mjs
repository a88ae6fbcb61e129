import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const EXIT_WITH_PARENT = new URL('./exit-with-parent.mjs', import.meta.url).href;
const PATIENCE_MS = 900;

/** Starts a Node.js program of this repository; what it prints appears under its name. */
export function startProgram(name, args, environment = process.env) {
  const child = spawn(process.execPath, ['--import', EXIT_WITH_PARENT, ...args], {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  show(child.stdout, process.stdout, name);
  show(child.stderr, process.stderr, name);

  const exited = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  // Whoever needs the reason waits for it; nobody else should die of it.
  exited.catch(() => {});

  return { name, exited, stop: () => stop(child, exited) };
}

function show(from, to, name) {
  createInterface({ input: from }).on('line', (line) => to.write(`${name} | ${line}\n`));
}

async function stop(child, exited) {
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await exited.catch(() => {});
  clearTimeout(impatience);
}

/** @throws {Error} that says how the program ended. */
export async function failWhenItEnds({ name, exited }) {
  const { code, signal } = await exited;
  throw new Error(`The ${name} ended unexpectedly (${signal ?? `exit code ${code}`}).`);
}
