import { type AuthorizationServerMetadata, readMetadata } from '../../protocol/authorization-server-metadata.js';
import { MetadataError } from '../../protocol/authorization-server-errors.js';
import { metadataUrls } from '../../protocol/issuer-identifier.js';
import { decodeUtf8, parseJsonObject } from '../../protocol/json.js';
import { normalizeMediaType } from '../../protocol/compact-jwt.js';
import { type Clock, stopwatchMs } from '../clock.js';
import type { Deadline } from '../deadline.js';
import type { EventSink } from '../events.js';
import type { NoticeSink } from '../notices.js';
import type { EndpointClient } from '../outbound/endpoint-client.js';
import { asDetails, OutboundError } from '../outbound/outbound-error.js';
import type { OutboundResponse } from '../outbound/transport.js';
import { retryAfterOf } from '../outbound/retry-after-of.js';
import { Refreshable } from '../outbound/refreshable.js';

const MAX_AGE_MS = 3_600_000;

/** What the metadata source works with. */
export interface MetadataSourceParts {
  readonly issuer: string;
  /** What the operator should hear about a document, as constant texts. */
  readonly compare: (metadata: AuthorizationServerMetadata) => readonly string[];
  readonly allowInsecureHttp: boolean;
  readonly client: EndpointClient;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly emit: EventSink;
  readonly notify: NoticeSink;
}

/**
 * The metadata of one configured issuer: fetched lazily, refreshed in the background, the last good copy kept.
 *
 * @see RFC 8414 §3, OpenID Connect Discovery 1.0 §4
 */
export class MetadataSource {
  readonly #parts: MetadataSourceParts;
  readonly #document: Refreshable<AuthorizationServerMetadata>;
  /** By the stopwatch; whoever was waiting then has had their answer, whatever else they need of the metadata. */
  #failure: { readonly atMs: number; readonly error: MetadataError } | undefined;

  constructor(parts: MetadataSourceParts) {
    this.#parts = parts;
    this.#document = new Refreshable((deadline) => this.#load(deadline), parts.clock, parts.timeoutMs);
  }

  /** Whether the latest fetch failed. */
  get isFailing(): boolean {
    return this.#document.isFailing;
  }

  /** Whether a document is held. */
  get isHeld(): boolean {
    return this.#document.value !== undefined;
  }

  /** Starts fetching, for nobody in particular. */
  warmUp(): void {
    this.#document.refreshInBackground();
  }

  /** @throws {MetadataError} when none is held and none can be fetched before the deadline */
  async get(deadline: Deadline): Promise<AuthorizationServerMetadata> {
    const { value } = this.#document;
    if (value !== undefined) {
      if (this.#document.ageMs >= MAX_AGE_MS) this.#document.refreshInBackground();
      return value;
    }
    if (this.#failure !== undefined && this.#failure.atMs >= deadline.originMs) throw this.#failure.error;
    const pause = this.#document.pauseLeftMs;
    if (pause > 0) throw new MetadataError({ detail: 'the metadata could not be fetched', retryAfterSeconds: pause / 1000 });
    return deadline.wait(this.#document.refresh(), () => new MetadataError({ detail: 'no metadata within the deadline' }));
  }

  async #load(deadline: Deadline): Promise<AuthorizationServerMetadata> {
    const { issuer, emit, notify } = this.#parts;
    try {
      const metadata = await this.#fetchFirst(deadline);
      emit({ type: 'metadata.refreshed', issuer });
      for (const warning of [...metadata.warnings, ...this.#parts.compare(metadata)])
        notify({ level: 'warn', text: `${issuer}: ${warning}` });
      return metadata;
    } catch (error) {
      const failure = error instanceof MetadataError ? error : new MetadataError(describe(error));
      this.#failure = { atMs: stopwatchMs(), error: failure };
      emit({ type: 'metadata.failed', issuer, code: failure.code });
      notify({
        level: 'error',
        text: `No metadata of ${issuer}: ${failure.detail}. Check the option issuer, or give the endpoints explicitly.`,
      });
      throw failure;
    }
  }

  async #fetchFirst(deadline: Deadline): Promise<AuthorizationServerMetadata> {
    const { issuer, client } = this.#parts;
    let reason = 'no document was found at the well-known locations';
    let wait: number | undefined;
    for (const url of metadataUrls(issuer)) {
      const prepare = () => ({ method: 'GET' as const, url, headers: { accept: 'application/json' } });
      const found = await client.send(prepare, deadline, (response) => {
        wait ??= retryAfterOf(response, this.#parts.clock.now()).retryAfterSeconds;
        return this.#read(response);
      });
      if (found !== undefined && !('unusable' in found)) return found;
      reason = found?.unusable ?? reason;
    }
    throw new MetadataError({ detail: reason, ...(wait !== undefined && { retryAfterSeconds: wait }) });
  }

  #read(response: OutboundResponse): ReturnType<typeof readMetadata> | undefined {
    const type = response.headers.get('content-type')?.split(';', 1)[0]?.trim() ?? '';
    if (response.status !== 200 || normalizeMediaType(type) !== 'application/json') return undefined;
    const text = decodeUtf8(response.body);
    const { issuer, allowInsecureHttp } = this.#parts;
    return readMetadata(text === undefined ? undefined : parseJsonObject(text), issuer, allowInsecureHttp);
  }
}

function describe(error: unknown): ReturnType<typeof asDetails> {
  return error instanceof OutboundError ? asDetails(error) : { detail: 'unexpected failure' };
}
