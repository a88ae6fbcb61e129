import { MetadataError } from '../protocol/authorization-server-errors.js';
import { InvalidTokenError } from '../protocol/errors.js';
import { isThenable } from '../protocol/thenable.js';
import type { Deadline } from './deadline.js';
import type { IssuerHealth } from './health.js';
import { mayBeAskedAboutOpaqueTokens } from './options/resolve-issuers.js';
import type { IssuerRouting } from './options/options.js';
import type { PresentedToken } from './presented-token.js';
import { RememberedIssuers } from './remembered-issuers.js';
import { type SharedParts, TrustedIssuer } from './trusted-issuer.js';

/** The authorization servers whose tokens are accepted, and which of them has to judge a token. */
export class TrustedIssuers {
  readonly #shared: SharedParts;
  readonly #listed: readonly TrustedIssuer[];
  readonly #byName: ReadonlyMap<string, TrustedIssuer>;
  readonly #remembered: RememberedIssuers | undefined;

  constructor(shared: SharedParts) {
    const { issuers } = shared.options;
    this.#shared = shared;
    this.#remembered = typeof issuers === 'function' ? new RememberedIssuers(issuers, shared) : undefined;
    this.#listed = typeof issuers === 'function' ? [] : issuers.map((options) => new TrustedIssuer(options, shared));
    this.#byName = new Map(this.#listed.map((issuer) => [issuer.options.issuer, issuer]));
  }

  warmUp(): void {
    for (const issuer of this.#listed) issuer.warmUp();
  }

  /** How it stands with each: those that are listed, or those that a function has allowed so far. */
  health(): IssuerHealth[] {
    return [...this.#listed, ...(this.#remembered?.allowed ?? [])].map((issuer) => issuer.health());
  }

  async close(): Promise<void> {
    await Promise.all([...this.#listed.map((issuer) => issuer.close()), this.#remembered?.close()]);
  }

  /**
   * The issuers that may judge a token, to be asked in their order. What the token says of its issuer serves to look
   * one up among those that are configured, and for nothing else.
   *
   * @param request `undefined` where a token is judged outside any request
   * @throws {InvalidTokenError} where no configured issuer may
   * @throws {MetadataError} where a function of the application throws
   */
  route(
    presented: PresentedToken,
    request: unknown,
    deadline: Deadline,
  ): readonly TrustedIssuer[] | Promise<readonly TrustedIssuer[]> {
    const { issuerFor } = this.#shared.options;
    if (typeof issuerFor === 'function' && request !== undefined)
      return this.#routeByRequest(issuerFor, presented, request, deadline);
    if (this.#listed.length === 1) return this.#listed;
    return this.#routeByToken(presented, deadline);
  }

  /** A configured issuer by its identifier. @throws {MetadataError} where the function `issuers` throws */
  find(issuer: string, deadline: Deadline): TrustedIssuer | undefined | Promise<TrustedIssuer | undefined> {
    return this.#remembered === undefined ? this.#byName.get(issuer) : this.#remembered.find(issuer, deadline);
  }

  async #routeByRequest(
    issuerFor: IssuerRouting,
    presented: PresentedToken,
    request: unknown,
    deadline: Deadline,
  ): Promise<readonly TrustedIssuer[]> {
    const name = await this.#ask(issuerFor, presented.token, request, deadline);
    const issuer = name === undefined ? undefined : await this.find(name, deadline);
    if (issuer === undefined)
      throw new InvalidTokenError('issuer', { detail: 'issuerFor names no configured issuer for the request' });
    const claimed = presented.unverifiedIssuer;
    if (claimed !== undefined && claimed !== name) {
      throw new InvalidTokenError('issuer', { detail: 'the token is of another issuer than issuerFor names for the request' });
    }
    return [issuer];
  }

  async #routeByToken(presented: PresentedToken, deadline: Deadline): Promise<readonly TrustedIssuer[]> {
    const claimed = presented.unverifiedIssuer;
    if (claimed !== undefined) {
      const issuer = await this.find(claimed, deadline);
      if (issuer !== undefined) return [issuer];
      this.#shared.emit({ type: 'issuer.unknown' });
      throw new InvalidTokenError('issuer', { detail: 'the JWT names no configured issuer: see the option issuers' });
    }
    const header = presented.unverifiedJweHeader;
    const openers =
      header === undefined
        ? []
        : this.#listed.filter((issuer) => opensTokens(issuer) && issuer.decrypter?.mayDecrypt(header) === true);
    const candidates =
      openers.length > 0 ? openers : this.#listed.filter((issuer) => mayBeAskedAboutOpaqueTokens(issuer.options));
    if (candidates.length > 0) return candidates;
    throw new InvalidTokenError('malformed', { detail: 'the token names no issuer, and no issuer can be asked about it' });
  }

  async #ask(issuerFor: IssuerRouting, token: string, request: unknown, deadline: Deadline): Promise<string | undefined> {
    const late = () => new MetadataError({ detail: 'the function issuerFor took longer than the deadline' });
    try {
      const answer: unknown = issuerFor(request, token);
      const name = isThenable(answer) ? await deadline.wait(Promise.resolve(answer), late) : answer;
      return typeof name === 'string' ? name : undefined;
    } catch (error) {
      const failure = error instanceof MetadataError ? error : new MetadataError({ detail: 'the function issuerFor threw' });
      this.#shared.notify({ level: 'error', text: `No issuer for a request: ${failure.detail}` });
      throw failure;
    }
  }
}

/** Whether an issuer's encrypted tokens are opened here; its keys may be for its introspection responses alone. */
function opensTokens({ options }: TrustedIssuer): boolean {
  return options.verification !== 'remote' && options.encryptedTokens !== 'refused';
}
