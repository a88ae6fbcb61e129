import { type ClaimMapping, readText } from '../../protocol/claim-mapping.js';
import { type JsonObject, member } from '../../protocol/json.js';

/** The name of a revocation mark, as a list of texts: a kind, and what it is about. */
export type MarkName = readonly [kind: 'token' | 'jti' | 'sub' | 'sid' | 'client_id' | 'iss', ...about: readonly string[]];

/** What a token can be revoked by besides itself, read from claims that are verified. Holds no token. */
export class TokenIdentity {
  readonly issuedAtSeconds: number | undefined;
  #names: readonly MarkName[] | undefined;
  #hashes: readonly string[] | undefined;

  constructor(
    private readonly issuer: string,
    private readonly claims: JsonObject,
    private readonly mapping: ClaimMapping,
  ) {
    const issuedAt = member(claims, 'iat');
    this.issuedAtSeconds = typeof issuedAt === 'number' ? issuedAt : undefined;
  }

  /** The names of the marks that it can meet. */
  get names(): readonly MarkName[] {
    this.#names ??= this.#collect();
    return this.#names;
  }

  /** The same for tables of this process, in the same order. */
  hashes(hashOf: (name: MarkName) => string): readonly string[] {
    this.#hashes ??= this.names.map(hashOf);
    return this.#hashes;
  }

  #collect(): MarkName[] {
    const { issuer, claims, mapping } = this;
    const named: readonly (readonly ['jti' | 'sub' | 'sid' | 'client_id', unknown])[] = [
      ['jti', readText(claims, mapping.tokenId)],
      ['sub', member(claims, 'sub')],
      ['sid', readText(claims, mapping.sessionId)],
      ['client_id', readText(claims, mapping.clientId)],
    ];
    const present = named.flatMap(([kind, value]): MarkName[] => (typeof value === 'string' ? [[kind, issuer, value]] : []));
    return [...present, ['iss', issuer]];
  }
}

/** A token as it is presented now: itself, its name in tables, and what else it can be revoked by. */
export interface RevocableToken {
  readonly token: string;
  readonly name: string;
  readonly identity: TokenIdentity;
}
