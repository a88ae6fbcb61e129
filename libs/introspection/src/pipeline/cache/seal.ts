import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { lengthPrefixed } from './length-prefixed.js';

/** Names and protects what goes to a store that others can read. */
export interface Seal {
  /** A key of the store for a list of texts, from which none of them can be told. */
  nameOf(parts: readonly string[]): string;
  /** Closes a text so that it opens under this name alone. */
  close(name: string, text: string): string;
  /** The text; `undefined` for whatever was not closed under this name with this secret. */
  open(name: string, sealed: unknown): string | undefined;
}

/** Versioned, so that a later layout is a miss and not a mistake. */
const PREFIX = 'introspection1:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Longer values are not ours, and are not worth opening. */
const MAX_SEALED_LENGTH = 4_194_304;

/** HMAC-SHA-256 names and AES-256-GCM values, under keys derived from one secret (RFC 5869). */
export class SecretSeal implements Seal {
  readonly #nameKey: Buffer;
  readonly #valueKey: Buffer;

  constructor(secret: string | Uint8Array) {
    const derive = (use: string) => Buffer.from(hkdfSync('sha256', secret, '', `nestjs-introspection ${use}`, 32));
    this.#nameKey = derive('names');
    this.#valueKey = derive('values');
  }

  nameOf(parts: readonly string[]): string {
    return PREFIX + createHmac('sha256', this.#nameKey).update(lengthPrefixed(parts)).digest('base64url');
  }

  close(name: string, text: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#valueKey, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(name));
    const closed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), closed]).toString('base64');
  }

  open(name: string, sealed: unknown): string | undefined {
    if (typeof sealed !== 'string' || sealed.length > MAX_SEALED_LENGTH) return undefined;
    const bytes = Buffer.from(sealed, 'base64');
    // No other text stands for the same bytes.
    if (bytes.toString('base64') !== sealed) return undefined;
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', this.#valueKey, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(name));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
    } catch {
      // Of another secret, of another name, or tampered with: all the same.
      return undefined;
    }
  }
}

/** The written opt-out (`secret: null`): hashed names, clear values. */
export class ClearSeal implements Seal {
  nameOf(parts: readonly string[]): string {
    return PREFIX + createHash('sha256').update(lengthPrefixed(parts)).digest('base64url');
  }

  close(_name: string, text: string): string {
    return text;
  }

  open(_name: string, sealed: unknown): string | undefined {
    return typeof sealed === 'string' && sealed.length <= MAX_SEALED_LENGTH ? sealed : undefined;
  }
}
