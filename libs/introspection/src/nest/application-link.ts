import type { Authenticator } from './authenticator.js';

// Symbol.for: Passport's registry is one for the process, whichever copy of this package registered last.
const LINK = Symbol.for('nestjs-introspection.application');

type Linked = { [LINK]?: Authenticator } | null | undefined;

/**
 * Lets the application that receives a request know its authenticator. Passport keeps one strategy per name for the
 * whole process, so a strategy cannot know by itself whose request it is; the request can.
 */
export function linkApplication(instance: object, authenticator: Authenticator): void {
  Object.defineProperty(instance, LINK, { value: authenticator, enumerable: false, configurable: true });
}

/** The authenticator of the application that received a request: Express names it `app`, Fastify `server`. */
export function authenticatorOf(request: object): Authenticator | undefined {
  const { app, server } = request as { app?: Linked; server?: Linked };
  return app?.[LINK] ?? server?.[LINK];
}
