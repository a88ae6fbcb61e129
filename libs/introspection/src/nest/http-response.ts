// Symbol.for: a hook of one copy of this package serves another.
const REPLY = Symbol.for('nestjs-introspection.reply');

/** What Express's response and Fastify's reply have in common. */
export interface HttpResponse {
  header(name: string, value: string | string[]): unknown;
  getHeader(name: string): unknown;
}

/** The part of a Fastify instance that is used here. */
interface FastifyInstance {
  addHook(name: 'onRequest', hook: (request: object, reply: HttpResponse, done: () => void) => void): unknown;
}

const EXPOSED = ['WWW-Authenticate', 'DPoP-Nonce', 'Retry-After'];

/** Lets a Fastify request know its reply, as Passport hands strategies the request only. Express links the two itself. */
export function linkReplies(instance: object): void {
  (instance as FastifyInstance).addHook('onRequest', (request, reply, done) => {
    (request as { [REPLY]?: HttpResponse })[REPLY] = reply;
    done();
  });
}

/** The response that belongs to a request; `undefined` for requests that no HTTP adapter made. */
export function responseOf(request: object): HttpResponse | undefined {
  const { res, [REPLY]: reply } = request as { res?: unknown; [REPLY]?: HttpResponse };
  if (reply !== undefined) return reply;
  return typeof (res as Partial<HttpResponse> | undefined)?.header === 'function' ? (res as HttpResponse) : undefined;
}

/**
 * Writes the headers of a refusal. Where the application answers across origins, a browser may read them too; what it
 * exposes itself is kept.
 */
export function writeHeaders(response: HttpResponse, headers: Readonly<Record<string, string | string[]>>): void {
  for (const [name, value] of Object.entries(headers)) response.header(name, value);
  if (response.getHeader('Access-Control-Allow-Origin') === undefined) return;
  const exposed = response.getHeader('Access-Control-Expose-Headers');
  const listed = (Array.isArray(exposed) ? exposed.join(',') : typeof exposed === 'string' ? exposed : '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const known = listed.map((name) => name.toLowerCase());
  const added = EXPOSED.filter((name) => !known.includes(name.toLowerCase()));
  if (added.length > 0) response.header('Access-Control-Expose-Headers', [...listed, ...added].join(', '));
}

/** Keeps an answer that depends on who asks out of every cache, unless the handler says otherwise. */
export function forbidStoring(response: HttpResponse): void {
  response.header('Cache-Control', 'private, no-store');
}
