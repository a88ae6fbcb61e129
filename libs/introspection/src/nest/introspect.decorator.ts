import { requirementDecorator } from './requirement-metadata.js';

/** How {@link Introspect} is used. */
export interface IntrospectDecoratorOptions {
  /** Milliseconds from the start of the call; 0: no call that began before the request is joined. @default 0 */
  readonly maxAgeMs?: number;
}

/**
 * The authorization server's own word about the token is no older than this, whatever is remembered; for JWTs too, which
 * then must be accepted here and there. For what must not happen with a token that was revoked a moment ago.
 *
 * The application does not start where an issuer cannot be asked: in `'local'` without `clientAuthentication`, or
 * without discovery and `introspectionEndpoint`.
 *
 * @throws {TypeError} when the class is defined: for an age that is no number, or negative
 * @see RFC 7662 §4
 * @example
 * @Introspect() @Post('transfers') transfer() {}
 */
export function Introspect(options: IntrospectDecoratorOptions = {}): ClassDecorator & MethodDecorator {
  const { maxAgeMs = 0, ...others } = options;
  if (
    typeof options !== 'object' ||
    typeof maxAgeMs !== 'number' ||
    !Number.isFinite(maxAgeMs) ||
    maxAgeMs < 0 ||
    Object.keys(others).length > 0
  ) {
    throw new TypeError('@Introspect takes { maxAgeMs }, a number of milliseconds, 0 or more');
  }
  return requirementDecorator('Introspect', 'introspect', Object.freeze({ introspectMaxAgeMs: maxAgeMs }));
}
