/** The options as the application gave them. */
export const INTROSPECTION_OPTIONS = Symbol('INTROSPECTION_OPTIONS');

/** The application's one authenticator. */
export const AUTHENTICATOR = Symbol('AUTHENTICATOR');
