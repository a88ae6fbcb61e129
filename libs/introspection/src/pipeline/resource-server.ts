import type { ConfigurationProblem } from '../protocol/configuration-error.js';
import { InvalidTokenError, type ResourceServerError } from '../protocol/errors.js';
import { INACTIVE, type IntrospectionResponse } from '../protocol/introspection-response.js';
import type { Requirement } from '../protocol/requirement.js';
import { disregard, isThenable } from '../protocol/thenable.js';
import { isToken68 } from '../protocol/authorization-header.js';
import { authenticate, authenticateIfPresented } from './authenticate.js';
import type { AnswerCache } from './cache/answer-cache.js';
import { createMemory } from './cache/create-memory.js';
import type { RevocationMarks } from './cache/revocation-marks.js';
import { parseRevocationTarget, type RevocationTarget } from './cache/revocation-target.js';
import { createTokenHash, type TokenHash } from './cache/token-hash.js';
import { type ChallengeResponse, toChallengeResponse } from './challenge-response.js';
import { stopwatchMs } from './clock.js';
import { Deadline } from './deadline.js';
import { createEventSink, type EventSink } from './events.js';
import { clientAddressOf } from './extract/client-address.js';
import type { ResourceRequest } from './extract/resource-request.js';
import { type Health, overallHealth } from './health.js';
import { createQuietNotices, type Notice, type NoticeSink, processNotices } from './notices.js';
import type { ResourceServerOptions } from './options/options.js';
import { resolveOptions } from './options/resolve-options.js';
import type { ResolvedOptions } from './options/resolved-options.js';
import { HttpClient } from './outbound/http-client.js';
import { assertRequirement } from './policy/assert-requirement.js';
import { checkRequirement } from './policy/check-requirement.js';
import { UnknownTokens } from './policy/unknown-tokens.js';
import type { AccessTokenPrincipal } from './principal/access-token-principal.js';
import { Principals } from './principal/create-principal.js';
import { PresentedToken } from './presented-token.js';
import { reportRefusal } from './report-refusal.js';
import type { TrustedIssuer } from './trusted-issuer.js';
import { TrustedIssuers } from './trusted-issuers.js';
import type { IntrospectOptions, ResourceServer } from './resource-server-contract.js';
import { type OrderedConditions, verifyInOrder } from './verification/verify-in-order.js';

/** What the journey of a token needs to know of the server it belongs to. */
export interface ResourceServerState {
  readonly options: ResolvedOptions;
  readonly issuers: TrustedIssuers;
  /** Names tokens in tables, so that none of them holds one. */
  readonly nameOf: TokenHash;
  readonly principals: Principals;
  /** Absent where nobody counts. */
  readonly unknownTokens: UnknownTokens | undefined;
  /** One bound for all that a request waits for. */
  createDeadline(): Deadline;
  /** What a verification has to find for a route, and by when. */
  conditions(requirement: Requirement, deadline: Deadline, assertBinding: OrderedConditions['assertBinding']): OrderedConditions;
}

/** The composition root: owns everything that has a state. */
export class ResourceServerEngine implements ResourceServer, ResourceServerState {
  readonly issuers: TrustedIssuers;
  readonly nameOf = createTokenHash();
  readonly principals = new Principals();
  readonly unknownTokens: UnknownTokens | undefined;
  readonly #marks: RevocationMarks;
  readonly #cache: AnswerCache | undefined;
  readonly #options: ResolvedOptions;
  readonly #client: HttpClient;
  readonly #emit: EventSink;
  readonly #notify: NoticeSink;
  #isClosed = false;
  #closing: Promise<unknown> | undefined;
  readonly #checked = new WeakSet<Requirement>();

  /** @param problems that were found with the options before, to be told along with the others */
  constructor(
    options: ResourceServerOptions,
    notices: NoticeSink = processNotices,
    problems: readonly ConfigurationProblem[] = [],
  ) {
    this.#options = resolveOptions(options, problems);
    const { clock, http, onEvent, warnings } = this.#options;
    this.#client = new HttpClient(http);
    // What our own closing cuts off is nobody's failure.
    const whileOpen =
      <T>(sink: (item: T) => void) =>
      (item: T) =>
        this.#isClosed ? undefined : sink(item);
    this.#emit = whileOpen(createEventSink(onEvent, () => clock.now()));
    this.#notify = whileOpen(createQuietNotices(notices, clock));
    const sinks = { emit: this.#emit, notify: this.#notify };
    const { cache, marks } = createMemory(this.options, this.nameOf, sinks);
    this.#marks = marks;
    this.#cache = cache;
    let issuers = 0;
    const nextTag = () => `${(issuers += 1)}:`;
    const parts = { options: this.options, client: this.#client, ...sinks, cache, marks, nextTag };
    this.issuers = new TrustedIssuers(parts);
    this.unknownTokens = this.#createUnknownTokens();
    for (const text of warnings) this.#notify({ level: 'warn', text });
  }

  get options(): ResolvedOptions {
    return this.#options;
  }

  /** What logs and debuggers show: no option, as some are secrets. */
  toJSON(): object {
    const { issuers } = this.#options;
    return { issuers: typeof issuers === 'function' ? 'those that a function allows' : issuers.map(({ issuer }) => issuer) };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON();
  }

  /** Starts discovery in the background. Never delays, never fails; without it, the first request starts it. */
  warmUp(): void {
    this.issuers.warmUp();
  }

  authenticate(request: ResourceRequest, requirement: Requirement = {}): Promise<AccessTokenPrincipal> {
    return this.#observe(request, requirement, () => authenticate(this, request, requirement));
  }

  authenticateIfPresented(request: ResourceRequest, requirement: Requirement = {}): Promise<AccessTokenPrincipal | undefined> {
    return this.#observe(request, requirement, () => authenticateIfPresented(this, request, requirement));
  }

  async authorize(principal: AccessTokenPrincipal, requirement: Requirement): Promise<void> {
    this.#check(requirement);
    try {
      assertRequirement(principal, requirement);
    } catch (error) {
      reportRefusal(error, this.#emit, this.#notify);
      throw error;
    }
  }

  async introspect(token: string, options: IntrospectOptions = {}): Promise<IntrospectionResponse> {
    if (typeof token !== 'string') throw new TypeError('introspect needs the access token as a string');
    for (const name of Object.keys(options)) {
      if (name !== 'issuer' && name !== 'maxAgeMs') throw new TypeError(`introspect: there is no option '${name}'`);
    }
    const requirement = options.maxAgeMs === undefined ? {} : { introspectMaxAgeMs: options.maxAgeMs };
    this.#check(requirement);
    if (token.length > this.options.extract.maxTokenLength || !isToken68(token)) return INACTIVE;
    const presented = new PresentedToken(token, this.nameOf);
    const deadline = this.createDeadline();
    try {
      const issuers = await this.#issuersFor(presented, options.issuer, deadline);
      const { claims } = await verifyInOrder(issuers, presented, this.conditions(requirement, deadline, withoutRequest));
      return { ...claims, active: true };
    } catch (error) {
      if (error instanceof InvalidTokenError) return INACTIVE;
      throw error;
    }
  }

  async revoke(target: RevocationTarget): Promise<void> {
    const { name, kind, issuer, beforeSeconds } = parseRevocationTarget(target);
    const { issuers } = this.#options;
    if (issuer !== undefined && typeof issuers !== 'function' && !issuers.some((each) => each.issuer === issuer)) {
      throw new TypeError('revoke: that issuer is not configured');
    }
    await this.#marks.revoke(name, beforeSeconds);
    this.#emit({ type: 'revocation.accepted', kind, ...(issuer !== undefined && { issuer }) });
  }

  health(): Health {
    return overallHealth(this.issuers.health(), this.#cache?.health());
  }

  /** Tells the operator something, once a minute. */
  notify(notice: Notice): void {
    this.#notify(notice);
  }

  challenge(error: ResourceServerError): ChallengeResponse {
    return toChallengeResponse(error, this.options.realm);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing ??= Promise.all([this.issuers.close(), this.#client.close()]);
    await this.#closing;
  }

  createDeadline(): Deadline {
    return new Deadline(this.options.http.timeoutMs);
  }

  conditions(requirement: Requirement, deadline: Deadline, assertBinding: OrderedConditions['assertBinding']): OrderedConditions {
    const { clock, clockToleranceSeconds } = this.options;
    const now = () => ({ nowMs: clock.now(), toleranceSeconds: clockToleranceSeconds });
    return { audience: requirement.audience, maxAgeMs: requirement.introspectMaxAgeMs, assertBinding, now, deadline };
  }

  /** Outside a request, the issuer is named by the caller, by the token, or is the only one that can be asked. */
  async #issuersFor(presented: PresentedToken, name: string | undefined, deadline: Deadline): Promise<readonly TrustedIssuer[]> {
    if (name !== undefined) {
      const issuer = await this.issuers.find(name, deadline);
      if (issuer === undefined) throw new TypeError('introspect: that issuer is not configured');
      return [issuer];
    }
    const issuers = await this.issuers.route(presented, undefined, deadline);
    if (issuers.length > 1 && this.options.issuerFor !== 'in-order') {
      this.#notify({ level: 'warn', text: 'introspect() was asked about a token that names no issuer: give it { issuer }' });
      throw new InvalidTokenError('issuer');
    }
    return issuers;
  }

  #createUnknownTokens(): UnknownTokens | undefined {
    const { clock, onEvent, unknownTokens } = this.#options;
    if (unknownTokens === undefined && onEvent === undefined) return undefined;
    const clientOf = (request: object) => {
      const client = askClientKey(unknownTokens?.clientKey, request) ?? clientAddressOf(request);
      return client !== undefined && client.length > MAX_CLIENT_LENGTH ? this.nameOf(client) : client;
    };
    return new UnknownTokens({ limits: unknownTokens, clientOf, clock, emit: this.#emit });
  }

  async #observe<T extends AccessTokenPrincipal | undefined>(
    request: ResourceRequest,
    requirement: Requirement,
    journey: () => Promise<T>,
  ): Promise<T> {
    this.#check(requirement);
    const startedMs = stopwatchMs();
    try {
      const principal = await journey();
      if (principal !== undefined && principal.verifiedBy !== 'application') {
        const { issuer, verifiedBy } = principal;
        this.#emit({ type: 'principal.accepted', issuer, verifiedBy, durationMs: stopwatchMs() - startedMs });
      }
      return principal;
    } catch (error) {
      if (error instanceof InvalidTokenError) this.unknownTokens?.note(request);
      reportRefusal(error, this.#emit, this.#notify);
      throw error;
    }
  }

  #check(requirement: Requirement): void {
    if (this.#checked.has(requirement)) return;
    checkRequirement(requirement);
    // Only what cannot change any more is worth remembering.
    if (Object.isFrozen(requirement)) this.#checked.add(requirement);
  }
}

/** Longer names of clients are shortened to a hash, so that the table of them stays small. */
const MAX_CLIENT_LENGTH = 200;

/** A function that fails, or answers no text, leaves the address to go by. */
function askClientKey(clientKey: ((request: unknown) => unknown) | undefined, request: object): string | undefined {
  try {
    const key = clientKey?.(request);
    if (isThenable(key)) disregard(key);
    return typeof key === 'string' && key !== '' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Without a request there is nothing that a binding could be compared with. */
function withoutRequest(): void {}

/**
 * Creates a resource server for any Node program.
 *
 * @throws {ConfigurationError} with every problem of the options at once
 * @example
 * const server = createResourceServer({ issuer: 'https://auth.example.com', audience: 'https://api.example.com', verification: 'local' });
 * const principal = await server.authenticate(request, { scopes: ['read'] });
 */
export function createResourceServer(options: ResourceServerOptions): ResourceServer {
  const server = new ResourceServerEngine(options);
  server.warmUp();
  return server;
}
