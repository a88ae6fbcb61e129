import { type AuthorizationServer, startAuthorizationServer } from './authorization-server.js';
import { readSettings, type Settings, USAGE } from './settings.js';

await run();

async function run() {
  try {
    const settings = readSettings(process.argv.slice(2), process.env);
    if (settings.help) return console.log(USAGE);
    const server = await start(settings);
    closeOnSignal(server);
    console.log(describe(server, settings));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

async function start(settings: Settings) {
  try {
    return await startAuthorizationServer(settings);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    const another = settings.port < 65_535 ? settings.port + 1 : settings.port - 1;
    const remedy = `Choose another with --port ${another} or AUTHORIZATION_SERVER_PORT=${another}.`;
    throw new Error(`Port ${settings.port} of 127.0.0.1 is taken. ${remedy}`, { cause: error });
  }
}

function closeOnSignal(server: AuthorizationServer) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void server.close());
}

function describe({ issuer, secrets, resources }: AuthorizationServer, settings: Settings) {
  const clients = [
    { name: 'machine-read', may: 'scope read' },
    { name: 'machine-write', may: 'scope read write' },
    { name: 'api', may: 'introspection' },
  ] as const;
  // Whoever gave a secret knows it, and there is no need for it to stand in a log.
  const generated = clients.filter(({ name }) => !settings.secrets?.[name]);
  return [
    `Authorization server on ${issuer}, for demonstrations only`,
    ...generated.map(({ name, may }) => `  client ${name.padEnd(13)}  secret ${secrets[name]}  ${may}`),
    ...(generated.length > 0 ? [`  resource=${resources.jwt} gives JWTs, otherwise access tokens are opaque`] : []),
  ].join('\n');
}
