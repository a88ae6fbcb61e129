import { serveParent } from '../processes/child.mjs';
import { createAlbumsApp } from './albums-app.mjs';
import { createDirectCall } from './direct-call.mjs';

/** So that looking at the clock costs nothing beside the calls. */
const CALLS_BETWEEN_LOOKS = 20;

let callDirectly;

serveParent({
  /** Sets one contestant up and listens; resolves with the port. */
  async start({ module, adapter, variant, authorizationServer }) {
    const { setUp } = await import(`../contestants/${module}.mjs`);
    const protection = await setUp({ ...authorizationServer, variant });
    const { app, controller } = await createAlbumsApp(protection, adapter);
    await app.listen(0, '127.0.0.1');
    callDirectly = createDirectCall(app, controller, protection);
    return app.getHttpServer().address().port;
  },
  cpuMicroseconds,
  /** Microseconds of CPU for one call of the guard with this token, called again and again for so long. */
  async timeDirectCalls({ token, milliseconds }) {
    const authorization = `Bearer ${token}`;
    const before = cpuMicroseconds();
    const end = performance.now() + milliseconds;
    let calls = 0;
    do {
      for (let call = 0; call < CALLS_BETWEEN_LOOKS; call += 1) await callDirectly(authorization);
      calls += CALLS_BETWEEN_LOOKS;
    } while (performance.now() < end);
    return (cpuMicroseconds() - before) / calls;
  },
});

function cpuMicroseconds() {
  const { user, system } = process.cpuUsage();
  return user + system;
}
