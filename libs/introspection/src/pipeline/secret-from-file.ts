import { readFile, stat } from 'node:fs/promises';

const MAX_BYTES = 65_536;

/**
 * A secret that lives in a file, as orchestrators mount them. One line end at its end is cut off; the file is read again
 * when it changes, so that it rotates without a restart.
 *
 * @param path of the file; read at the first use, not before
 * @returns a function for `clientSecret`, `certificate` or `key`; it rejects when the file cannot be read or is larger
 *   than 64 KiB, which is answered with 503
 * @example
 * clientAuthentication: { method: 'client_secret_basic', clientId: 'api', clientSecret: secretFromFile('/run/secrets/api') }
 */
export function secretFromFile(path: string): () => Promise<string> {
  let held: { readonly version: string; readonly secret: string } | undefined;
  return async () => {
    const { mtimeMs, ctimeMs, size, ino } = await stat(path);
    if (size > MAX_BYTES) throw new RangeError('the file of a secret is larger than 64 KiB');
    const version = `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
    if (held?.version !== version) held = { version, secret: (await readFile(path, 'utf8')).replace(/\r?\n$/, '') };
    return held.secret;
  };
}
