import type { Deadline } from '../../deadline.js';
import type { HttpClient } from '../../outbound/http-client.js';

/** A call to the introspection endpoint before our credentials are on it. */
export interface UnauthenticatedCall {
  readonly form: URLSearchParams;
  readonly headers: Record<string, string>;
}

/** How we show an introspection endpoint who asks. Every call carries exactly one mechanism (RFC 6749 §2.3). */
export interface ClientAuthenticator {
  /**
   * Puts our credentials on one call, for one attempt: assertions are used once.
   *
   * @throws {IntrospectionUnavailableError} when a function of the application gives no usable secret in time
   */
  authenticate(call: UnauthenticatedCall, deadline: Deadline): Promise<void>;
  /** The client to send with, where the connection itself is the credential. */
  transport?(deadline: Deadline): Promise<HttpClient>;
  /** Hears that the endpoint refused us; answers whether another attempt may fare better. */
  renew?(call: UnauthenticatedCall): boolean;
  close?(): Promise<void>;
}
