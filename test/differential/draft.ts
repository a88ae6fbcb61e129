import { createHmac } from 'node:crypto';
import { AUDIENCE } from '../support/authorization-server.js';
import { ecKey, edKey, rsaKey, signer, type TestKey } from '../support/keys.js';

export const ISSUER = 'https://as.example.com';
/** Every judge believes that it is now. */
export const NOW_SECONDS = 1_800_000_000;
export const TOLERANCE_SECONDS = 5;
export const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** One key per algorithm, published with `alg` and `use`, so that no judge has to guess. */
export interface Keys {
  readonly published: Readonly<Record<Algorithm, TestKey>>;
  /** Published nowhere. */
  readonly stranger: TestKey;
  readonly jwks: { keys: Record<string, unknown>[] };
}

export async function createKeys(): Promise<Keys> {
  const [RS256, PS256] = await Promise.all([rsaKey(2048, 'rs'), rsaKey(2048, 'ps')]);
  const published = { RS256, PS256, ES256: ecKey('P-256', 'es'), EdDSA: edKey('ed25519', 'ed') };
  const keys = ALGORITHMS.map((alg) => ({ ...published[alg].jwk, alg, use: 'sig' }));
  return { published, stranger: ecKey('P-256', 'stranger'), jwks: { keys } };
}

/** A token before it is put together; a mutation changes any of it. */
export interface Draft {
  algorithm: Algorithm;
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  /** Changes to the JSON text, after the members were written. */
  headerText: ((json: string) => string | Buffer)[];
  claimsText: ((json: string) => string | Buffer)[];
  /** Makes the signature in place of the published key. */
  sign?: (input: Buffer) => Buffer;
  signature: ((bytes: Buffer) => Buffer)[];
  /** Changes to the finished token. */
  token: ((token: string) => string)[];
}

export function createDraft(algorithm: Algorithm, keys: Keys, id: number): Draft {
  return {
    algorithm,
    header: { alg: algorithm, typ: 'at+jwt', kid: keys.published[algorithm].kid },
    claims: {
      iss: ISSUER,
      aud: AUDIENCE,
      sub: 'u1',
      client_id: 'c1',
      scope: 'read',
      iat: NOW_SECONDS,
      exp: NOW_SECONDS + 300,
      jti: `j${id}`,
    },
    headerText: [],
    claimsText: [],
    signature: [],
    token: [],
  };
}

export function assemble(draft: Draft, keys: Keys): string {
  const part = (members: Record<string, unknown>, changes: Draft['headerText']): string => {
    let bytes: string | Buffer = JSON.stringify(members);
    for (const change of changes) bytes = change(bytes.toString());
    return Buffer.from(bytes).toString('base64url');
  };
  const input = `${part(draft.header, draft.headerText)}.${part(draft.claims, draft.claimsText)}`;
  const sign = draft.sign ?? signer(draft.algorithm, keys.published[draft.algorithm].privateKey);
  let signature = sign(Buffer.from(input));
  for (const change of draft.signature) signature = change(signature);
  let token = `${input}.${signature.toString('base64url')}`;
  for (const change of draft.token) token = change(token);
  return token;
}

export const mac = (secret: string | Buffer) => (input: Buffer) => createHmac('sha256', secret).update(input).digest();
