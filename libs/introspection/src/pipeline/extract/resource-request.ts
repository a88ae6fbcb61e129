/**
 * A request as frameworks hand it over: Node's `IncomingMessage`, Express's and Fastify's requests, a WHATWG
 * `Request`, or a plain object.
 */
export interface ResourceRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What frameworks add to a request, as far as credentials may be in it. */
interface FrameworkRequest extends ResourceRequest {
  readonly originalUrl?: unknown;
  readonly rawHeaders?: unknown;
  readonly raw?: { readonly rawHeaders?: unknown };
  readonly rawBody?: unknown;
  readonly body?: unknown;
}

/**
 * The field lines of one header, by its lower-case name.
 *
 * Node keeps only the first of two `Authorization` lines, so the raw lines are counted too. Where the application
 * itself replaced the header, its word counts.
 */
export function fieldLines(request: ResourceRequest, name: string): readonly string[] {
  const { headers } = request;
  if (typeof (headers as Headers).get === 'function') {
    const value = (headers as Headers).get(name);
    return value === null ? [] : [value];
  }
  const framework = request as FrameworkRequest;
  const raw = framework.rawHeaders ?? framework.raw?.rawHeaders;
  const values = headers as Readonly<Record<string, string | readonly string[] | undefined>>;
  if (!Array.isArray(raw)) return linesOfPlainObject(values, name);
  const sent = rawLines(raw as readonly string[], name);
  if (sent.length > 1) return sent;
  const value = values[name];
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

function rawLines(raw: readonly string[], name: string): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const key = raw[at];
    if (key?.length === name.length && key.toLowerCase() === name) lines.push(raw[at + 1] ?? '');
  }
  return lines;
}

function linesOfPlainObject(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  name: string,
): readonly string[] {
  const lines: string[] = [];
  for (const key of Object.keys(headers)) {
    const value = key.toLowerCase() === name ? headers[key] : undefined;
    if (value !== undefined) lines.push(...(typeof value === 'string' ? [value] : value));
  }
  return lines;
}

/** Whether the method has no body semantics, so that a body of it is not looked at. */
export function isGetOrHead(request: ResourceRequest): boolean {
  return request.method === 'GET' || request.method === 'HEAD';
}

/** The values of a query parameter, from the URL as received, whatever a router made of it. */
export function queryValues(request: ResourceRequest, name: string): readonly string[] {
  const { originalUrl } = request as FrameworkRequest;
  const url = typeof originalUrl === 'string' ? originalUrl : (request.url ?? '');
  const start = url.indexOf('?');
  if (start < 0) return [];
  const end = url.indexOf('#', start);
  return new URLSearchParams(url.slice(start + 1, end < 0 ? undefined : end)).getAll(name);
}

/**
 * The values of a parameter of a urlencoded body that the framework has read. Parsers fold `name[]=x` and a repeated
 * `name` into one list; the raw body, where the application keeps it, tells them apart. Without it, a list of one is
 * taken for the former.
 */
export function formValues(request: ResourceRequest, name: string): readonly string[] {
  const type = fieldLines(request, 'content-type')[0]?.split(';', 1)[0];
  if (type?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') return [];
  const { rawBody, body } = request as FrameworkRequest;
  const text = textOf(rawBody) ?? textOf(body);
  if (text !== undefined) return new URLSearchParams(text).getAll(name);
  const value: unknown =
    typeof body === 'object' && body !== null && Object.hasOwn(body, name) ? (body as Record<string, unknown>)[name] : undefined;
  if (typeof value === 'string') return [value];
  // What is no text counts, but is never turned into one: its `toString` is the client's.
  return Array.isArray(value) && value.length > 1 ? value.map((item) => (typeof item === 'string' ? item : '')) : [];
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')
    : undefined;
}
