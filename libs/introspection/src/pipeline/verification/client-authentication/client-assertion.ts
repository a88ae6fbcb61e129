import { createPrivateKey, createSecretKey, KeyObject, randomUUID } from 'node:crypto';
import { type JWK, SignJWT } from 'jose';
import { IntrospectionUnavailableError } from '../../../protocol/authorization-server-errors.js';
import type { Clock } from '../../clock.js';
import type { Deadline } from '../../deadline.js';
import type { ClientAuthentication } from '../../options/options.js';
import { askApplication, askForText } from './ask-application.js';
import type { ClientAuthenticator } from './client-authenticator.js';

type Assertion = Extract<ClientAuthentication, { method: 'client_secret_jwt' | 'private_key_jwt' }>;

/** What an assertion is signed with. */
interface SigningKey {
  readonly key: KeyObject;
  readonly algorithm: string;
  readonly keyId: string | undefined;
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const EC_ALGORITHMS: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };

/**
 * A signed assertion of who we are, made anew for each attempt. Its audience is the configured issuer, never anything
 * that metadata says.
 *
 * @see RFC 7523 §2.2 and §3, OpenID Connect Core 1.0 §9
 */
export function clientAssertion(options: Assertion, issuer: string, clock: Clock): ClientAuthenticator {
  return {
    async authenticate({ form }, deadline) {
      const signing =
        options.method === 'private_key_jwt' ? await privateKey(options, deadline) : await secretKey(options, deadline);
      form.set('client_id', options.clientId);
      form.set('client_assertion_type', ASSERTION_TYPE);
      form.set('client_assertion', await sign(options, signing, issuer, clock));
    },
  };
}

async function sign(options: Assertion, { key, algorithm, keyId }: SigningKey, issuer: string, clock: Clock): Promise<string> {
  const issuedAt = Math.floor(clock.now() / 1000);
  try {
    return await new SignJWT()
      .setProtectedHeader({ alg: algorithm, typ: 'client-authentication+jwt', ...(keyId !== undefined && { kid: keyId }) })
      .setIssuer(options.clientId)
      .setSubject(options.clientId)
      .setAudience(options.audience ?? issuer)
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + (options.lifetimeSeconds ?? 60))
      .sign(key);
  } catch {
    throw unusable('the key of clientAuthentication does not fit its algorithm');
  }
}

async function secretKey(options: Extract<Assertion, { method: 'client_secret_jwt' }>, deadline: Deadline): Promise<SigningKey> {
  const secret = Buffer.from(await askForText(options.clientSecret, 'clientSecret', deadline), 'utf8');
  const algorithm = options.algorithm ?? 'HS256';
  if (secret.length * 8 < Number(algorithm.slice(2))) throw unusable('clientSecret is shorter than the hash of its algorithm');
  return { key: createSecretKey(secret), algorithm, keyId: undefined };
}

async function privateKey(options: Extract<Assertion, { method: 'private_key_jwt' }>, deadline: Deadline): Promise<SigningKey> {
  const given = await askApplication(options.key, 'key', deadline);
  const jwk = typeof given === 'object' && given !== null && !(given instanceof KeyObject) ? (given as JWK) : undefined;
  const key = toKeyObject(given, jwk);
  const algorithm = options.algorithm ?? jwk?.alg ?? algorithmOf(key);
  return { key, algorithm, keyId: options.keyId ?? jwk?.kid };
}

function toKeyObject(given: unknown, jwk: JWK | undefined): KeyObject {
  try {
    const key =
      given instanceof KeyObject
        ? given
        : createPrivateKey(jwk === undefined ? String(given) : { key: { ...jwk }, format: 'jwk' });
    if (key.type === 'private') return key;
  } catch {
    // What the parser says may quote the key.
  }
  throw unusable('the key of clientAuthentication is no private key');
}

function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  return EC_ALGORITHMS[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? 'RS256';
}

function unusable(detail: string): IntrospectionUnavailableError {
  return new IntrospectionUnavailableError({ detail });
}
