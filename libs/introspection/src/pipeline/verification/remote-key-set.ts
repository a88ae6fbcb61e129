import { KeySetUnavailableError } from '../../protocol/authorization-server-errors.js';
import { normalizeMediaType } from '../../protocol/compact-jwt.js';
import { decodeUtf8, parseJsonObject } from '../../protocol/json.js';
import { type Clock, isWithin } from '../clock.js';
import { Deadline } from '../deadline.js';
import type { EventSink } from '../events.js';
import type { NoticeSink } from '../notices.js';
import type { KeySetLifetime } from '../options/resolved-options.js';
import type { EndpointClient } from '../outbound/endpoint-client.js';
import { asDetails, OutboundError } from '../outbound/outbound-error.js';
import type { OutboundResponse } from '../outbound/transport.js';
import { retryAfterOf } from '../outbound/retry-after-of.js';
import { Refreshable } from '../outbound/refreshable.js';
import type { VerificationKey } from '../keys/jwk.js';
import { readKeySet } from '../keys/key-set-document.js';
import { chooseKeys, type KeyLookup, type KeySet } from './key-set.js';

/** What a remote key set works with. */
export interface RemoteKeySetParts {
  readonly issuer: string;
  readonly url: (deadline: Deadline) => string | Promise<string>;
  readonly lifetime: KeySetLifetime;
  readonly client: EndpointClient;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly emit: EventSink;
  readonly notify: NoticeSink;
}

const STALE_WAIT_MS = 250;
/** Of every second that keys are fresh, the first so many milliseconds; in the rest they are fetched in the background. */
const REFRESH_AHEAD_MS = 750;
const MEDIA_TYPES = ['application/json', 'application/jwk-set+json'];

/** The keys of an issuer, fetched from its `jwks_uri`. */
export class RemoteKeySet implements KeySet {
  readonly #parts: RemoteKeySetParts;
  readonly #keys: Refreshable<readonly VerificationKey[]>;
  #coolSinceMs: number | undefined;

  constructor(parts: RemoteKeySetParts) {
    this.#parts = parts;
    this.#keys = new Refreshable((deadline) => this.#load(deadline), parts.clock, parts.timeoutMs);
  }

  /** Whether the latest fetch failed. */
  get isFailing(): boolean {
    return this.#keys.isFailing;
  }

  /** When keys came in for the last time, by the clock. */
  get loadedAtMs(): number | undefined {
    return this.#keys.loadedAtMs;
  }

  get current(): readonly VerificationKey[] | undefined {
    return this.#keys.ageMs < this.#parts.lifetime.maxAgeSeconds * REFRESH_AHEAD_MS ? this.#keys.value : undefined;
  }

  find(algorithm: string, kid: string | undefined, deadline: Deadline): KeyLookup | Promise<KeyLookup> {
    const { value } = this.#keys;
    const { maxAgeSeconds } = this.#parts.lifetime;
    if (value === undefined || this.#keys.ageMs >= maxAgeSeconds * 1000) return this.#findAfterRefresh(algorithm, kid, deadline);
    if (this.#keys.ageMs >= maxAgeSeconds * REFRESH_AHEAD_MS) this.#keys.refreshInBackground();
    const lookup = chooseKeys(value, algorithm, kid);
    return lookup.kind === 'unknown' ? this.#findUnknown(algorithm, kid, deadline) : lookup;
  }

  noteBadSignature(): void {
    if (this.#startCooldown()) this.#keys.refreshInBackground();
  }

  /** The held set is missing or no longer fresh: what verifies now must be in a new one, or in one that is not too old. */
  async #findAfterRefresh(algorithm: string, kid: string | undefined, deadline: Deadline): Promise<KeyLookup> {
    const { maxAgeSeconds, maxStaleSeconds } = this.#parts.lifetime;
    const isUsable = this.#keys.ageMs < (maxAgeSeconds + maxStaleSeconds) * 1000;
    const held = isUsable ? this.#keys.value : undefined;
    const heldLookup = held === undefined ? undefined : chooseKeys(held, algorithm, kid);
    let keys: readonly VerificationKey[];
    try {
      // A known key serves anyway, so the endpoint may not hold requests up for long.
      const isSure = heldLookup?.kind === 'keys';
      keys = await this.#refresh(isSure ? new Deadline(Math.min(STALE_WAIT_MS, this.#parts.timeoutMs)) : deadline);
    } catch (error) {
      if (heldLookup?.kind !== 'keys') throw error;
      return heldLookup;
    }
    const lookup = chooseKeys(keys, algorithm, kid);
    // That fetch was the refetch for this `kid` as well.
    if (lookup.kind === 'unknown') {
      this.#noteUnknown();
      this.#startCooldown();
    }
    return lookup;
  }

  async #findUnknown(algorithm: string, kid: string | undefined, deadline: Deadline): Promise<KeyLookup> {
    this.#noteUnknown();
    if (this.#keys.isRefreshing) {
      // A fetch that another request caused may bring the key.
      const lookup = chooseKeys(await this.#refresh(deadline), algorithm, kid);
      if (lookup.kind === 'keys') return lookup;
    }
    if (this.#startCooldown()) return chooseKeys(await this.#refresh(deadline), algorithm, kid);
    if (this.#keys.isFailing) throw this.#unavailable();
    return { kind: 'unknown' };
  }

  #noteUnknown(): void {
    this.#parts.emit({ type: 'keys.unknown_kid', issuer: this.#parts.issuer });
  }

  /** @returns whether a token may cause a fetch now */
  #startCooldown(): boolean {
    const now = this.#parts.clock.now();
    if (isWithin(this.#coolSinceMs, this.#parts.lifetime.cooldownSeconds * 1000, now)) return false;
    this.#coolSinceMs = now;
    return true;
  }

  #refresh(deadline: Deadline): Promise<readonly VerificationKey[]> {
    if (this.#keys.pauseLeftMs > 0) return Promise.reject(this.#unavailable());
    return deadline.wait(this.#keys.refresh(), () => new KeySetUnavailableError({ detail: 'no key set within the deadline' }));
  }

  #unavailable(): KeySetUnavailableError {
    return new KeySetUnavailableError({
      detail: 'the key set could not be fetched',
      retryAfterSeconds: this.#keys.pauseLeftMs / 1000,
    });
  }

  async #load(deadline: Deadline): Promise<readonly VerificationKey[]> {
    const { issuer, client, emit, notify } = this.#parts;
    try {
      const url = await this.#parts.url(deadline);
      const prepare = () => ({ method: 'GET' as const, url, headers: { accept: MEDIA_TYPES.join(', ') } });
      const keys = await client.send(prepare, deadline, (response) => readKeys(response, this.#parts.clock.now()));
      emit({ type: 'keys.refreshed', issuer });
      return keys;
    } catch (error) {
      emit({ type: 'keys.failed', issuer });
      const failure = error instanceof OutboundError ? new KeySetUnavailableError(asDetails(error)) : error;
      const detail = (failure as { detail?: string }).detail ?? 'unexpected failure';
      notify({ level: 'error', text: `No key set of ${issuer}: ${detail}. Check jwksUri, or the jwks_uri of its metadata.` });
      throw failure;
    }
  }
}

/** @throws {KeySetUnavailableError} for what is no key set */
function readKeys(response: OutboundResponse, nowMs: number): readonly VerificationKey[] {
  const type = response.headers.get('content-type')?.split(';', 1)[0]?.trim() ?? '';
  if (response.status !== 200) {
    const retryAfterSeconds = retryAfterOf(response, nowMs);
    throw new KeySetUnavailableError({ detail: `${response.status} from the key set endpoint`, ...retryAfterSeconds });
  }
  if (!MEDIA_TYPES.includes(normalizeMediaType(type)))
    throw new KeySetUnavailableError({ detail: 'the key set has a wrong content type' });
  const text = decodeUtf8(response.body);
  const keys = readKeySet(text === undefined ? undefined : parseJsonObject(text), false);
  if (keys === undefined) throw new KeySetUnavailableError({ detail: 'the key set holds no usable key, or far too many' });
  return keys;
}
