import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Deadline } from '../../../../libs/introspection/src/pipeline/deadline.js';
import { PresentedToken } from '../../../../libs/introspection/src/pipeline/presented-token.js';
import { type KeySet, StaticKeySet } from '../../../../libs/introspection/src/pipeline/verification/key-set.js';
import { KEY_UNKNOWN, LocalVerifier } from '../../../../libs/introspection/src/pipeline/verification/local-verifier.js';
import { parseUnverifiedJwt } from '../../../../libs/introspection/src/protocol/compact-jwt.js';
import { AUDIENCE } from '../../../support/authorization-server.js';
import { ISSUER, issuerOptions, NOW_SECONDS, refusalReason } from '../../../support/issuer-options.js';
import { ecKey, signer, type TestKey } from '../../../support/keys.js';
import { compact } from '../../../support/tokens.js';

const key = ecKey();
const stranger = ecKey('P-256', key.kid);
const CLAIMS = {
  iss: ISSUER,
  aud: [AUDIENCE, 'other'],
  sub: 'u1',
  client_id: 'c1',
  jti: 'j1',
  scope: 'read write',
  iat: NOW_SECONDS,
  exp: NOW_SECONDS + 300,
};
const nameOf = (jws: string): string => createHash('sha256').update(jws).digest('hex');

const sign = (header: Record<string, unknown> = {}, claims: Record<string, unknown> = {}, by: TestKey = key): string =>
  compact({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...header }, { ...CLAIMS, ...claims }, signer('ES256', by.privateKey));

function verifying(keys: readonly TestKey[] = [key]) {
  let current: KeySet = new StaticKeySet({ keys: keys.map(({ jwk }) => jwk) });
  let meanwhile: KeySet | undefined;
  let bad = 0;
  const changing: KeySet = {
    get current() {
      return current.current;
    },
    isFailing: false,
    loadedAtMs: undefined,
    find: async (algorithm, kid, deadline) => {
      const found = await current.find(algorithm, kid, deadline);
      if (meanwhile !== undefined) current = meanwhile;
      meanwhile = undefined;
      return found;
    },
    noteBadSignature: () => void (bad += 1),
  };
  const verifier = new LocalVerifier(issuerOptions(), changing);
  const expected = { audience: [AUDIENCE], allowMissingAudience: false };
  const at = (nowSeconds: number) => ({ nowMs: nowSeconds * 1000, toleranceSeconds: 0 });
  const recall = (jws: string, audience = [AUDIENCE], nowSeconds = NOW_SECONDS) =>
    verifier.recall(new PresentedToken(jws, nameOf), { ...expected, audience }, at(nowSeconds));
  const verify = (jws: string, nowSeconds = NOW_SECONDS) => {
    const jwt = parseUnverifiedJwt(jws);
    if (jwt === undefined) throw new Error('not in the shape of a JWT');
    const instant = at(nowSeconds);
    return verifier.verify(new PresentedToken(jws, nameOf), { jws, jwt }, expected, instant, new Deadline(1000));
  };
  const publish = (...others: TestKey[]) => void (current = new StaticKeySet({ keys: others.map(({ jwk }) => jwk) }));
  /** Publishes keys as soon as others have been found. */
  const publishMeanwhile = (...others: TestKey[]) => void (meanwhile = new StaticKeySet({ keys: others.map(({ jwk }) => jwk) }));
  return { verify, recall, publish, publishMeanwhile, badSignatures: () => bad };
}

describe('A JWT that is checked here', () => {
  it('AT-04 AT-09 says what its claims say', async () => {
    const jws = sign();
    expect(await verifying().verify(jws)).toEqual({
      issuer: ISSUER,
      claims: CLAIMS,
      facts: CLAIMS,
      mapping: issuerOptions().claims,
      audience: [AUDIENCE, 'other'],
      scopes: ['read', 'write'],
      expiresAtSeconds: NOW_SECONDS + 300,
      verifiedBy: 'local',
    });
  });

  it('JWK-04 needs no kid', async () => {
    expect(await verifying().verify(sign({ kid: undefined }))).toMatchObject({ verifiedBy: 'local' });
  });

  it("JWK-12 is nobody's where its kid is not known", async () => {
    const { verify, badSignatures } = verifying();
    expect(await verify(sign({ kid: 'other' }))).toBe(KEY_UNKNOWN);
    expect(badSignatures()).toBe(0);
  });

  it('AT-04 is refused where another key signed it, which may mean that the key has changed', async () => {
    const { verify, badSignatures } = verifying();
    expect(await refusalReason(() => verify(sign({}, {}, stranger)))).toBe('signature');
    expect(badSignatures()).toBe(1);
    await verify(sign());
    expect(badSignatures()).toBe(1);
  });

  it('is refused for its claims before its signature, or its key, counts', async () => {
    const { verify, badSignatures } = verifying();
    expect(await refusalReason(() => verify(sign({ kid: 'other' }, { aud: 'x' })))).toBe('audience');
    expect(await refusalReason(() => verify(sign({}, { exp: NOW_SECONDS }, stranger)))).toBe('expired');
    expect(badSignatures()).toBe(0);
  });
});

describe('A JWT that was checked here before', () => {
  it('is checked for its claims again', async () => {
    const { verify } = verifying();
    const jws = sign();
    await verify(jws);
    await verify(jws);
    expect(await refusalReason(() => verify(jws, NOW_SECONDS + 300))).toBe('expired');
  });

  it('JWK-13 is refused when its key is gone, or another has its kid', async () => {
    const { verify, publish } = verifying();
    const jws = sign();
    await verify(jws);
    publish(stranger);
    expect(await refusalReason(() => verify(jws))).toBe('signature');
    publish(ecKey());
    expect(await verify(jws)).toBe(KEY_UNKNOWN);
    publish(key);
    expect(await verify(jws)).toMatchObject({ verifiedBy: 'local' });
  });

  it('does not vouch for another with its signature', async () => {
    const { verify } = verifying();
    const jws = sign();
    await verify(jws);
    const [, , signature] = jws.split('.');
    const [header, payload] = sign({}, { sub: 'admin' }).split('.');
    expect(await refusalReason(() => verify(`${header}.${payload}.${signature}`))).toBe('signature');
  });
});

describe('A JWT that is recalled', () => {
  it('is what it was found to be, while its keys stand', async () => {
    const { verify, recall, publish } = verifying();
    const jws = sign();
    expect(recall(jws)).toBeUndefined();
    const verified = await verify(jws);
    expect(recall(jws)).toBe(verified);
    expect(recall(sign())).toBeUndefined();
    publish(key);
    expect(recall(jws)).toBeUndefined();
    await verify(jws);
    expect(recall(jws)).toMatchObject({ verifiedBy: 'local' });
  });

  it('AT-03 AT-06 is not recalled for another time or audience', async () => {
    const { verify, recall } = verifying();
    const jws = sign();
    await verify(jws);
    expect(recall(jws, ['other'])).toBeDefined();
    expect(recall(jws, ['https://another.example.com'])).toBeUndefined();
    expect(recall(jws, [AUDIENCE], NOW_SECONDS + 299)).toBeDefined();
    expect(recall(jws, [AUDIENCE], NOW_SECONDS + 300)).toBeUndefined();
  });

  it('AT-04 is not recalled where its key was withdrawn while it was verified', async () => {
    const { verify, recall, publishMeanwhile } = verifying([key, ecKey()]);
    const jws = sign();
    publishMeanwhile(ecKey());
    await verify(jws);
    expect(recall(jws)).toBeUndefined();
  });

  it('AT-04 is not recalled where it was refused, or its key is not known', async () => {
    const { verify, recall } = verifying();
    const [forged, unknown] = [sign({}, {}, stranger), sign({ kid: 'other' })];
    await refusalReason(() => verify(forged));
    await verify(unknown);
    expect([recall(forged), recall(unknown)]).toEqual([undefined, undefined]);
  });
});
