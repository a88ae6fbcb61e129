import { describe, expect, it } from 'vitest';
import type { VerificationKey } from '../../../../libs/introspection/src/pipeline/keys/jwk.js';
import { findSigningKey } from '../../../../libs/introspection/src/pipeline/verification/signature.js';
import { derSigner, ecKey, signer, type TestKey } from '../../../support/keys.js';
import { compact, flipBit } from '../../../support/tokens.js';

const [own, other] = [ecKey(), ecKey()];
const jws = compact({ alg: 'ES256' }, { sub: 'u1' }, signer('ES256', own.privateKey));
const held = ({ kid, publicKey }: TestKey): VerificationKey => ({ kid, key: publicKey, algorithms: ['ES256'] });
const unusable: VerificationKey = { kid: 'x', key: undefined, algorithms: [] };

describe('findSigningKey', () => {
  it('AT-04 finds the key that signed, wherever it stands', async () => {
    expect(await findSigningKey(jws, 'ES256', [held(own)])).toBe(own.publicKey);
    expect(await findSigningKey(jws, 'ES256', [unusable, held(other), held(own)])).toBe(own.publicKey);
  });

  it('AT-04 finds none where none of them signed', async () => {
    for (const keys of [[], [unusable], [held(other)]]) expect(await findSigningKey(jws, 'ES256', keys)).toBeUndefined();
  });

  it('JWT-25 finds none for a text that was changed by one bit', async () => {
    for (const part of [0, 1, 2] as const)
      expect(await findSigningKey(flipBit(jws, part, 9), 'ES256', [held(own)])).toBeUndefined();
  });

  it('JWT-06 finds none where the text names another algorithm', async () => {
    for (const algorithm of ['ES384', 'RS256', 'none', ''])
      expect(await findSigningKey(jws, algorithm, [held(own)])).toBeUndefined();
  });

  it('JWT-24 finds none for a signature in the form of X.509, or of zeros', async () => {
    for (const signature of [derSigner('ES256', own.privateKey), Buffer.alloc(64), Buffer.alloc(63)])
      expect(await findSigningKey(compact({ alg: 'ES256' }, {}, signature), 'ES256', [held(own)])).toBeUndefined();
  });
});
