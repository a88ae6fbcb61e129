// npm run flood: what floods of bad tokens do to good traffic, and to the memory of the application.
// `npm run flood -- --rate 1000 --hot 200 --seconds 3 --rounds 20 --adapter fastify`
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Process } from '../../bench/processes/parent.mjs';
import { median, percentile, Traffic } from './traffic.mjs';

const GOAL = 2;
const AUDIENCE = 'https://rs.example.com';
const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '300' },
    hot: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '1.5' },
    rounds: { type: 'string', default: '10' },
    adapter: { type: 'string', default: 'express' },
  },
});
const [rate, hotRate, durationMs, rounds] = [+values.rate, +values.hot, +values.seconds * 1000, +values.rounds];

const root = fileURLToPath(new URL('../../', import.meta.url));
const built = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-b', 'libs/introspection'], {
  cwd: root,
  stdio: 'inherit',
});
if (built.status !== 0) process.exit(1);

const HOT_OPAQUE = `hot-${randomBytes(16).toString('hex')}`;
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const authorizationServer = new Process('the authorization server', new URL('authorization-server.mjs', import.meta.url));
const issuer = await authorizationServer.ask('start', {
  token: HOT_OPAQUE,
  audience: AUDIENCE,
  jwk: { ...publicKey.export({ format: 'jwk' }), kid: 'the-key', alg: 'ES256', use: 'sig' },
});

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const nowSeconds = Math.floor(Date.now() / 1000);
function jwt(kid, signature) {
  const times = { iat: nowSeconds, exp: nowSeconds + 3600 };
  const claims = { iss: issuer, aud: AUDIENCE, sub: 'u1', client_id: 'c1', jti: kid, ...times };
  const input = `${encode({ alg: 'ES256', typ: 'at+jwt', kid })}.${encode(claims)}`;
  return `${input}.${(signature ?? sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })).toString('base64url')}`;
}
const HOT = [HOT_OPAQUE, jwt('the-key')];
const ask = (token) => `GET /hot HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`;
let turn = 0;
const hot = () => ask(HOT[(turn += 1) % HOT.length]);

const FLOODS = {
  'random opaque tokens': () => ask(randomBytes(24).toString('base64url')),
  'random kids': () => ask(jwt(randomBytes(12).toString('hex'), randomBytes(64))),
  'oversized tokens': () => ask('x'.repeat(8193 + (turn % 3000))),
};

const application = new Process('the application', new URL('application.mjs', import.meta.url), ['--expose-gc']);
const port = await application.ask('start', {
  adapter: values.adapter,
  options: {
    issuer,
    audience: AUDIENCE,
    verification: 'hybrid',
    discovery: false,
    introspectionEndpoint: `${issuer}/introspect`,
    jwksUri: `${issuer}/jwks`,
    clientAuthentication: { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'rs1-secret-value' },
    allowInsecureHttp: true,
    cache: { ttlMs: 60_000, inactiveTtlMs: 10_000, maxInactiveEntries: 2000, maxEntries: 2000 },
  },
});

/** Hot traffic for a while, with a flood or without. */
async function measure(flood) {
  const traffic = await Traffic.open(port, 16, hot);
  const other = flood && (await Traffic.open(port, 64, flood));
  const [{ latenciesMs, statuses }] = await Promise.all([traffic.run(hotRate, durationMs), other?.run(rate, durationMs)]);
  const refused = [...statuses].reduce((sum, [status, count]) => sum + (status === 200 ? 0 : count), 0);
  return { p50: percentile(latenciesMs, 0.5), p99: percentile(latenciesMs, 0.99), refused, flood: other?.statuses };
}

// Everything is compiled, connected and remembered before anything counts.
for (const flood of [undefined, hot, ...Object.values(FLOODS)]) await measure(flood);
const rows = [];
for (const [name, flood] of Object.entries(FLOODS)) {
  const before = { ...(await authorizationServer.ask('seen')), heap: await application.ask('heapBytes') };
  const started = performance.now();
  const kinds = { quiet: undefined, busy: hot, flooded: flood };
  const results = { quiet: [], busy: [], flooded: [] };
  for (let round = 0; round < rounds; round += 1) {
    // Side by side, and each first in its turn, so that a machine that gets busier spoils all of them.
    const order = Object.keys(kinds);
    order.push(...order.splice(0, round % order.length));
    for (const kind of order) results[kind].push(await measure(kinds[kind]));
    process.stderr.write(`\r${name}: round ${round + 1} of ${rounds}   `);
  }
  process.stderr.write('\r\x1b[K');
  // What other programs do to some rounds is not in the median of all.
  const [quiet, busy, flooded] = Object.values(results).map((list) => median(list.map(({ p99 }) => p99)));
  const seconds = (performance.now() - started) / 1000;
  const seen = await authorizationServer.ask('seen');
  rows.push({
    flood: name,
    'p50 ms (quiet, busy, flooded)': Object.values(results)
      .map((list) => median(list.map(({ p50 }) => p50)).toFixed(2))
      .join(', '),
    'p99 ms (quiet, busy, flooded)': [quiet, busy, flooded].map((p99) => p99.toFixed(2)).join(', '),
    'flooded : quiet': (flooded / quiet).toFixed(2),
    'flooded : busy': (flooded / busy).toFixed(2),
    'heap MB': `${megabytes(before.heap)} → ${megabytes(await application.ask('heapBytes'))}`,
    'good requests refused': Object.values(results)
      .flat()
      .reduce((sum, { refused }) => sum + refused, 0),
    'answers to the flood': formatStatuses(results.flooded.map(({ flood: statuses }) => statuses)),
    'introspection calls': seen.introspections - before.introspections,
    'key set fetches': `${seen.keySets - before.keySets} in ${seconds.toFixed(0)} s`,
  });
}
application.stop();
authorizationServer.stop();

console.log(
  `${rate} requests a second beside ${hotRate} good ones (${values.adapter}). Goal: p99 of the good ones below ${GOAL} × quiet.`,
);
console.log('quiet: nothing else; busy: as many good ones; flooded: as many bad ones. Medians of rounds.\n');
for (const row of rows) {
  const [, ...members] = Object.entries(row);
  console.log(`${row.flood}\n${members.map(([name, value]) => `  ${name.padEnd(30)} ${value}`).join('\n')}\n`);
}

function formatStatuses(list) {
  const sums = new Map();
  for (const [status, count] of list.flatMap((statuses) => [...(statuses ?? [])]))
    sums.set(status, (sums.get(status) ?? 0) + count);
  return [...sums].map(([status, count]) => `${status}: ${count}`).join(', ');
}

function megabytes(bytes) {
  return (bytes / 1_048_576).toFixed(1);
}
