import { parseUnverifiedJweHeader, parseUnverifiedJwt, type UnverifiedJwt } from '../protocol/compact-jwt.js';
import { type JsonObject, member } from '../protocol/json.js';

/** An access token as presented, looked at no more than once. Nothing here is verified. */
export class PresentedToken {
  #jwt: UnverifiedJwt | undefined | null = null;

  #name: string | undefined;

  /** @param nameOf names tokens in tables */
  constructor(
    readonly token: string,
    private readonly nameOf: (token: string) => string,
  ) {}

  /** A hash of it, for the tables of this process. */
  get name(): string {
    this.#name ??= this.nameOf(this.token);
    return this.#name;
  }

  /** Whether it has neither the shape of a JWT nor that of an encrypted one. */
  get isOpaque(): boolean {
    return !this.token.includes('.') || (this.unverifiedJwt === undefined && this.unverifiedJweHeader === undefined);
  }

  /** The parts of a JWT; `undefined` for a token of another shape. */
  get unverifiedJwt(): UnverifiedJwt | undefined {
    if (this.#jwt === null) this.#jwt = parseUnverifiedJwt(this.token);
    return this.#jwt;
  }

  /** The header of an encrypted JWT; `undefined` for a token of another shape. */
  get unverifiedJweHeader(): JsonObject | undefined {
    return this.unverifiedJwt === undefined ? parseUnverifiedJweHeader(this.token) : undefined;
  }

  /** The issuer that the token names, as a key to look it up by and nothing else. */
  get unverifiedIssuer(): string | undefined {
    const claims = this.unverifiedJwt?.unverifiedClaims ?? this.unverifiedJweHeader;
    const issuer = claims && member(claims, 'iss');
    return typeof issuer === 'string' ? issuer : undefined;
  }
}
