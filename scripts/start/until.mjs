import { setTimeout as pause } from 'node:timers/promises';

/** Asks again until the answer is 200. @throws {Error} with the last answer when that takes too long. */
export async function until200(url, { headers, signal, patienceMs = 30_000 } = {}) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await ask(url, headers, signal);
    if (answer === 200) return;
    if (Date.now() > deadline) throw new Error(`GET ${url} still gives ${answer} after ${patienceMs / 1000} s.`);
    await pause(50, undefined, { signal });
  }
}

async function ask(url, headers, signal) {
  try {
    const response = await fetch(url, { headers, signal });
    await response.arrayBuffer();
    return response.status;
  } catch (error) {
    if (signal?.aborted) throw error;
    return error.cause?.code ?? error.message;
  }
}
