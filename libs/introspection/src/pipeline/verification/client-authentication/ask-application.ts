import { IntrospectionUnavailableError } from '../../../protocol/authorization-server-errors.js';
import type { Deadline } from '../../deadline.js';

/**
 * Takes a value, or asks the application's function for it, within the deadline. What the function throws may quote the
 * secret, so nothing of it is kept.
 *
 * @param option the option's name, for the operator
 * @throws {IntrospectionUnavailableError}
 */
export async function askApplication(given: unknown, option: string, deadline: Deadline): Promise<unknown> {
  if (typeof given !== 'function') return given;
  const late = () => new IntrospectionUnavailableError({ detail: `the function ${option} took longer than the deadline` });
  try {
    return await deadline.wait(Promise.resolve((given as () => unknown)()), late);
  } catch (error) {
    throw error instanceof IntrospectionUnavailableError
      ? error
      : new IntrospectionUnavailableError({ detail: `the function ${option} threw` });
  }
}

/** As {@link askApplication}, for a text that is not empty. */
export async function askForText(given: unknown, option: string, deadline: Deadline): Promise<string> {
  const value = await askApplication(given, option, deadline);
  if (typeof value === 'string' && value !== '') return value;
  throw new IntrospectionUnavailableError({ detail: `the function ${option} answered no text` });
}
