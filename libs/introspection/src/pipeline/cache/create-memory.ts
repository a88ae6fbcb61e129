import type { EventSink } from '../events.js';
import type { NoticeSink } from '../notices.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { AnswerCache } from './answer-cache.js';
import { RevocationMarks } from './revocation-marks.js';
import { Seals } from './seals.js';
import { SharedMarks } from './shared-marks.js';
import { SharedStore } from './shared-store.js';
import { linkStore } from './store-link.js';
import type { TokenHash } from './token-hash.js';

/** Makes what one resource server remembers: answers, where the option `cache` is given, and revocations. */
export function createMemory(
  options: ResolvedOptions,
  nameOf: TokenHash,
  sinks: { readonly emit: EventSink; readonly notify: NoticeSink },
): { readonly cache: AnswerCache | undefined; readonly marks: RevocationMarks } {
  const { cache, clock, http, revocation } = options;
  const store =
    cache?.shared === undefined
      ? undefined
      : new SharedStore({ link: linkStore(cache.shared), seals: new Seals(cache.secret, clock), clock, ...sinks });
  const marks = new RevocationMarks({
    clock,
    markSeconds: revocation.markSeconds,
    localTtlMs: cache?.localTtlMs ?? 0,
    timeoutMs: http.timeoutMs,
    nameOf,
    hashOf: (name) => nameOf(JSON.stringify(name)),
    shared: store && new SharedMarks(store, clock),
  });
  return { cache: cache && new AnswerCache(cache, store, clock, sinks.emit), marks };
}
