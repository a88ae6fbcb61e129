import { Connection } from '../../bench/load/connection.mjs';

const TICK_MS = 2;

/**
 * Requests at a steady rate, whether or not the last ones have been answered: the time that one waits for a
 * connection counts, so that a server that stalls cannot hide it.
 */
export class Traffic {
  #free = [];
  #waiting = [];
  #isOver = false;
  #underWay = 0;
  latenciesMs = [];
  statuses = new Map();

  /** @param {() => string} next makes a whole request */
  static async open(port, connections, next) {
    const traffic = new Traffic(port, next);
    traffic.#free = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
    return traffic;
  }

  constructor(port, next) {
    this.port = port;
    this.next = next;
  }

  /** Sends for some time, and resolves when all is answered. */
  async run(perSecond, durationMs) {
    const started = performance.now();
    let due = 0;
    await new Promise((resolve) => {
      const timer = setInterval(() => {
        const elapsedMs = Math.min(performance.now() - started, durationMs);
        for (; due < (elapsedMs * perSecond) / 1000; due += 1) this.#send(this.next(), performance.now());
        if (elapsedMs < durationMs) return;
        clearInterval(timer);
        resolve();
      }, TICK_MS);
    });
    this.#isOver = true;
    while (this.#underWay + this.#waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    for (const connection of this.#free) connection.close();
    return this;
  }

  #send(bytes, dueAtMs) {
    const connection = this.#free.pop();
    if (connection === undefined) {
      this.#waiting.push([bytes, dueAtMs]);
      return;
    }
    this.#underWay += 1;
    connection.send(bytes, async (error, status = 0) => {
      this.latenciesMs.push(performance.now() - dueAtMs);
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
      const usable = error === undefined ? connection : await Connection.open(this.port);
      this.#underWay -= 1;
      this.#free.push(usable);
      const [waiting] = this.#waiting.splice(0, 1);
      if (waiting !== undefined) this.#send(...waiting);
      else if (this.#isOver) usable.close();
    });
  }
}

export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export function median(values) {
  return percentile(values, 0.5);
}
