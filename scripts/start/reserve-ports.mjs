import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Finds out before the build whether both ports can be had, and which ones 0 stands for.
 * @throws {Error} with a text for the person at the terminal.
 */
export async function reservePorts({ port, authorizationServerPort }) {
  const taken = [];
  try {
    taken.push(await take(port, '--port', 'PORT'));
    taken.push(await take(authorizationServerPort, '--authorization-server-port', 'AUTHORIZATION_SERVER_PORT'));
    const [sample, authorizationServer] = taken.map((server) => server.address().port);
    return { sample, authorizationServer };
  } finally {
    // Both are held until both are known, so that 0 and 0 never stand for the same.
    await Promise.all(taken.map(release));
  }
}

async function take(port, flag, variable) {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (error.code !== 'EADDRINUSE')
      throw new Error(`Port ${port} cannot be used (${error.code}). ${choose(flag, variable, port)}`);
    throw new Error(`Port ${port} of 127.0.0.1 is taken. ${choose(flag, variable, port)}`, { cause: error });
  }
}

function choose(flag, variable, port) {
  // Two further, as the port after it may well be the other application's.
  const another = port < 65_530 ? port + 2 : port - 2;
  return `Choose another: npm start -- ${flag} ${another} (or ${variable}=${another}).`;
}

async function release(server) {
  const closed = once(server, 'close');
  server.close();
  await closed;
}
