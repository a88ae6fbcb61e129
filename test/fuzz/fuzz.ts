import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRandom, type Random } from '../differential/random.js';
import { AUDIENCE, json } from '../support/authorization-server.js';
import { startLoopbackServer } from '../support/loopback-server.js';
import type { Adapter } from '../support/resource-server.js';
import { Child, type Period } from './child.js';
import { Pipeline, sendAlone, type Answer } from './connection.js';
import { hostileToken } from './hostile-tokens.js';
import type { Profile } from './oracle.js';
import { createRequest, type FuzzRequest } from './requests.js';
import { createKeys, createKnownTokens, type FuzzToken, type KnownTokens, type TokenKeys } from './tokens.js';

export interface FuzzOptions {
  adapters: readonly Adapter[];
  /** Of all adapters together. */
  requests: number;
  seed: number;
  /** Whether costs are judged: 5 ms of CPU and a pause of 20 ms, by the least of three tries alone. */
  isTimed: boolean;
  onProgress?(report: FuzzReport): void;
}

export interface FuzzReport {
  requests: number;
  /** By the application's own count. */
  reachedGuard: number;
  statuses: Map<number, number>;
  /** Good requests that were let in. */
  rightAccepts: number;
  wrongAccepts: string[];
  wrongRefusals: string[];
  /** Whole requests without an answer, and answers that no rule allows. */
  faults: string[];
  crashes: string[];
  unhandled: string[];
  retried: number;
  slow: string[];
  slowest: { cpuMs: number; what: string };
}

const CPU_LIMIT_MS = 5;
const PAUSE_LIMIT_MS = 20;
const PROFILES: readonly Profile[] = ['default', 'open'];

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const report: FuzzReport = {
    requests: 0,
    reachedGuard: 0,
    statuses: new Map(),
    rightAccepts: 0,
    wrongAccepts: [],
    wrongRefusals: [],
    faults: [],
    crashes: [],
    unhandled: [],
    retried: 0,
    slow: [],
    slowest: { cpuMs: 0, what: 'none' },
  };
  let known: KnownTokens | undefined;
  const server = await startLoopbackServer({ handler: (request, response) => introspect(request, response, known?.active) });
  try {
    const keys = await createKeys(server.origin);
    const tokens = createKnownTokens(keys, createRandom(options.seed));
    known = tokens;
    const share = Math.ceil(options.requests / options.adapters.length);
    await Promise.all(
      options.adapters.map(async (adapter, index) => {
        const run = new Run(adapter, createRandom(options.seed + index), tokens, keys, options, report);
        await run.start(`${server.origin}/introspect`, share);
      }),
    );
  } finally {
    await server.close();
  }
  return report;
}

/** Answers about good tokens; about the others as authorization servers do, the bad ones among them. */
function introspect(request: IncomingMessage, response: ServerResponse, active: ReadonlyMap<string, string> | undefined): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const token = new URLSearchParams(Buffer.concat(chunks).toString()).get('token') ?? '';
    const sub = active?.get(token);
    const base = { active: true, token_type: 'Bearer', client_id: 'c1', scope: 'read', exp: Math.floor(Date.now() / 1000) + 600 };
    if (sub !== undefined) json(response, { ...base, aud: AUDIENCE, sub });
    else if (token.length % 16 === 1) json(response, '{"active":tru');
    else if (token.length % 16 === 2) json(response, { error: 'server_error' }, 500);
    else if (token.length % 16 === 3) json(response, { ...base, aud: 'https://other.example', sub: 'foreign' });
    else json(response, { active: false });
  });
}

class Run {
  readonly #child = new Child();
  readonly #recent = new Map<string, { request: FuzzRequest; port: number }>();
  #created = 0;
  #replayed = 0;
  #reachedBefore = 0;

  constructor(
    private readonly adapter: Adapter,
    private readonly random: Random,
    private readonly tokens: KnownTokens,
    private readonly keys: TokenKeys,
    private readonly options: FuzzOptions,
    private readonly report: FuzzReport,
  ) {}

  async start(introspectionEndpoint: string, share: number): Promise<void> {
    const { report } = this;
    try {
      const ports = await this.#child.start(this.adapter, profilesOf(this.keys, introspectionEndpoint));
      const pipelines = PROFILES.map((profile) => [0, 1, 2].map(() => new Pipeline(ports[profile] ?? 0)));
      for (let sent = 0, rounds = 1; sent < share; rounds += 1) {
        const index = this.random.integer(PROFILES.length);
        sent += await this.#round(PROFILES[index] ?? 'default', ports[PROFILES[index] ?? 'default'] ?? 0, pipelines[index] ?? []);
        if (rounds % 50 === 0 || sent >= share) await this.#settle();
      }
      for (const pipeline of pipelines.flat()) pipeline.close();
    } catch (error) {
      report.crashes.push(`${this.adapter}: ${String(error)}`);
    } finally {
      this.#child.stop();
    }
  }

  /** Some requests at once: plain ones behind one another on kept connections, the others alone. */
  async #round(profile: Profile, port: number, pipelines: readonly Pipeline[]): Promise<number> {
    const { random } = this;
    // The cost of many at once could not be told apart.
    const most = this.options.isTimed ? 4 : 32;
    const requests = Array.from({ length: 1 + random.integer(most) }, () => this.#create(profile, port));
    const lanes = new Map<Pipeline, FuzzRequest[]>();
    for (const request of requests.filter(({ isPlain }) => isPlain)) {
      const pipeline = random.pick(pipelines);
      lanes.set(pipeline, [...(lanes.get(pipeline) ?? []), request]);
    }
    const work = [...lanes].map(async ([pipeline, lane]) => {
      const answers = await pipeline.send(lane);
      for (const [index, request] of lane.entries()) this.#judge(request, profile, answers.slice(index, index + 1));
    });
    const alone = requests
      .filter(({ isPlain }) => !isPlain)
      .map(async (request) => this.#judge(request, profile, await sendAlone(port, request.bytes)));
    await Promise.all([...work, ...alone]);
    this.report.requests += requests.length;
    return requests.length;
  }

  #create(profile: Profile, port: number): FuzzRequest {
    const { random, tokens } = this;
    const id = String((this.#created += 1)).padStart(10, '0');
    const good = random.pick(tokens.good);
    const makers: (() => FuzzToken)[] = [() => random.pick(tokens.good), () => random.pick(tokens.bad)];
    const token = random.integer(5) < 2 ? random.pick(makers)() : hostileToken(random, this.keys);
    const request = createRequest(random, profile, token, good, id);
    this.#recent.set(id, { request, port });
    return request;
  }

  #judge({ allowed, isGood, isPlain, what, bytes }: FuzzRequest, profile: Profile, answers: readonly Answer[]): void {
    const { statuses, wrongAccepts, wrongRefusals, faults } = this.report;
    const shown = (): string =>
      `${this.adapter}, ${profile}, ${what}: ${JSON.stringify(bytes.toString('latin1').slice(0, 1500))}`;
    if (isPlain && answers.length === 0) faults.push(`no answer to ${shown()}`);
    for (const { status, subject } of answers) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const isAccepted = status >= 200 && status < 300;
      if (isAccepted && !allowed.has(subject ?? '')) wrongAccepts.push(`${status} for ${String(subject)}: ${shown()}`);
      if (isAccepted && isGood) this.report.rightAccepts += 1;
      if (!isAccepted && isGood) wrongRefusals.push(`${status} to ${shown()}`);
      if (!isAccepted && status !== 503 && !(status >= 400 && status < 500)) faults.push(`${status} to ${shown()}`);
    }
  }

  /** Asks the application what it saw, and has suspects tried alone. */
  async #settle(): Promise<void> {
    const { report } = this;
    const { reached, slowestMs, unhandled, suspects } = await this.#child.counts();
    report.reachedGuard += reached - this.#reachedBefore - this.#replayed;
    this.#reachedBefore = reached;
    this.#replayed = 0;
    report.unhandled.splice(0, report.unhandled.length, ...new Set([...report.unhandled, ...unhandled]));
    if (slowestMs > report.slowest.cpuMs) report.slowest = { cpuMs: slowestMs, what: 'a request that was alone' };
    if (this.options.isTimed) for (const id of suspects.flatMap(({ ids }) => ids)) await this.#retry(id);
    this.#recent.clear();
    this.options.onProgress?.(report);
  }

  /** A request is slow when it is so three times, with nobody else there. */
  async #retry(id: string): Promise<void> {
    const found = this.#recent.get(id);
    if (found === undefined) return;
    this.report.retried += 1;
    const { request, port } = found;
    let least: Period = { ids: [id], cpuMs: Number.POSITIVE_INFINITY, pauseMs: Number.POSITIVE_INFINITY };
    for (let tries = 0; tries < 3 && (least.cpuMs > CPU_LIMIT_MS / 2 || least.pauseMs > PAUSE_LIMIT_MS); tries += 1) {
      await this.#child.cost();
      await sendAlone(port, request.bytes);
      const cost = await this.#child.cost();
      this.#replayed += cost?.ids.length ?? 0;
      least = {
        ids: [id],
        cpuMs: Math.min(least.cpuMs, cost?.cpuMs ?? 0),
        pauseMs: Math.min(least.pauseMs, cost?.pauseMs ?? 0),
      };
    }
    if (least.cpuMs > this.report.slowest.cpuMs) this.report.slowest = { cpuMs: least.cpuMs, what: request.what };
    if (least.cpuMs > CPU_LIMIT_MS || least.pauseMs > PAUSE_LIMIT_MS) {
      const { cpuMs, pauseMs } = least;
      this.report.slow.push(`${cpuMs.toFixed(1)} ms of CPU, ${pauseMs.toFixed(1)} ms of pause: ${this.adapter}, ${request.what}`);
    }
  }
}

function profilesOf(keys: TokenKeys, introspectionEndpoint: string): Record<Profile, Record<string, unknown>> {
  const shared = {
    issuer: keys.issuer,
    audience: AUDIENCE,
    allowInsecureHttp: true,
    discovery: false,
    introspectionEndpoint,
    clientAuthentication: { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'rs1-secret-value' },
    // A busy machine is no outage.
    http: { timeoutMs: 20_000, breaker: { failures: 1000 } },
  };
  const decryption = { ...keys.encryption.privateKey.export({ format: 'jwk' }), kid: 'enc', alg: 'RSA-OAEP-256', use: 'enc' };
  return {
    default: { ...shared, verification: 'remote' },
    open: {
      ...shared,
      verification: 'hybrid',
      jwks: { keys: [keys.ec.jwk, keys.rsa.jwk] },
      tokenTypes: ['at+jwt', 'JWT', null],
      claims: { scopes: ['scope', 'scp'], roles: ['roles', ['realm_access', 'roles']] },
      extract: { query: true, formBody: true },
      decryptionKeys: [decryption],
      encryptedTokens: 'allowed',
      cache: { ttlMs: 60_000, inactiveTtlMs: 60_000, maxEntries: 1000, maxInactiveEntries: 1000 },
    },
  };
}
