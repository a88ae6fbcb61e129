import { createClient } from '@keyv/redis';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { closedPort } from './loopback-server.js';

/** A `redis-server` of its own for a test file. Nothing of it is written to disk. */
export interface Redis {
  readonly url: string;
  /** It keeps its connections and answers nobody. */
  pause(): void;
  resume(): void;
  /** It is gone, and with it all that it held. */
  kill(): Promise<void>;
  /** Starts again on the same port, empty. */
  restart(): Promise<void>;
  /** Forgets all keys. */
  flush(): Promise<void>;
  /** All keys and their values, as the server holds them. */
  dump(): Promise<Map<string, string>>;
  /** Replaces values by what the function makes of them; the times of their keys stay. */
  tamper(change: (key: string, value: string) => string): Promise<void>;
  close(): Promise<void>;
}

/** Why no Redis can be started here, if none can. */
export function whyNoRedis(): string | undefined {
  const { status } = spawnSync('redis-server', ['--version'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'there is no redis-server on the PATH: install the package redis-server';
}

/** A title that says so when its tests are skipped. */
export function titleWithRedis(title: string, reason = whyNoRedis()): string {
  return reason === undefined ? title : `${title}, skipped: ${reason}`;
}

const UP_WITHIN_MS = 10_000;

type Client = ReturnType<typeof createClient>;

export async function startRedis(): Promise<Redis> {
  const port = await closedPort();
  const url = `redis://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;
  // A run that is broken off leaves no server behind, not even one that does not listen to signals.
  const killAtExit = (): void => void server?.kill('SIGKILL');
  process.on('exit', killAtExit);

  const start = async (): Promise<void> => {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const started = spawn('redis-server', args, { stdio: 'ignore' });
    server = started;
    const deadline = performance.now() + UP_WITHIN_MS;
    while (!(await answers(port))) {
      if (started.exitCode !== null) throw new Error(`redis-server ended with ${started.exitCode}`);
      if (performance.now() > deadline) throw new Error('redis-server did not answer');
      await delay(5);
    }
  };
  const kill = async (): Promise<void> => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  };
  const withClient = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    const client = createClient({ url, socket: { reconnectStrategy: false } });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await work(client as Client);
    } finally {
      client.destroy();
    }
  };
  const read = async (client: Client): Promise<Map<string, string>> => {
    const held = new Map<string, string>();
    for (const key of await client.keys('*')) {
      const value = await client.get(key);
      if (value !== null) held.set(key, value);
    }
    return held;
  };

  await start();
  return {
    url,
    pause: () => void server?.kill('SIGSTOP'),
    resume: () => void server?.kill('SIGCONT'),
    kill,
    restart: async () => {
      await kill();
      await start();
    },
    flush: () =>
      withClient(async (client) => {
        await client.flushAll();
      }),
    dump: () => withClient(read),
    tamper: (change) =>
      withClient(async (client) => {
        for (const [key, value] of await read(client)) await client.set(key, change(key, value), { expiration: 'KEEPTTL' });
      }),
    close: async () => {
      process.off('exit', killAtExit);
      await kill();
    },
  };
}

/** Whether a server answers on the port, by one inline command on a connection of its own. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(1000, () => end(false));
    socket.once('data', (chunk) => end(chunk.toString().startsWith('+PONG')));
    socket.once('error', () => end(false));
  });
}
