import { serveParent } from '../processes/child.mjs';
import { TOKEN_KINDS } from '../tokens/access-token.mjs';
import { Connection } from './connection.mjs';
import { drawZipf } from './zipf.mjs';

let settings;
/** Tokens by kind, made once and sent to every contestant. */
const tokens = new Map();
const orders = new Map();

serveParent({
  configure(given) {
    settings = given;
  },
  /** Makes sure that there are so many tokens of a kind. */
  prepareTokens({ kind, count }) {
    const made = tokens.get(kind) ?? [];
    while (made.length < count) made.push(TOKEN_KINDS[kind](settings));
    tokens.set(kind, made);
  },
  /** Draws tokens by Zipf's law; resolves with how many distinct ones were drawn. */
  prepareZipf({ kind, size, draws }) {
    const order = drawZipf(size, draws);
    orders.set(kind, order);
    return new Set(order).size;
  },
  run,
});

/**
 * Sends requests over keep-alive connections, each its next one as soon as it has been answered.
 *
 * @param {object} plan
 * @param {string} plan.path
 * @param {string} [plan.kind] of the tokens; none: without a token
 * @param {'same' | 'each' | 'zipf'} [plan.order] one token for all, each token once, or as drawn
 * @param {number} [plan.from] the first token
 * @param {number} plan.connections
 * @param {number} [plan.requests] ends after so many
 * @param {number} [plan.milliseconds] ends after so long
 */
async function run({ port, path, kind, order = 'same', from = 0, connections, requests = Infinity, milliseconds = Infinity }) {
  const next = createRequests({ port, path, kind, order, from, requests });
  const opened = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const statuses = {};
  let completed = 0;
  const started = performance.now();
  const cpuBefore = process.cpuUsage();
  await Promise.all(
    opened.map(
      (connection) =>
        new Promise((resolve, reject) => {
          const sendNext = () => {
            const request = performance.now() - started < milliseconds ? next() : undefined;
            if (request === undefined) resolve();
            else connection.send(request, answered);
          };
          const answered = (error, status) => {
            if (error !== undefined) return reject(error);
            completed += 1;
            statuses[status] = (statuses[status] ?? 0) + 1;
            sendNext();
          };
          sendNext();
        }),
    ),
  ).finally(() => opened.forEach((connection) => connection.close()));
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { completed, seconds, statuses, busy: (user + system) / 1e6 / seconds };
}

/** @returns {() => string | undefined} the next request, until there is none */
function createRequests({ port, path, kind, order, from, requests }) {
  const head = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`;
  let sent = 0;
  if (kind === undefined) return () => (sent++ < requests ? `${head}\r\n` : undefined);
  const withToken = (token) => `${head}Authorization: Bearer ${token}\r\n\r\n`;
  const list = tokens.get(kind);
  if (order === 'same') {
    const request = withToken(list[from]);
    return () => (sent++ < requests ? request : undefined);
  }
  if (order === 'zipf') {
    const drawn = orders.get(kind);
    return () => (sent < requests ? withToken(list[drawn[sent++ % drawn.length]]) : undefined);
  }
  if (from + requests > list.length) throw new Error(`only ${list.length} tokens of the kind ${kind} were prepared`);
  return () => (sent < requests ? withToken(list[from + sent++]) : undefined);
}
