import { generateKeyPairSync } from 'node:crypto';

const PAIRS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

/** The signature algorithms that are measured. */
export const ALGORITHMS = Object.keys(PAIRS);

/**
 * One key for each algorithm, as JWKs that can be sent to other processes.
 *
 * @param {string} [prefix] of the key ids
 */
export function generateSigningKeys(prefix = 'key') {
  return Object.fromEntries(
    ALGORITHMS.map((alg) => {
      const { privateKey, publicKey } = PAIRS[alg]();
      const described = { kid: `${prefix}-${alg}`, alg, use: 'sig' };
      return [
        alg,
        {
          privateJwk: { ...privateKey.export({ format: 'jwk' }), ...described },
          publicJwk: { ...publicKey.export({ format: 'jwk' }), ...described },
        },
      ];
    }),
  );
}

/** What the authorization server publishes. */
export function publicKeySet(keys) {
  return { keys: Object.values(keys).map(({ publicJwk }) => publicJwk) };
}
