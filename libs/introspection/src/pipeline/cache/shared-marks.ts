import { randomBytes } from 'node:crypto';
import { parseJsonObject } from '../../protocol/json.js';
import { type Clock, isWithin } from '../clock.js';
import type { Deadline } from '../deadline.js';
import { type Moment, momentNow } from './moment.js';
import type { Seal } from './seal.js';
import type { SharedStore } from './shared-store.js';
import { StoreFailure } from './store-failure.js';
import type { StoreLink } from './store-link.js';
import type { MarkName } from './token-identity.js';

/** A mark as instances share it. */
export interface Mark {
  /** Tokens issued at or before this are revoked. */
  readonly beforeSeconds: number;
  /** How long it stands. */
  readonly untilMs: number;
}

/** What the store said of some marks, all at one moment. */
export interface MarksRead {
  readonly marks: readonly (Mark | undefined)[];
  /** Changes with every revocation, whoever made it. */
  readonly epoch: string;
  readonly moment: Moment;
}

/** A mark that is there and cannot be read says nothing of when: it is about all tokens of its name. */
const UNREADABLE: Mark = { beforeSeconds: Number.POSITIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };
const PULSE_MS = 3_600_000;

/**
 * Revocation marks in the store that instances share.
 *
 * Stores tell an outage like a miss, and a miss here would mean "not revoked". So each instance keeps a pulse there, a
 * random text of its own, and reads it together with the marks: an answer without the pulse is none.
 */
export class SharedMarks {
  readonly #id = randomBytes(16).toString('base64url');
  readonly #pulse = randomBytes(16).toString('base64url');
  #pulseSetAtMs: number | undefined;
  /** What was written here, to be written again into a store that was emptied. */
  readonly #written = new Map<string, { readonly value: string; readonly untilMs: number }>();

  constructor(
    private readonly store: SharedStore,
    private readonly clock: Clock,
  ) {}

  /** By the stopwatch, since when the store cannot be reached; `undefined` while it can. */
  get outageSinceMs(): number | undefined {
    return this.store.outageSinceMs;
  }

  /** @throws {StoreFailure} when the store's word cannot be had */
  read(names: readonly MarkName[], deadline: Deadline): Promise<MarksRead> {
    return this.store.use(deadline, async (link, seals) => {
      const moment = momentNow(this.clock);
      const keys = names.flatMap((name) => seals.map((seal) => ({ key: seal.nameOf(['mark', ...name]), seal })));
      const epochs = seals.map((seal) => seal.nameOf(['epoch']));
      const values = await this.#readAlive(link, seals, [...epochs, ...keys.map(({ key }) => key)]);
      const read = keys.map(({ key, seal }, index) => openMark(seal, key, values[epochs.length + index]));
      const marks = names.map((_name, index) => latest(read.slice(index * seals.length, (index + 1) * seals.length)));
      return { marks, epoch: values.slice(0, epochs.length).map(String).join(), moment };
    });
  }

  /** Writes a mark, and then tells every instance that there is a new one. @throws {StoreFailure} */
  write(name: MarkName, mark: Mark, deadline: Deadline): Promise<void> {
    const work = async (link: StoreLink, seals: readonly Seal[]): Promise<void> => {
      const seal = seals[0] as Seal;
      const key = seal.nameOf(['mark', ...name]);
      const value = seal.close(key, JSON.stringify(mark));
      const ttlMs = Math.max(1, Math.floor(mark.untilMs - this.clock.now()));
      await this.#writeAlive(link, seals, key, value, ttlMs, (stored) => stored === value);
      this.#remember(key, value, mark.untilMs);
      const epochKey = seal.nameOf(['epoch']);
      const [before] = await this.#readAlive(link, seals, [epochKey]);
      const epoch = randomBytes(16).toString('base64url');
      // Whoever else revokes now may have written after us: any change makes all instances look.
      await this.#writeAlive(link, seals, epochKey, epoch, ttlMs, (stored) => typeof stored === 'string' && stored !== before);
    };
    return this.store.use(deadline, work, 'even when failing');
  }

  async #writeAlive(
    link: StoreLink,
    seals: readonly Seal[],
    key: string,
    value: string,
    ttlMs: number,
    isWritten: (stored: unknown) => boolean,
  ): Promise<void> {
    await link.setDeep(key, value, ttlMs);
    const [stored] = await this.#readAlive(link, seals, [key]);
    if (!isWritten(stored)) throw new StoreFailure('the shared store did not keep what was written');
  }

  /** Reads together with the pulse; where it is missing, sets it and reads once more. */
  async #readAlive(link: StoreLink, seals: readonly Seal[], keys: readonly string[]): Promise<readonly unknown[]> {
    const pulseKey = (seals[0] as Seal).nameOf(['pulse', this.#id]);
    const isSet = isWithin(this.#pulseSetAtMs, PULSE_MS / 2, this.clock.now());
    if (!isSet) await this.#setPulse(link, pulseKey);
    const values = await readBehind(link, pulseKey, this.#pulse, keys);
    if (values !== undefined) return values;
    await this.#setPulse(link, pulseKey);
    const again = await readBehind(link, pulseKey, this.#pulse, keys);
    if (again === undefined) throw new StoreFailure('the shared store does not answer what was written to it');
    if (isSet) await this.#restore(link, seals);
    return again;
  }

  /** Marks stand equally long, so the oldest are over first. */
  #remember(key: string, value: string, untilMs: number): void {
    this.#written.delete(key);
    for (const [oldest, written] of this.#written) {
      if (written.untilMs > this.clock.now()) break;
      this.#written.delete(oldest);
    }
    this.#written.set(key, { value, untilMs });
  }

  /** Its own alone: every instance that revoked something does the same. Who has looked meanwhile has to look again. */
  async #restore(link: StoreLink, seals: readonly Seal[]): Promise<void> {
    const nowMs = this.clock.now();
    const standing = [...this.#written].filter(([, { untilMs }]) => untilMs > nowMs);
    const last = standing.at(-1)?.[1].untilMs;
    if (last === undefined) return;
    const ttlOf = (untilMs: number): number => Math.max(1, Math.floor(untilMs - nowMs));
    for (const [key, { value, untilMs }] of standing) await link.setDeep(key, value, ttlOf(untilMs));
    await link.setDeep((seals[0] as Seal).nameOf(['epoch']), randomBytes(16).toString('base64url'), ttlOf(last));
  }

  async #setPulse(link: StoreLink, key: string): Promise<void> {
    const nowMs = this.clock.now();
    await link.setDeep(key, this.#pulse, PULSE_MS);
    this.#pulseSetAtMs = nowMs;
  }
}

/** The values of keys, where the pulse is found with them. */
async function readBehind(
  link: StoreLink,
  pulseKey: string,
  pulse: string,
  keys: readonly string[],
): Promise<readonly unknown[] | undefined> {
  const [found, ...values] = await link.getTogether([pulseKey, ...keys]);
  return found === pulse && values.length === keys.length ? values : undefined;
}

function openMark(seal: Seal, key: string, value: unknown): Mark | undefined {
  if (value === undefined || value === null) return undefined;
  const { beforeSeconds, untilMs } = parseJsonObject(seal.open(key, value) ?? '') ?? {};
  return typeof beforeSeconds === 'number' && typeof untilMs === 'number' ? { beforeSeconds, untilMs } : UNREADABLE;
}

function latest(marks: readonly (Mark | undefined)[]): Mark | undefined {
  return marks.reduce((last, mark) => (mark && mark.beforeSeconds > (last?.beforeSeconds ?? -1) ? mark : last), undefined);
}
