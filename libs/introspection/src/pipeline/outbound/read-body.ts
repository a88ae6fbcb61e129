import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { OutboundError } from './outbound-error.js';

const DECODERS = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress } as const;

/**
 * Reads a body whole, decoded, and no further than the limit: what a small answer unpacks to counts, not its size on
 * the wire. We ask for no encoding, but some servers compress anyway.
 *
 * @throws {OutboundError} `too_large`, or `malformed` for an encoding that is not known or is broken
 */
export async function readBody(body: Readable, encoding: string | undefined, maxBytes: number): Promise<Uint8Array> {
  const source = decode(body, encoding?.trim().toLowerCase());
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    // Leaving the loop destroys the stream, and with it the connection.
    if (size > maxBytes) throw new OutboundError('too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function decode(body: Readable, encoding: string | undefined): Readable {
  if (encoding === undefined || encoding === '' || encoding === 'identity') return body;
  const createDecoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding as keyof typeof DECODERS] : undefined;
  if (createDecoder === undefined) {
    // Ending a body early makes it emit an error, which nobody would hear.
    body.on('error', () => {}).destroy();
    throw new OutboundError('malformed', 'UNKNOWN_ENCODING');
  }
  // The callback is required; a failure reaches the reader of the decoder.
  return pipeline(body, createDecoder(), () => {});
}
