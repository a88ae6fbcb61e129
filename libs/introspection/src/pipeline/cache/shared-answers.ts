import { disregard } from '../../protocol/thenable.js';
import { type IntrospectionResponse, readIntrospectionResponse } from '../../protocol/introspection-response.js';
import type { Compatibility } from '../../protocol/compatibility.js';
import { isJsonObject, parseJsonObject } from '../../protocol/json.js';
import type { Clock } from '../clock.js';
import type { Deadline } from '../deadline.js';
import { type Moment, momentNow } from './moment.js';
import type { Seal } from './seal.js';
import type { SharedStore } from './shared-store.js';

/** An answer as instances share it. */
export interface SharedAnswer {
  readonly response: IntrospectionResponse;
  readonly askedAtMs: number;
  /** When the store was asked for it. */
  readonly confirmed: Moment;
}

/** How far the clocks of instances may be apart before an answer that seems to come from the future is a miss. */
const MAX_AHEAD_MS = 5000;
const LAYOUT = 1;

/** Answers in the store that instances share. An entry that is not exactly ours is a miss. */
export class SharedAnswers {
  /** @param scope what answers belong to besides the token: issuer, endpoint, client, mode, as texts */
  constructor(
    private readonly store: SharedStore,
    private readonly scope: readonly string[],
    private readonly compatibility: Compatibility,
    private readonly clock: Clock,
  ) {}

  /** @throws {StoreFailure} */
  read(token: string, deadline: Deadline): Promise<SharedAnswer | undefined> {
    return this.store.use(deadline, async (link, seals) => {
      const confirmed = momentNow(this.clock);
      for (const seal of seals) {
        const name = this.#nameOf(token, seal);
        const answer = this.#parse(seal.open(name, await link.get(name)), confirmed);
        if (answer !== undefined) return answer;
      }
      return undefined;
    });
  }

  /** Keeps an answer; that it could not is for the log, and no request's concern. */
  write(token: string, response: IntrospectionResponse, askedAtMs: number, ttlMs: number, deadline: Deadline): void {
    const text = JSON.stringify({ layout: LAYOUT, askedAtMs, response });
    disregard(
      this.store.use(deadline, async (link, seals) => {
        const seal = seals[0] as Seal;
        const name = this.#nameOf(token, seal);
        await link.set(name, seal.close(name, text), Math.max(1, Math.floor(ttlMs)));
      }),
    );
  }

  remove(token: string, deadline: Deadline): void {
    disregard(
      this.store.use(deadline, (link, seals) => Promise.all(seals.map((seal) => link.delete(this.#nameOf(token, seal))))),
    );
  }

  #nameOf(token: string, seal: Seal): string {
    return seal.nameOf(['answer', ...this.scope, token]);
  }

  #parse(text: string | undefined, confirmed: Moment): SharedAnswer | undefined {
    const entry = text === undefined ? undefined : parseJsonObject(text);
    if (entry?.layout !== LAYOUT || !isJsonObject(entry.response)) return undefined;
    const { askedAtMs } = entry;
    if (typeof askedAtMs !== 'number' || !(askedAtMs <= confirmed.clockMs + MAX_AHEAD_MS)) return undefined;
    const response = readIntrospectionResponse(entry.response, this.compatibility);
    if (!('active' in response)) return undefined;
    return { response: response as IntrospectionResponse, askedAtMs: Math.min(askedAtMs, confirmed.clockMs), confirmed };
  }
}
