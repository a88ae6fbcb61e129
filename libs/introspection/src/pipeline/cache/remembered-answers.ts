import { LRUCache } from 'lru-cache';
import type { ResolvedCacheOptions } from '../options/resolved-options.js';
import type { RememberedAnswer } from './freshness.js';

/** What an entry costs besides its response: the name, the record, the tables' own part. */
const ENTRY_BYTES = 512;
/** Text in memory takes up to two bytes a character, and parsed JSON more than its text. */
const BYTES_A_CHARACTER = 4;

/**
 * Answers in this process, bounded by count and by bytes. Answers about tokens that are not active have a budget of
 * their own: a flood of bad tokens does not push out the good ones.
 */
export class RememberedAnswers {
  readonly #active: LRUCache<string, RememberedAnswer>;
  readonly #inactive: LRUCache<string, RememberedAnswer> | undefined;
  #evicted = 0;

  /** @param onEvicted told how many entries made room for a new one */
  constructor(
    options: ResolvedCacheOptions,
    private readonly onEvicted: (count: number) => void,
  ) {
    const dispose = (_answer: RememberedAnswer, _name: string, reason: string) => {
      if (reason === 'evict') this.#evicted += 1;
    };
    const { maxEntries: max, maxInactiveEntries, inactiveTtlMs, maxBytes } = options;
    this.#active = new LRUCache({ max, maxSize: maxBytes, sizeCalculation: sizeOf, dispose });
    this.#inactive = inactiveTtlMs === 0 ? undefined : new LRUCache({ max: maxInactiveEntries, dispose });
  }

  get size(): number {
    return this.#active.size + (this.#inactive?.size ?? 0);
  }

  /** Whatever is remembered under a name, however old. */
  get(name: string): RememberedAnswer | undefined {
    return this.#active.get(name) ?? this.#inactive?.get(name);
  }

  /** Remembers an answer in place of what was known; an older one than that is let go. */
  set(name: string, answer: RememberedAnswer): void {
    const known = this.get(name);
    if (known !== undefined && known.askedAtMs > answer.askedAtMs) return;
    this.#evicted = 0;
    const [table, other] = answer.response.active ? [this.#active, this.#inactive] : [this.#inactive, this.#active];
    other?.delete(name);
    table?.set(name, answer);
    if (this.#evicted > 0) this.onEvicted(this.#evicted);
  }

  delete(name: string): void {
    this.#active.delete(name);
    this.#inactive?.delete(name);
  }
}

function sizeOf({ response }: RememberedAnswer): number {
  return ENTRY_BYTES + BYTES_A_CHARACTER * JSON.stringify(response).length;
}
