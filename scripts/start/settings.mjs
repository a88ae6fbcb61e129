import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm start -- [options]

  --port <port>                        of the sample API          (PORT, default 3000)
  --authorization-server-port <port>   of the authorization server (AUTHORIZATION_SERVER_PORT, default 4000)
  --platform express|fastify           under the sample API       (PLATFORM, default express)
  --help

0 as a port takes any free one.`;

const options = {
  port: { type: 'string' },
  'authorization-server-port': { type: 'string' },
  platform: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
};

/** @throws {Error} with a text for the person at the terminal. */
export function readSettings(args, environment) {
  const values = parseFlags(args);
  const platform = values.platform ?? (environment.PLATFORM || 'express');
  if (!['express', 'fastify'].includes(platform)) throw new Error(`--platform must be express or fastify, not "${platform}".`);
  return {
    help: values.help,
    platform,
    port: parsePort('--port', values.port ?? (environment.PORT || '3000')),
    authorizationServerPort: parsePort(
      '--authorization-server-port',
      values['authorization-server-port'] ?? (environment.AUTHORIZATION_SERVER_PORT || '4000'),
    ),
  };
}

function parseFlags(args) {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new Error(`${error.message}\n\n${USAGE}`, { cause: error });
  }
}

function parsePort(flag, text) {
  const port = Number(text);
  if (text.trim() !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`${flag} must be a whole number from 0 to 65535, not "${text}".`);
}
