import { parseArgs } from 'node:util';
import type { AuthorizationServerOptions } from './authorization-server.js';

export const USAGE = `Usage: node apps/authorization-server/dist/main.js [--port <port>]

  --port <port>, AUTHORIZATION_SERVER_PORT   where to listen on 127.0.0.1 (default 4000, 0 takes any free port)
  MACHINE_READ_SECRET, MACHINE_WRITE_SECRET, API_SECRET
                                             the clients' secrets; those not given are generated and printed`;

export interface Settings extends AuthorizationServerOptions {
  readonly port: number;
  readonly help: boolean;
}

/** @throws {Error} with a text for the person at the terminal. */
export function readSettings(args: string[], environment: NodeJS.ProcessEnv): Settings {
  const values = parseFlags(args);
  const { MACHINE_READ_SECRET, MACHINE_WRITE_SECRET, API_SECRET } = environment;
  return {
    help: values.help,
    port: parsePort(values.port ?? environment['AUTHORIZATION_SERVER_PORT'] ?? '4000'),
    secrets: {
      ...(MACHINE_READ_SECRET && { 'machine-read': MACHINE_READ_SECRET }),
      ...(MACHINE_WRITE_SECRET && { 'machine-write': MACHINE_WRITE_SECRET }),
      ...(API_SECRET && { api: API_SECRET }),
    },
  };
}

function parseFlags(args: string[]) {
  try {
    return parseArgs({ args, options: { port: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } } })
      .values;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`, { cause: error });
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (text.trim() === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`The port must be a whole number from 0 to 65535, not "${text}".`);
  }
  return port;
}
