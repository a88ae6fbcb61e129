import { hash } from 'node:crypto';
import { isThenable } from '../../protocol/thenable.js';
import { type Clock, isWithin } from '../clock.js';
import type { CacheSecret, CacheSecrets, CacheSecretSource } from '../options/cache-options.js';
import { isCacheSecret } from '../options/resolve-cache.js';
import { ClearSeal, type Seal, SecretSeal } from './seal.js';
import { StoreFailure } from './store-failure.js';

const ASK_AGAIN_MS = 60_000;

/** The seals of `cache.secret`, the one that writes first. Functions are asked at most once a minute. */
export class Seals {
  readonly #sources: readonly CacheSecretSource[] | null;
  readonly #clock: Clock;
  readonly #known = new Map<string, Seal>();
  #held: readonly Seal[] | undefined;
  #asking: Promise<readonly Seal[]> | undefined;
  #askedAtMs: number | undefined;

  /** @param sources `null`: clear values */
  constructor(sources: readonly CacheSecretSource[] | null, clock: Clock) {
    this.#sources = sources;
    this.#clock = clock;
    if (sources === null) this.#held = [new ClearSeal()];
    else if (sources.every((source) => typeof source !== 'function')) this.#held = this.#sealsOf(sources.flat());
  }

  /** @throws {StoreFailure} where a function throws, or answers no secret, and none was had before */
  current(): readonly Seal[] | Promise<readonly Seal[]> {
    const isFixed = this.#askedAtMs === undefined && this.#held !== undefined;
    if (this.#held !== undefined && (isFixed || isWithin(this.#askedAtMs, ASK_AGAIN_MS, this.#clock.now()))) return this.#held;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #ask(): Promise<readonly Seal[]> {
    this.#askedAtMs = this.#clock.now();
    try {
      const answers = await Promise.all((this.#sources ?? []).map(askSource));
      const secrets = answers.flat();
      if (secrets.length === 0 || !secrets.every(isCacheSecret)) throw new StoreFailure('cache.secret answered no secret of 32');
      this.#held = this.#sealsOf(secrets);
    } catch {
      // What it threw may quote the secret. The secrets of the last minute are as good as they were.
      if (this.#held === undefined) {
        this.#askedAtMs = undefined;
        throw new StoreFailure('the function cache.secret threw, or answered no text or bytes of at least 32');
      }
    }
    return this.#held;
  }

  /** Deriving keys is work that is done once for each secret. */
  #sealsOf(secrets: readonly unknown[]): readonly Seal[] {
    const names = new Set<string>();
    for (const secret of secrets as readonly CacheSecret[]) {
      const name = hash('sha256', secret);
      names.add(name);
      if (!this.#known.has(name)) this.#known.set(name, new SecretSeal(secret));
    }
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
    return [...names].map((name) => this.#known.get(name) as Seal);
  }
}

async function askSource(source: CacheSecretSource): Promise<readonly CacheSecret[]> {
  const answer: unknown = typeof source === 'function' ? source() : source;
  const secrets = (isThenable(answer) ? await answer : answer) as CacheSecrets;
  return Array.isArray(secrets) ? (secrets as readonly CacheSecret[]) : [secrets as CacheSecret];
}
