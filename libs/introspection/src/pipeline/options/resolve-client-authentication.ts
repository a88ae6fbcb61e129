import { createSecureContext } from 'node:tls';
import { readSigningKey } from '../keys/signing-key.js';
import type { ClientAuthentication } from './options.js';
import type { OptionGroup } from './option-group.js';

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  client_secret_basic: ['clientId', 'clientSecret'],
  client_secret_post: ['clientId', 'clientSecret'],
  client_secret_jwt: ['clientId', 'clientSecret', 'algorithm', 'audience', 'lifetimeSeconds'],
  private_key_jwt: ['clientId', 'key', 'algorithm', 'keyId', 'audience', 'lifetimeSeconds'],
  tls_client_auth: ['clientId', 'certificate', 'key'],
  self_signed_tls_client_auth: ['clientId', 'certificate', 'key'],
  bearer: ['token'],
  none: [],
};

/** Least bytes of an HMAC key: the size of the hash (RFC 7518 §3.2). */
const HMAC_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };

/** Checks how we authenticate at the introspection endpoint. There is no default method (RFC 8414 §2). */
export function resolveClientAuthentication(options: OptionGroup, rawBasicEncoding: boolean): ClientAuthentication | undefined {
  if (!options.has('clientAuthentication')) return undefined;
  const group = options.group('clientAuthentication');
  const method = group.get('method');
  const members = typeof method === 'string' && Object.hasOwn(MEMBERS, method) ? MEMBERS[method] : undefined;
  if (members === undefined) {
    group.refuse('method', `there is no default: give one of ${Object.keys(MEMBERS).join(', ')}`);
    return undefined;
  }
  group.allowOnly(['method', ...members]);
  for (const name of members) checkMember(group, name);
  const clientId = group.get('clientId');
  if (method === 'client_secret_basic' && rawBasicEncoding && typeof clientId === 'string' && clientId.includes(':')) {
    group.refuse('clientId', "with compatibility.basicEncoding: 'raw' it may hold no colon (RFC 7617)");
  }
  if (method === 'client_secret_jwt') checkHmacSecret(group);
  if (method === 'private_key_jwt') checkPrivateKey(group);
  if (members.includes('certificate')) checkCertificate(group);
  const given = Object.fromEntries(members.filter((name) => group.has(name)).map((name) => [name, group.get(name)]));
  return { method, ...given } as ClientAuthentication;
}

function checkMember(group: OptionGroup, name: string): void {
  const value = group.get(name);
  switch (name) {
    case 'clientId':
      if (!isText(value)) group.refuse(name, 'give the client id of this resource server');
      break;
    case 'clientSecret':
    case 'token':
    case 'certificate':
      if (!isText(value) && typeof value !== 'function') {
        group.refuse(name, 'give a text, or a function that answers it; is the environment variable set?');
      }
      break;
    case 'key':
      if (group.has('certificate') && typeof value === 'object')
        group.refuse(name, 'give PEM text, or a function that answers it');
      else if (!isText(value) && typeof value !== 'function' && (typeof value !== 'object' || value === null)) {
        group.refuse(name, 'give the private key: PEM text, a JWK, a key object, or a function that answers one');
      }
      break;
    case 'lifetimeSeconds':
      group.integer(name, 60, 1, 600);
      break;
    default:
      if (value !== undefined && !isText(value)) group.refuse(name, 'give a text');
  }
}

function checkHmacSecret(group: OptionGroup): void {
  const algorithm = group.oneOf('algorithm', ['HS256', 'HS384', 'HS512'], 'HS256');
  const secret = group.get('clientSecret');
  const least = HMAC_BYTES[algorithm] ?? 0;
  if (typeof secret === 'string' && Buffer.byteLength(secret) < least)
    group.refuse('clientSecret', `${algorithm} needs at least ${least} bytes`);
}

/** A key that a function gives is checked when it is used. */
function checkPrivateKey(group: OptionGroup): void {
  const key = group.get('key');
  if (key === undefined || key === null || key === '' || typeof key === 'function') return;
  const algorithm = group.get('algorithm');
  const signing = readSigningKey(key, typeof algorithm === 'string' ? algorithm : undefined, undefined);
  if ('fault' in signing) group.refuse('key', signing.fault);
}

/** A certificate and key that functions give are checked when they are used. */
function checkCertificate(group: OptionGroup): void {
  const [cert, key] = [group.get('certificate'), group.get('key')];
  if (typeof cert !== 'string' || typeof key !== 'string' || cert === '' || key === '') return;
  try {
    createSecureContext({ cert, key });
  } catch {
    // What the parser says may quote the key.
    group.refuse('certificate', 'certificate and key are no PEM texts that belong together');
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
