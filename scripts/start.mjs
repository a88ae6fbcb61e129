// Starts the authorization server and the sample API, and prints what to try. Run by `npm start`.
import { randomBytes } from 'node:crypto';
import { getAccessTokens } from './start/access-tokens.mjs';
import { failWhenItEnds, startProgram } from './start/child-process.mjs';
import { createEnvironments } from './start/environments.mjs';
import { formatInstructions } from './start/instructions.mjs';
import { reservePorts } from './start/reserve-ports.mjs';
import { readSettings, USAGE } from './start/settings.mjs';
import { until200 } from './start/until.mjs';

const PROJECTS = ['libs/introspection', 'apps/authorization-server', 'apps/sample'];

const stopping = new AbortController();
const { signal } = stopping;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => stopping.abort());
// A pipe that nobody reads any more (`npm start | head`) is another way to say stop.
process.stdout.on('error', () => stopping.abort());

const stopped = new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
stopped.catch(() => {});

const programs = [];
const endings = [];

try {
  await run(readSettings(process.argv.slice(2), process.env));
} catch (error) {
  if (!signal.aborted) fail(error);
}
const isInterrupted = signal.aborted;
// Whatever still waits for an answer gives up, too.
stopping.abort();
// The authorization server goes last, so that no request fails for want of it.
for (const program of programs.toReversed()) await program.stop();
if (isInterrupted) console.log('\nStopped.');

function fail(error) {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}

async function run(settings) {
  if (settings.help) return console.log(USAGE);
  const ports = await reservePorts(settings);
  const api = `http://127.0.0.1:${ports.sample}`;
  const issuer = `http://127.0.0.1:${ports.authorizationServer}`;
  const secrets = { machineRead: createSecret(), machineWrite: createSecret(), api: createSecret() };
  const environments = createEnvironments({ ports, issuer, platform: settings.platform, secrets });

  await step('Building what has changed', build);
  start('authorization server', 'apps/authorization-server/dist/main.js', environments.authorizationServer);
  const tokens = await step('Starting the authorization server', async () => {
    await until200(`${issuer}/.well-known/oauth-authorization-server`, { signal });
    return getAccessTokens(issuer, secrets.machineRead, signal);
  });
  start('sample', 'apps/sample/dist/main.js', environments.sample);
  await step('Starting the sample API', () => untilItChecks(api, tokens));

  console.log(formatInstructions({ api, issuer, secrets, tokens }));
  await Promise.race([...endings, stopped]);
}

async function step(text, work) {
  const begunAtMs = performance.now();
  console.log(`${text} …`);
  const result = await Promise.race([work(), ...endings, stopped]);
  console.log(`${text}: done in ${((performance.now() - begunAtMs) / 1000).toFixed(1)} s`);
  return result;
}

async function build() {
  const compiler = startProgram('tsc', ['node_modules/typescript/bin/tsc', '-b', ...PROJECTS]);
  programs.push(compiler);
  const { code } = await compiler.exited;
  if (code !== 0) throw new Error('The build failed, for the reasons above. After a fresh clone, run npm ci first.');
}

function start(name, entry, environment) {
  const program = startProgram(name, [entry], environment);
  programs.push(program);
  const ending = failWhenItEnds(program);
  // While we are stopping, nobody waits for it any more.
  ending.catch(() => {});
  endings.push(ending);
}

// Only an answer to each kind of access token shows that the API has found the authorization server and its keys.
async function untilItChecks(api, { opaque, jwt }) {
  for (const token of [opaque, jwt]) await until200(`${api}/albums`, { headers: { authorization: `Bearer ${token}` }, signal });
}

function createSecret() {
  return randomBytes(24).toString('base64url');
}
