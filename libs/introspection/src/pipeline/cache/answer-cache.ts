import type { Compatibility } from '../../protocol/compatibility.js';
import type { Clock } from '../clock.js';
import type { EventSink } from '../events.js';
import type { ResolvedCacheOptions } from '../options/resolved-options.js';
import { RememberedAnswers } from './remembered-answers.js';
import { SharedAnswers } from './shared-answers.js';
import type { SharedStore } from './shared-store.js';

/** What the issuers of one resource server share for remembering answers; their entries are each their own. */
export class AnswerCache {
  readonly answers: RememberedAnswers;

  constructor(
    readonly options: ResolvedCacheOptions,
    private readonly store: SharedStore | undefined,
    private readonly clock: Clock,
    emit: EventSink,
  ) {
    this.answers = new RememberedAnswers(options, (count) => emit({ type: 'cache.evicted', count }));
  }

  /** How it stands with what is remembered. Without a shared store, none can fail. */
  health(): { readonly store: 'ok' | 'failing'; readonly entries: number } {
    return { store: this.store?.isFailing === true ? 'failing' : 'ok', entries: this.answers.size };
  }

  /**
   * The part of one issuer in the shared store; `undefined` where there is none.
   *
   * @param scope what its answers belong to besides the token, as texts
   */
  sharedFor(scope: readonly string[], compatibility: Compatibility): SharedAnswers | undefined {
    return this.store && new SharedAnswers(this.store, scope, compatibility, this.clock);
  }
}
