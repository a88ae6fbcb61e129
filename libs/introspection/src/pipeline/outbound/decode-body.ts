import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { OutboundError } from './outbound-error.js';

const DECODERS = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

/**
 * Decodes a body no further than the limit: what a small answer unpacks to counts, not its size on the wire. We ask for
 * no encoding, but some servers compress anyway.
 *
 * @throws {OutboundError} `too_large`, or `malformed` for an encoding that is not known or is broken
 */
export async function decodeBody(body: Uint8Array, encoding: string, maxBytes: number): Promise<Uint8Array> {
  const name = encoding.trim().toLowerCase();
  if (name === '' || name === 'identity') return body;
  const decode = Object.hasOwn(DECODERS, name) ? DECODERS[name as keyof typeof DECODERS] : undefined;
  if (decode === undefined) throw new OutboundError('malformed', 'UNKNOWN_ENCODING');
  return decode(body, { maxOutputLength: maxBytes }).catch((error: unknown) => {
    const isTooLarge = (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE';
    throw isTooLarge ? new OutboundError('too_large') : new OutboundError('malformed', 'BROKEN_ENCODING');
  });
}
