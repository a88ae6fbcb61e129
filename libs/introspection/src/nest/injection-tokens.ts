/** The options as the application gave them, as {@link GivenOptions}. */
export const INTROSPECTION_OPTIONS = Symbol('INTROSPECTION_OPTIONS');

/** What stands beside the options. */
export const INTROSPECTION_EXTRAS = Symbol('INTROSPECTION_EXTRAS');

/** The application's one authenticator. */
export const AUTHENTICATOR = Symbol('AUTHENTICATOR');
