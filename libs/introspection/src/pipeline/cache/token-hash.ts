import { hash, randomBytes } from 'node:crypto';

/** Turns a token into a name for in-process tables. */
export type TokenHash = (token: string) => string;

/**
 * Creates a hash that is good for this process alone: no table, log or debug view holds a token, and nobody outside can
 * tell which names would collide.
 */
export function createTokenHash(): TokenHash {
  const salt = randomBytes(32).toString('base64');
  return (token) => hash('sha256', salt + token, 'base64');
}
