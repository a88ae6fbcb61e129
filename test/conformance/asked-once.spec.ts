import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Server, ServerResponse } from 'node:http';
import { expect } from 'vitest';
import type { AuthorizationServer } from '../support/authorization-server.js';
import { expect200, expect401Token, expect503 } from '../support/expectations.js';
import { type RawResponse, send } from '../support/raw-http.js';
import type { ResourceServer } from '../support/resource-server.js';
import { describeRows, row } from '../support/table.js';

/** Holds every answer about a token back until `release` sends them. */
function holdAnswers(as: AuthorizationServer, token: string) {
  const held: ServerResponse[] = [];
  let arrived: () => void = () => {};
  const first = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  as.answer(token, (_request, response) => {
    held.push(response);
    arrived();
  });
  const release = (status: number, body: unknown) => {
    for (const response of held) response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  return { first, release };
}

/** Requests at the same time, each over a connection of its own; resolves when the application has all of them. */
async function concurrently(rs: ResourceServer, count: number, token: string): Promise<Promise<RawResponse[]>[]> {
  const server = rs.app.getHttpServer() as Server;
  let missing = count;
  const arrived = new Promise<void>((resolve) => {
    const onRequest = () => {
      missing -= 1;
      if (missing > 0) return;
      server.off('request', onRequest);
      resolve();
    };
    server.on('request', onRequest);
  });
  const answers = Promise.all(Array.from({ length: count }, () => get(rs, '/any', token)));
  await arrived;
  // One more request goes in and out, so that those before it have reached the guard.
  await get(rs, '/pub', token);
  return [answers];
}

const get = (rs: ResourceServer, path: string, token: string) =>
  send(rs.port, { path, headers: [['Authorization', `Bearer ${token}`]] });

describeRows('Concurrent requests for one token', [
  row('INTRO-11 T38 share one call, and a later request asks again', async ({ as, rs }) => {
    const token = as.token();
    const { first, release } = holdAnswers(as, token);
    const before = as.introspections;
    const [answers] = await concurrently(rs, 50, token);
    await first;
    release(200, { active: true, ...as.claims() });
    for (const answer of (await answers) ?? []) expect200(answer);
    expect(as.introspections - before).toBe(1);

    as.answer(token, { active: false });
    expect401Token(await rs.get('/any', `Bearer ${token}`));
    expect(as.introspections - before).toBe(2);
  }),

  row('INTRO-11 T38 share a failure, which is not remembered', async ({ as, rs }) => {
    const token = as.token();
    const { first, release } = holdAnswers(as, token);
    const before = as.introspections;
    const [answers] = await concurrently(rs, 50, token);
    await first;
    release(500, {});
    for (const answer of (await answers) ?? []) expect503(answer);
    expect(as.introspections - before).toBe(1);

    as.answer(token, { active: true, ...as.claims() });
    expect200(await rs.get('/any', `Bearer ${token}`));
    expect(as.introspections - before).toBe(2);
  }),

  row('INTRO-11 the first caller that hangs up does not fail the others', async ({ as, rs }) => {
    const token = as.token();
    const { first, release } = holdAnswers(as, token);
    const before = as.introspections;
    const socket = createConnection(rs.port, '127.0.0.1');
    socket.write(`GET /any HTTP/1.1\r\nHost: rs.example.com\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    await first;
    const [answers] = await concurrently(rs, 5, token);
    socket.destroy();
    await once(socket, 'close');
    release(200, { active: true, ...as.claims() });
    for (const answer of (await answers) ?? []) expect200(answer);
    expect(as.introspections - before).toBe(1);
  }),

  row('INTRO-11 different tokens are asked about apart, and judged apart', async ({ as, rs }) => {
    const [good, bad] = [as.token(), 'unknown-token'];
    const before = as.introspections;
    const [accepted, refused] = await Promise.all([get(rs, '/any', good), get(rs, '/any', bad)]);
    expect200(accepted);
    expect401Token(refused);
    expect(as.introspections - before).toBe(2);
  }),
]);
