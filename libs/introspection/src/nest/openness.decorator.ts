import { requirementDecorator } from './requirement-metadata.js';

/**
 * No token is needed, and none is looked at: a handler finds no principal, whatever was sent.
 *
 * @throws {TypeError} when the class is defined: beside a requirement on the same class or method
 */
export function Public(): ClassDecorator & MethodDecorator {
  return requirementDecorator('Public', 'openness', 'public');
}

/**
 * Anonymous without a token. A token that is presented must be good: a bad one is refused, and the other requirements
 * hold for it. Answers get `Cache-Control: private, no-store`, as they differ by who asks.
 */
export function OptionalAuth(): ClassDecorator & MethodDecorator {
  return requirementDecorator('OptionalAuth', 'openness', 'optional');
}
