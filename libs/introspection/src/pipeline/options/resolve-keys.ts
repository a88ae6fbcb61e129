import type { JSONWebKeySet } from 'jose';
import { readKeySet } from '../keys/key-set-document.js';
import type { OptionGroup } from './option-group.js';

/** The algorithms that are accepted when nothing is said: asymmetric ones only. */
export const DEFAULT_ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');

/** Least bytes of an HMAC key: the size of the hash (RFC 7518 §3.2). */
const HMAC_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth'];

/** Checks `algorithms` and `jwks` together: HMAC is for named static secrets, and nothing else in a set is secret. */
export function resolveKeys(options: OptionGroup): { algorithms: readonly string[]; jwks: JSONWebKeySet | undefined } {
  const algorithms = options.texts('algorithms', DEFAULT_ALGORITHMS);
  const known: readonly string[] = [...DEFAULT_ALGORITHMS, ...Object.keys(HMAC_BYTES)];
  if (!algorithms.every((algorithm) => known.includes(algorithm))) {
    options.refuse('algorithms', `give some of ${known.join(', ')}`);
  }
  const jwks = resolveStaticKeys(options);
  const secrets = (jwks?.keys ?? []).filter((key) => key.kty === 'oct');
  for (const algorithm of algorithms.filter((name) => name in HMAC_BYTES)) {
    const least = HMAC_BYTES[algorithm] ?? 0;
    const usable = secrets.some((key) => (key.alg ?? algorithm) === algorithm && bytesOf(key.k) >= least);
    if (!usable) options.refuse('jwks', `${algorithm} needs a static key with kty 'oct' of at least ${least} bytes`);
  }
  return { algorithms, jwks };
}

function resolveStaticKeys(options: OptionGroup): JSONWebKeySet | undefined {
  const jwks = options.get('jwks') as Partial<JSONWebKeySet> | undefined;
  if (jwks === undefined) return undefined;
  const keys: unknown = typeof jwks === 'object' && jwks !== null ? jwks.keys : undefined;
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every((key) => typeof key === 'object' && key !== null)) {
    options.refuse('jwks', 'give a JSON Web Key Set: { keys: [ … ] } with at least one key');
    return undefined;
  }
  const exposed = keys.some((key: object) => PRIVATE_MEMBERS.some((name) => name in key));
  if (exposed) options.refuse('jwks', 'it holds a private key: give the public keys only');
  else if (readKeySet({ keys }, true) === undefined)
    options.refuse('jwks', 'it holds no key that can verify signatures (see use, kty and size), or too many');
  return { keys: keys as JSONWebKeySet['keys'] };
}

function bytesOf(k: unknown): number {
  return typeof k === 'string' ? Buffer.from(k, 'base64url').length : 0;
}
