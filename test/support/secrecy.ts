import type { INestApplication } from '@nestjs/common';
import { expect } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from './authorization-server.js';
import { LeakSearch, textsOf, type Canary, type Leak } from './leaks.js';
import type { RawRequest } from './raw-http.js';
import type { Adapter, ResourceServer } from './resource-server.js';
import { randomText, SECRET, start, startWatching, type Seen } from './witness.js';

/** What the authorization server says of subjects, and nobody else may repeat. */
export const CLAIM = `claim-${randomText()}`;
/** What it says otherwise. */
export const UPSTREAM = `upstream-${randomText()}`;

/** Applications that are watched, and everything that they let out. */
export interface Secrecy {
  readonly as: AuthorizationServer;
  readonly seen: Seen;
  /** Starts one, and closes it with the rest. */
  open(options: Record<string, unknown>, configure?: (app: INestApplication) => void): Promise<ResourceServer>;
  /** Makes a text a secret; returns it. */
  hide<T extends string>(name: string, text: T): T;
  /** A fresh opaque token, hidden, and active with hidden claims. */
  token(claims?: Record<string, unknown>): string;
  /** Presents a token; resolves to the status. The answer is kept. */
  present(rs: ResourceServer, path: string, token: string): Promise<number>;
  /** Sends anything; the answer is kept. */
  send(rs: ResourceServer, request: RawRequest): Promise<number>;
  /** Keeps a text. */
  note(place: string, text: string): void;
  /** Keeps all that can be seen of a value now. */
  look(place: string, value: unknown): void;
  /** What has got out so far. */
  leaks(): Leak[];
  /** That nothing has got out, although there was something to search in each of these places. */
  expectSilence(...places: readonly string[]): void;
  close(): Promise<void>;
}

export async function watchSecrets(adapter: Adapter): Promise<Secrecy> {
  const { seen, stop } = startWatching();
  const as = await startAuthorizationServer();
  const opened: ResourceServer[] = [];
  const canaries: Canary[] = [
    { name: 'the claim value', text: CLAIM },
    { name: 'the client secret', text: SECRET },
    { name: "the server's text", text: UPSTREAM },
  ];
  /** Texts with the place that each was found in first: answers repeat themselves. */
  const kept = new Map<string, string>();
  const places = new Set<string>();
  const note = (place: string, text: string): void => {
    places.add(place);
    if (!kept.has(text)) kept.set(text, place);
  };
  const look = (place: string, value: unknown): void => {
    for (const [how, text] of textsOf(value)) note(`${place} (${how})`, text);
  };
  const send = async (rs: ResourceServer, request: RawRequest): Promise<number> => {
    const { status, reason, headers, body } = await rs.send(request);
    note(`answer ${status}`, `${reason}\n${JSON.stringify(headers)}\n${body}`);
    return status;
  };
  const hide: Secrecy['hide'] = (name, text) => {
    canaries.push({ name, text });
    return text;
  };
  const everything = (): Map<string, string> => {
    for (const [index, rs] of opened.entries()) {
      look(`log of ${index}`, rs.logs);
      note(`log of ${index} as text`, rs.logs.join('\n'));
    }
    look('warnings', seen.warnings);
    look('events', seen.events);
    for (const [index, exception] of seen.exceptions.entries()) look(`exception ${index}`, exception);
    return kept;
  };
  const leaks = (): Leak[] => {
    const search = new LeakSearch(canaries);
    return [...everything()].flatMap(([text, place]) => search.find(place, text));
  };
  return {
    as,
    seen,
    hide,
    note,
    look,
    send,
    leaks,
    open: async (options, configure) => {
      const rs = await start(adapter, as, options, configure);
      opened.push(rs);
      return rs;
    },
    token: (claims = {}) => hide('a token', as.token({ sub: CLAIM, jti: CLAIM, ...claims })),
    present: (rs, path, token) => send(rs, { path, headers: [['Authorization', `Bearer ${token}`]] }),
    expectSilence: (...wanted) => {
      expect(leaks()).toEqual([]);
      for (const place of wanted) expect([...places].join('\n'), 'the places that were searched').toContain(place);
    },
    close: async () => {
      stop();
      await Promise.all(opened.map((rs) => rs.close()));
      await as.close();
    },
  };
}
