import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { AUDIENCE, claims } from '../tokens/access-token.mjs';
import { ALGORITHMS } from '../tokens/signing-keys.mjs';
import { serveParent } from './child.mjs';

const STATUS = { error: 500, client: 401 };
const EXPIRED = Math.floor(Date.now() / 1000) - 600;

/** What is different about the answer, by the start of the token. */
const ANSWERS = {
  opaque: {},
  expired: { exp: EXPIRED },
  audience: { aud: 'https://other.example.com' },
  issuer: { iss: 'http://127.0.0.1:1' },
  scope: { scope: 'write' },
  text: { active: 'true' },
};

let keySet;
let issuer;
let port = 0;
let delayMs = 0;
let introspections = 0;
let activeAnswer;

const server = createServer(async (request, response) => {
  const path = request.url;
  if (path === '/introspect') {
    let body = '';
    for await (const chunk of request.setEncoding('latin1')) body += chunk;
    introspections += 1;
    if (delayMs > 0) await delay(delayMs);
    introspect(new URLSearchParams(body).get('token') ?? '', response);
  } else if (path === '/jwks') send(response, 200, keySet);
  else if (path.startsWith('/.well-known/')) send(response, 200, metadata());
  else send(response, 404, {});
});
server.keepAliveTimeout = 60_000;

function introspect(token, response) {
  const kind = token.slice(0, token.indexOf('-'));
  if (kind in STATUS) send(response, STATUS[kind], { error: kind === 'client' ? 'invalid_client' : 'server_error' });
  else if (kind in ANSWERS) send(response, 200, { ...activeAnswer, ...ANSWERS[kind], jti: token.slice(-12) });
  else send(response, 200, { active: false });
}

function metadata() {
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    introspection_endpoint: `${issuer}/introspect`,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ALGORITHMS,
  };
}

function send(response, status, value) {
  const text = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
}

async function listen() {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  port = server.address().port;
}

serveParent({
  async start(publicKeys) {
    await listen();
    keySet = publicKeys;
    issuer = `http://127.0.0.1:${port}`;
    activeAnswer = { active: true, token_type: 'Bearer', ...claims({ issuer }), aud: AUDIENCE };
    return { issuer, jwksUri: `${issuer}/jwks`, introspectionEndpoint: `${issuer}/introspect` };
  },
  delayAnswers(milliseconds) {
    delayMs = milliseconds;
  },
  /** The introspection calls since the last time this was asked. */
  takeIntrospections() {
    const taken = introspections;
    introspections = 0;
    return taken;
  },
  async goDown() {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  },
  comeBack: listen,
});
