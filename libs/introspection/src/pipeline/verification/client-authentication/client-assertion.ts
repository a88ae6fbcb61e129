import { createSecretKey, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { IntrospectionUnavailableError } from '../../../protocol/authorization-server-errors.js';
import type { Clock } from '../../clock.js';
import type { Deadline } from '../../deadline.js';
import { readSigningKey, type SigningKey } from '../../keys/signing-key.js';
import type { ClientAuthentication } from '../../options/options.js';
import { askApplication, askForText } from './ask-application.js';
import type { ClientAuthenticator } from './client-authenticator.js';

type Assertion = Extract<ClientAuthentication, { method: 'client_secret_jwt' | 'private_key_jwt' }>;

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

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
  const signing = readSigningKey(await askApplication(options.key, 'key', deadline), options.algorithm, options.keyId);
  if ('fault' in signing) throw unusable(`the key of clientAuthentication: ${signing.fault}`);
  return signing;
}

function unusable(detail: string): IntrospectionUnavailableError {
  return new IntrospectionUnavailableError({ detail });
}
