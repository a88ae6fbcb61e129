import { Process } from './processes/parent.mjs';
import { AUDIENCE } from './tokens/access-token.mjs';
import { generateSigningKeys, publicKeySet } from './tokens/signing-keys.mjs';

const program = (path) => new URL(path, import.meta.url);

/** Everything that runs: the authorization server, the load generator, and one API for each contestant. */
export class Bench {
  #processes = [];
  #nextToken = new Map();

  constructor(plan, progress) {
    this.plan = plan;
    this.progress = progress;
    this.keys = generateSigningKeys();
    this.foreignKeys = generateSigningKeys('foreign');
  }

  /** @param {import('./contestants/contestants.mjs').CONTESTANTS} contestants */
  async start(contestants) {
    this.authorizationServer = this.spawn('authorization server', './processes/authorization-server.mjs');
    this.endpoints = await this.authorizationServer.ask('start', publicKeySet(this.keys));
    this.load = this.spawn('load generator', './load/main.mjs');
    this.tokenSettings = { issuer: this.endpoints.issuer, audience: AUDIENCE, keys: this.keys, foreignKeys: this.foreignKeys };
    await this.load.ask('configure', this.tokenSettings);
    this.apis = await Promise.all(contestants.map((contestant) => this.#startApi(contestant)));
  }

  async #startApi(contestant) {
    const { name, module, adapter, variant } = contestant;
    const process = this.spawn(name, './api/main.mjs');
    const port = await process.ask('start', { module, adapter, variant, authorizationServer: this.endpoints });
    return { ...contestant, process, port };
  }

  /** @returns {Process} which ends with the bench */
  spawn(name, path, nodeOptions) {
    const started = new Process(name, program(path), nodeOptions);
    this.#processes.push(started);
    return started;
  }

  /** The floor that an API is compared with: the same adapter without a guard. */
  floorOf(api) {
    return this.apis.find(({ isFloor, adapter }) => isFloor && adapter === api.adapter);
  }

  /**
   * Sends load to one API.
   *
   * @param {{ port: number, process: Process, name: string }} api
   * @param {object} request as the load generator takes it
   * @param {(status: number) => boolean} [isExpected] any other answer is an error
   */
  async send(api, request, isExpected = (status) => status === 200) {
    const before = await api.process.ask('cpuMicroseconds');
    const { completed, seconds, statuses, busy } = await this.load.ask('run', {
      path: '/albums',
      connections: this.plan.connections,
      ...request,
      port: api.port,
    });
    const cpu = (await api.process.ask('cpuMicroseconds')) - before;
    if (!Object.keys(statuses).map(Number).every(isExpected)) {
      throw new Error(`${api.name} answered ${JSON.stringify(statuses)} to ${request.kind ?? 'no token'}`);
    }
    return { requestsPerSecond: completed / seconds, cpuMicroseconds: cpu / completed, loadGeneratorBusy: busy };
  }

  /** Sends tokens of a kind that this API has not seen, so many or for so long. */
  async sendUnseen(api, kind, requests, { milliseconds, isExpected } = {}) {
    const key = `${api.id} ${kind}`;
    const from = this.#nextToken.get(key) ?? 0;
    this.#nextToken.set(key, from + requests);
    await this.load.ask('prepareTokens', { kind, count: from + requests });
    return this.send(api, { kind, order: 'each', from, requests, milliseconds }, isExpected);
  }

  stop() {
    for (const started of this.#processes) started.stop();
  }
}
