import { createPublicKey, verify } from 'node:crypto';
import { TOKEN_KINDS } from '../tokens/access-token.mjs';
import { ALGORITHMS } from '../tokens/signing-keys.mjs';
import { median } from '../workloads/median.mjs';
import { cpuMicrosecondsOf } from './cpu-time.mjs';
import { createEngine, requestWith } from './resource-server.mjs';

const DIGESTS = { RS256: 'sha256', ES256: 'sha256', EdDSA: null };

/** All that it takes to accept an unseen JWT, beside one `crypto.verify` of the same token with a key object at hand. */
export async function measureColdVerification({ tokenSettings, keySet, rounds, tokens }) {
  const server = createEngine({ issuer: tokenSettings.issuer, keySet }, { verification: 'local', discovery: false });
  const figures = {};
  for (const algorithm of ALGORITHMS) {
    const publicKey = createPublicKey({ key: tokenSettings.keys[algorithm].publicJwk, format: 'jwk' });
    const measured = [];
    // The first two rounds let the compiler see the code.
    for (let round = -2; round < rounds; round += 1) {
      const made = Array.from({ length: tokens }, () => TOKEN_KINDS[algorithm](tokenSettings));
      const signed = made.map(toSigned);
      const requests = made.map(requestWith);
      const bare = () => verifyBare(algorithm, publicKey, signed);
      const authenticated = () => authenticateEach(server, requests);
      // In turn first and second, so that neither always finds the machine as the other left it.
      const [first, second] = round % 2 === 0 ? [bare, authenticated] : [authenticated, bare];
      const times = [await cpuMicrosecondsOf(first), await cpuMicrosecondsOf(second)];
      const [bareTime, authenticatedTime] = round % 2 === 0 ? times : times.toReversed();
      if (round >= 0) measured.push({ bare: bareTime / tokens, authenticate: authenticatedTime / tokens });
    }
    figures[algorithm] = {
      bareMicroseconds: median(measured.map(({ bare }) => bare)),
      authenticateMicroseconds: median(measured.map(({ authenticate }) => authenticate)),
      ratio: median(measured.map(({ bare, authenticate }) => authenticate / bare)),
    };
  }
  await server.close();
  return figures;
}

function toSigned(token) {
  const end = token.lastIndexOf('.');
  return { input: Buffer.from(token.slice(0, end)), signature: Buffer.from(token.slice(end + 1), 'base64url') };
}

function verifyBare(algorithm, publicKey, signed) {
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' };
  for (const { input, signature } of signed) {
    if (!verify(DIGESTS[algorithm], input, key, signature)) throw new Error(`a good ${algorithm} signature was refused`);
  }
}

async function authenticateEach(server, requests) {
  for (const request of requests) await server.authenticate(request, REQUIREMENT);
}

const REQUIREMENT = Object.freeze({ scopes: ['read'] });
