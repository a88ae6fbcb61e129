/** A call to an authorization server. */
export interface OutboundRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Its answer, read whole and decoded. Header names are lower case; a repeated field is its first line. */
export interface OutboundResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** The bounds of one attempt. */
export interface AttemptLimits {
  readonly timeoutMs: number;
  /** Of the body, decoded. */
  readonly maxBytes: number;
}

/** What carries one request out and one response back. Follows no redirect, and never tries again by itself. */
export interface Transport {
  /**
   * @param isRetry whether to use a connection that nothing was sent on before, where that can be chosen
   * @throws {OutboundError} when no whole answer came in time
   */
  send(request: OutboundRequest, limits: AttemptLimits, isRetry: boolean): Promise<OutboundResponse>;
  /** Ends when the calls under way have ended. */
  drain(): Promise<void>;
  /** Ends connections and calls. */
  close(): Promise<void>;
}
