import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RememberedSignatures } from '../../../../libs/introspection/src/pipeline/verification/remembered-signatures.js';

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;

describe('Remembered signatures', () => {
  it('hold while the key stands', () => {
    const signatures = new RememberedSignatures();
    const key = newKey();
    expect(signatures.wasVerifiedBy('a', [{ key }])).toBe(false);
    signatures.remember('a', key);
    expect(signatures.wasVerifiedBy('a', [{ key }])).toBe(true);
    expect(signatures.wasVerifiedBy('b', [{ key }])).toBe(false);
  });

  it('hold for the same key when it is published again', () => {
    const signatures = new RememberedSignatures();
    const key = newKey();
    signatures.remember('a', key);
    const again = createPublicKey({ key: key.export({ format: 'jwk' }), format: 'jwk' });
    expect(again).not.toBe(key);
    expect(signatures.wasVerifiedBy('a', [{ key: undefined }, { key: newKey() }, { key: again }])).toBe(true);
  });

  it('do not hold when the key is gone, or another has its place', () => {
    const signatures = new RememberedSignatures();
    signatures.remember('a', newKey());
    expect(signatures.wasVerifiedBy('a', [])).toBe(false);
    expect(signatures.wasVerifiedBy('a', [{ key: newKey() }])).toBe(false);
  });

  it('are bounded: the oldest are forgotten, the used ones stay', () => {
    const signatures = new RememberedSignatures();
    const key = newKey();
    signatures.remember('hot', key);
    signatures.remember('cold', key);
    for (let count = 0; count < 20_000; count += 1) {
      signatures.remember(`flood ${count}`, key);
      if (count % 1000 === 0) expect(signatures.wasVerifiedBy('hot', [{ key }])).toBe(true);
    }
    expect(signatures.wasVerifiedBy('cold', [{ key }])).toBe(false);
  });
});
