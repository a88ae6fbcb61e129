import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { IssuerOptions } from 'nestjs-introspection';
import { AUDIENCE } from '../support/authorization-server.js';
import { expect503 } from '../support/expectations.js';
import { ecKey, signer, type TestKey } from '../support/keys.js';
import { closedPort } from '../support/loopback-server.js';
import type { Adapter } from '../support/resource-server.js';
import { compact } from '../support/tokens.js';
import type { TestCertificates } from './test-certificates.js';
import { TIMEOUT_MS, type Application, type Served } from './application.js';
import { INTROSPECTION_JWT, KEY, UPSTREAM_TEXT, type Fault } from './faults.js';
import {
  endpointOf,
  formatResponse,
  JSON_TYPE,
  MisbehavingServer,
  type Arrived,
  type Endpoint,
  type Said,
} from './misbehaving-server.js';

export type State = 'cold' | 'warm cache' | 'breaker open';

export interface CellName {
  readonly fault: Fault;
  readonly endpoint: Endpoint;
  readonly state: State;
  readonly adapter: Adapter;
}

/** What a busy machine may add to the deadline. */
const SLACK_MS = 1000;
/** A name that cannot be looked up: a label has 63 characters at most. */
const NO_SUCH_HOST = `${'x'.repeat(64)}.invalid`;
/** Published by a server when it has recovered. */
export const NEW_KEY = ecKey('P-256', 'published-later');

export const tally = { requests: 0, wrongAccepts: 0 };

export interface Expected {
  /** Requests that may reach the broken endpoint. */
  readonly calls?: number | readonly [least: number, most: number];
}

/** One fault at one endpoint of one issuer, in one application. */
export class Cell {
  readonly name: CellName;
  readonly issuer: string;
  readonly #server: MisbehavingServer;
  readonly #application: Application;
  readonly #revoked = new Set<string>();
  #isRecovered = false;

  private constructor(name: CellName, server: MisbehavingServer, application: Application, issuer: string) {
    this.name = name;
    this.issuer = issuer;
    this.#server = server;
    this.#application = application;
    server.say = (request) => this.#say(request);
    application.issuers.set(issuer, this.#options());
  }

  static async start(name: CellName, application: Application, certificates: TestCertificates): Promise<Cell> {
    const { misbehaviour } = name.fault;
    const server = await MisbehavingServer.start(misbehaviour === 'untrusted certificate' ? certificates : undefined);
    const isNowhere = misbehaviour === 'no such host';
    const issuer = isNowhere ? `http://${NO_SUCH_HOST}:${await closedPort()}/${randomBytes(8).toString('hex')}` : server.origin;
    return new Cell(name, server, application, issuer);
  }

  /** The endpoint breaks. */
  async break(): Promise<void> {
    const { misbehaviour } = this.name.fault;
    if (misbehaviour === 'refused') await this.#server.refuseConnections();
    else if (misbehaviour === 'untrusted certificate') this.#server.loseTrust();
    else if (misbehaviour !== 'no such host') this.#server.break(this.name.endpoint, misbehaviour);
  }

  /** The endpoint says 503, which counts for the breaker. */
  fail(): void {
    this.#server.break(this.name.endpoint, (socket) => socket.write(formatResponse(503, '{}', JSON_TYPE)));
  }

  async recover(): Promise<void> {
    this.#isRecovered = true;
    await this.#server.recover();
  }

  /** The authorization server calls a token inactive from now on. */
  revoke(token: string): void {
    this.#revoked.add(token);
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** An opaque token that every well server calls active. */
  opaque(): string {
    return `good-${randomBytes(12).toString('hex')}`;
  }

  jwt(key: TestKey = KEY): string {
    const iat = this.#application.clock.seconds();
    const claims = { ...this.#claims(), iat, exp: iat + 20_000, jti: randomBytes(8).toString('hex') };
    return compact({ alg: 'ES256', typ: 'at+jwt', kid: key.kid }, claims, signer('ES256', key.privateKey));
  }

  /** Whether the breaker of the endpoint has opened. */
  get hasOpened(): boolean {
    return this.#application.events.some(({ type, issuer }) => type === 'breaker.opened' && issuer === this.issuer);
  }

  /** A remembered answer or a held key serves; or the server does. */
  async expectServed(token: string, { calls }: Expected = {}): Promise<void> {
    const { answer, asked, ran } = await this.#ask(token);
    expect(`${answer.status} ${answer.body}`).toBe(`200 ${JSON.stringify({ for: 'u1', of: this.issuer })}`);
    expect(answer.all('WWW-Authenticate')).toEqual([]);
    expect(ran, 'handlers that ran').toBe(1);
    this.#expectCalls(asked, calls);
  }

  /** 503, in time, and nothing of what the server said. Returns the seconds of `Retry-After`. */
  async expectUnavailable(token: string, { calls = this.#callsOfOneRequest() }: Expected = {}): Promise<number> {
    const { answer, elapsedMs, asked, ran } = await this.#ask(token);
    if (answer.status === 200) tally.wrongAccepts += 1;
    const retryAfter = expect503(answer);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect(ran, 'handlers that ran').toBe(0);
    expect(JSON.stringify([answer.headers, answer.body])).not.toContain(UPSTREAM_TEXT);
    expect(elapsedMs, 'milliseconds').toBeLessThan(TIMEOUT_MS + SLACK_MS);
    this.#expectCalls(asked, calls);
    return retryAfter;
  }

  /** What api.md §3.5 allows for this fault. */
  #callsOfOneRequest(): readonly [number, number] {
    const { misbehaviour, isRetried = false } = this.name.fault;
    if (typeof misbehaviour === 'string') return [0, 0];
    return [1, isRetried ? 2 : 1];
  }

  #expectCalls(asked: number, calls: Expected['calls']): void {
    expect(this.#server.strayed, 'requests to where a redirect points').toBe(0);
    if (calls === undefined) return;
    const [least, most] = typeof calls === 'number' ? [calls, calls] : calls;
    expect(asked, 'calls').toBeGreaterThanOrEqual(least);
    expect(asked, 'calls').toBeLessThanOrEqual(most);
  }

  async #ask(token: string): Promise<Served & { asked: number; ran: number }> {
    const before = this.#server.requestsTo(this.name.endpoint);
    const ranBefore = this.#application.handled(this.issuer);
    const { answer, elapsedMs } = await this.#application.get(this.issuer, token);
    tally.requests += 1;
    const ran = this.#application.handled(this.issuer) - ranBefore;
    return { answer, elapsedMs, asked: this.#server.requestsTo(this.name.endpoint) - before, ran };
  }

  #claims(): Record<string, unknown> {
    return { iss: this.issuer, aud: AUDIENCE, sub: 'u1', client_id: 'c1', scope: 'read' };
  }

  #options(): IssuerOptions {
    const { endpoint, fault } = this.name;
    const clientAuthentication = { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'rs1-secret-value' } as const;
    const common = { issuer: this.issuer, audience: AUDIENCE };
    const [introspectionEndpoint, jwksUri] = [`${this.issuer}/introspect`, `${this.issuer}/jwks`];
    if (endpoint === 'discovery') return { ...common, verification: 'hybrid', clientAuthentication };
    if (endpoint === 'key set')
      return { ...common, verification: 'local', discovery: false, jwksUri, keySet: { cooldownSeconds: 1 } };
    const asking = { ...common, verification: 'remote', discovery: false, introspectionEndpoint, clientAuthentication } as const;
    return fault.isSigned ? { ...asking, jwksUri, introspectionResponse: { type: 'jwt', algorithms: ['ES256'] } } : asking;
  }

  #say({ path, body }: Arrived): Said | undefined {
    const { issuer } = this;
    switch (endpointOf(path)) {
      case 'discovery': {
        const metadata = { issuer, introspection_endpoint: `${issuer}/introspect`, jwks_uri: `${issuer}/jwks` };
        return { body: JSON.stringify(metadata), contentType: JSON_TYPE };
      }
      case 'key set': {
        const keys = [KEY, ...(this.#isRecovered ? [NEW_KEY] : [])].map(({ jwk }) => ({ ...jwk, alg: 'ES256' }));
        return { body: JSON.stringify({ keys }), contentType: JSON_TYPE };
      }
      case 'introspection':
        return this.#response(new URLSearchParams(body).get('token') ?? '');
      default:
        return undefined;
    }
  }

  #response(token: string): Said {
    const iat = this.#application.clock.seconds();
    const active = { active: true, token_type: 'Bearer', ...this.#claims(), exp: iat + 20_000 };
    const response = token.startsWith('good-') && !this.#revoked.has(token) ? active : { active: false };
    if (!this.name.fault.isSigned) return { body: JSON.stringify(response), contentType: JSON_TYPE };
    const claims = { iss: this.issuer, aud: 'rs1', iat, token_introspection: response };
    const header = { alg: 'ES256', typ: 'token-introspection+jwt', kid: KEY.kid };
    return { body: compact(header, claims, signer('ES256', KEY.privateKey)), contentType: INTROSPECTION_JWT };
  }
}
