import { isDeepStrictEqual } from 'node:util';
import { MetadataError } from '../protocol/authorization-server-errors.js';
import { ConfigurationError } from '../protocol/configuration-error.js';
import { isWithin } from './clock.js';
import { Deadline } from './deadline.js';
import { warningsAbout } from './options/warnings.js';
import type { ResolvedIssuerLookup, ResolvedIssuerOptions } from './options/resolved-options.js';
import { type SharedParts, TrustedIssuer } from './trusted-issuer.js';

/** So many issuers are remembered, and so many names that the function does not know. */
const MAX_REMEMBERED = 1000;
/** An issuer that the function allowed is asked for again after this. */
const ALLOWED_MS = 600_000;
/** A name that it did not allow, after this. */
const UNKNOWN_MS = 60_000;
/** Longer names are nobody's issuer. */
const MAX_NAME_LENGTH = 2048;

interface Remembered {
  readonly issuer: TrustedIssuer;
  readonly askedAtMs: number;
}

/**
 * The issuers that an allow-list function answered. Bounded: names come from tokens that nobody has verified. Known
 * issuers and unknown names have a budget each, so that a flood of the latter forgets none of the former.
 */
export class RememberedIssuers {
  readonly #lookUp: ResolvedIssuerLookup;
  readonly #shared: SharedParts;
  readonly #allowed = new Map<string, Remembered>();
  readonly #unknownAtMs = new Map<string, number>();
  readonly #pending = new Map<string, Promise<TrustedIssuer | undefined>>();

  constructor(lookUp: ResolvedIssuerLookup, shared: SharedParts) {
    this.#lookUp = lookUp;
    this.#shared = shared;
  }

  /** @throws {MetadataError} when the function throws, answers options that are wrong, or takes too long */
  find(name: string, deadline: Deadline): TrustedIssuer | undefined | Promise<TrustedIssuer | undefined> {
    if (name.length > MAX_NAME_LENGTH) return undefined;
    const now = this.#shared.options.clock.now();
    const allowed = this.#allowed.get(name);
    if (allowed !== undefined && isWithin(allowed.askedAtMs, ALLOWED_MS, now)) return allowed.issuer;
    if (isWithin(this.#unknownAtMs.get(name), UNKNOWN_MS, now)) return undefined;
    let pending = this.#pending.get(name);
    if (pending === undefined) {
      if (this.#pending.size >= MAX_REMEMBERED) throw new MetadataError({ detail: 'the function issuers does not answer' });
      // A call that never ends is given up, so that the next request asks again.
      const own = new Deadline(this.#shared.options.http.timeoutMs);
      pending = own.wait(this.#ask(name), late).finally(() => this.#pending.delete(name));
      this.#pending.set(name, pending);
    }
    return deadline.wait(pending, late);
  }

  get allowed(): TrustedIssuer[] {
    return [...this.#allowed.values()].map(({ issuer }) => issuer);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#allowed.values()].map(({ issuer }) => issuer.close()));
  }

  async #ask(name: string): Promise<TrustedIssuer | undefined> {
    const askedAtMs = this.#shared.options.clock.now();
    let options: ResolvedIssuerOptions | undefined;
    try {
      options = await this.#lookUp(name);
    } catch (error) {
      throw this.#failure(error);
    }
    const before = this.#allowed.get(name);
    if (options === undefined) {
      this.#forget(name, before);
      remember(this.#unknownAtMs, name, askedAtMs);
      return undefined;
    }
    // What it knows of the issuer (metadata, keys) outlives being asked again, unless its options changed.
    const issuer =
      before !== undefined && isDeepStrictEqual(before.issuer.options, options)
        ? before.issuer
        : new TrustedIssuer(options, this.#shared);
    if (before !== undefined && before.issuer !== issuer) this.#forget(name, before);
    if (issuer !== before?.issuer) for (const text of warningsAbout(options)) this.#shared.notify({ level: 'warn', text });
    const evicted = remember(this.#allowed, name, { issuer, askedAtMs });
    if (evicted !== undefined) void evicted.issuer.close();
    return issuer;
  }

  #forget(name: string, remembered: Remembered | undefined): void {
    this.#allowed.delete(name);
    if (remembered !== undefined) void remembered.issuer.close();
  }

  #failure(error: unknown): MetadataError {
    const isConfiguration = error instanceof ConfigurationError;
    const detail = isConfiguration
      ? `the function issuers answered options that are wrong: ${error.message}`
      : 'the function issuers threw';
    this.#shared.notify({ level: 'error', text: detail });
    return new MetadataError({ detail });
  }
}

const late = () => new MetadataError({ detail: 'the function issuers took longer than the deadline' });

/** Puts an entry last, and gives back the one that had to go for it. */
function remember<T>(map: Map<string, T>, name: string, value: T): T | undefined {
  map.delete(name);
  map.set(name, value);
  if (map.size <= MAX_REMEMBERED) return undefined;
  const [oldest] = map.keys();
  const evicted = oldest === undefined ? undefined : map.get(oldest);
  if (oldest !== undefined) map.delete(oldest);
  return evicted;
}
