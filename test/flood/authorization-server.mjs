// Knows one opaque token and one key; a process of its own, so that its work delays nobody's clock.
import { createServer } from 'node:http';
import { serveParent } from '../../bench/processes/child.mjs';

const seen = { introspections: 0, keySets: 0 };

serveParent({
  start: async ({ token, audience, jwk }) => {
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const server = createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const answer = (value) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
        if (request.url === '/jwks') {
          seen.keySets += 1;
          answer({ keys: [jwk] });
          return;
        }
        seen.introspections += 1;
        const asked = new URLSearchParams(Buffer.concat(chunks).toString()).get('token');
        answer(asked === token ? { active: true, sub: 'u1', client_id: 'c1', aud: audience, exp } : { active: false });
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${server.address().port}`;
  },
  seen: () => seen,
});
