import { IntrospectionService } from 'nestjs-introspection';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json } from '../support/authorization-server.js';
import { holdAnswers } from '../support/remembering.js';
import { ADAPTERS, type ResourceServer } from '../support/resource-server.js';
import { CLAIM, UPSTREAM, watchSecrets, type Secrecy } from '../support/secrecy.js';
import { SECRET } from '../support/witness.js';
import { until } from '../support/until.js';

describe.each(ADAPTERS)('T120 BEARER-25 trouble tells nothing (%s)', (adapter) => {
  let secrecy: Secrecy;
  beforeEach(async () => {
    secrecy = await watchSecrets(adapter);
  });
  afterEach(() => secrecy.close());

  const open = (options: Record<string, unknown> = {}): Promise<ResourceServer> =>
    secrecy.open({ discovery: false, introspectionEndpoint: secrecy.as.introspectionEndpoint, ...options });
  const types = (): Set<string> => new Set(secrecy.seen.events.map(({ type }) => type));
  const serviceOf = (rs: ResourceServer): IntrospectionService => rs.app.get(IntrospectionService);
  const lookAtHealth = (rs: ResourceServer): void => secrecy.look('health', serviceOf(rs).health());

  it('when the breaker opens, and when it closes again', async () => {
    const rs = await open({ http: { breaker: { failures: 2, openMs: 1 } } });
    const token = secrecy.token();
    await secrecy.as.stop();
    for (let attempt = 0; attempt < 4; attempt += 1) expect(await secrecy.present(rs, '/any', token)).toBe(503);
    lookAtHealth(rs);
    await secrecy.as.restart();
    await until('the breaker lets a call through', async () => (await secrecy.present(rs, '/any', token)) === 200);
    lookAtHealth(rs);
    expect(types()).toContain('breaker.opened');
    expect(types()).toContain('breaker.closed');
    secrecy.expectSilence('answer 503', 'answer 200', 'health (JSON)', 'exception', 'log of 0');
  });

  it('when no more calls fit into the queue', async () => {
    const rs = await open({ http: { maxConcurrent: 1, maxQueued: 0 } });
    const [held, refused] = [secrecy.token(), secrecy.token()];
    const { arrived, release } = holdAnswers(secrecy.as, held);
    const first = secrecy.present(rs, '/any', held);
    await arrived;
    expect(await secrecy.present(rs, '/any', refused)).toBe(503);
    release({ active: true, ...secrecy.as.claims({ sub: CLAIM }) });
    expect(await first).toBe(200);
    secrecy.expectSilence('answer 503', 'exception');
  });

  it('when a client presents too many unknown tokens, and is called by a secret', async () => {
    const clientKey = (request: unknown): string => (request as { headers: Record<string, string> }).headers['x-key'] ?? '';
    const rs = await open({ unknownTokens: { perClient: 2, windowMs: 60_000, clientKey } });
    const tokens = Array.from({ length: 4 }, (_, index) => secrecy.hide('an unknown token', `unknown-${index}-${CLAIM}`));
    const statuses: number[] = [];
    for (const token of tokens) statuses.push(await secrecy.present(rs, '/any', token));
    expect(statuses).toEqual([401, 401, 429, 429]);
    expect(types()).toContain('anomaly.invalid_tokens');
    secrecy.expectSilence('answer 401', 'answer 429', 'events', 'log of 0');
  });

  it('when our credentials are refused, by every method', async () => {
    const bearer = secrecy.hide('our own token', `bearer-${UPSTREAM}`);
    const methods = [
      { method: 'client_secret_basic', clientId: 'rs1', clientSecret: SECRET },
      { method: 'client_secret_post', clientId: 'rs1', clientSecret: () => SECRET },
      { method: 'client_secret_jwt', clientId: 'rs1', clientSecret: SECRET },
      { method: 'bearer', token: () => bearer },
    ];
    secrecy.as.replace('introspection', (_request, response, body) =>
      json(response, { error: 'invalid_client', error_description: `${body} ${SECRET} ${bearer}` }, 401),
    );
    for (const clientAuthentication of methods) {
      const rs = await open({ clientAuthentication });
      expect(await secrecy.present(rs, '/any', secrecy.token())).toBe(503);
      lookAtHealth(rs);
    }
    expect(types()).toContain('verification.client_rejected');
    // What was sent is an exchange with the authorization server: only what comes out here is searched.
    for (const { form } of secrecy.as.introspectionRequests()) {
      const assertion = form.get('client_assertion');
      if (assertion !== null) secrecy.hide('an assertion', assertion);
    }
    secrecy.expectSilence('answer 503', 'log of 0', 'exception', 'health');
  });

  it('when @Introspect asks about JWTs and the answer is any', async () => {
    const { as } = secrecy;
    const rs = await secrecy.open({ verification: 'hybrid' });
    const answers: [status: number, body: unknown, expected: number][] = [
      [200, { active: true, ...as.claims({ sub: CLAIM }) }, 200],
      [200, { active: true, ...as.claims({ sub: `other-${CLAIM}` }) }, 401],
      [200, { active: false, sub: CLAIM, reason: UPSTREAM }, 401],
      [200, { active: true, ...as.claims({ sub: CLAIM, client_id: { [CLAIM]: UPSTREAM } }) }, 503],
      [500, { error: UPSTREAM }, 503],
      [401, { error: 'invalid_client', error_description: CLAIM }, 503],
      [400, { error: 'unsupported_token_type', error_description: CLAIM }, 401],
    ];
    for (const [status, body, expected] of answers) {
      const jwt = secrecy.hide('a JWT', await as.sign({ sub: CLAIM }));
      as.answer(jwt, (_request, response) => json(response, body, status));
      expect([body, await secrecy.present(rs, '/fresh', jwt)]).toEqual([body, expected]);
    }
    secrecy.expectSilence('answer 200', 'answer 401', 'answer 503', 'exception');
  });

  it('when the provider is asked about tokens of every kind', async () => {
    const { as } = secrecy;
    const rs = await secrecy.open({ verification: 'hybrid' });
    const service = serviceOf(rs);
    const broken = secrecy.hide('a broken answer', `opaque-${UPSTREAM}`);
    as.answer(broken, (_request, response) => json(response, { active: UPSTREAM }));
    await expect(service.introspect(secrecy.token())).resolves.toMatchObject({ active: true, sub: CLAIM });
    await expect(service.introspect(secrecy.hide('no token', `not a token ${UPSTREAM}`))).resolves.toEqual({ active: false });
    const failures = [
      service.introspect(broken),
      service.introspect(secrecy.token(), { issuer: `https://${CLAIM}.example` }),
      service.introspect(secrecy.token(), { [CLAIM]: 1 }),
      service.introspect(secrecy.token(), { maxAgeMs: UPSTREAM as never }),
      service.introspect({ token: CLAIM } as never),
      service.authenticate({ method: 'GET', url: `/${CLAIM}`, headers: { authorization: `Bearer ${broken}` } }),
      service.authenticate({ method: 'GET', url: '/', headers: { authorization: `Bearer ${CLAIM} ${UPSTREAM}` } }),
    ];
    const outcomes = await Promise.allSettled(failures);
    expect(outcomes.map(({ status }) => status)).toEqual(failures.map(() => 'rejected'));
    // A misspelt option is repeated, as it is the programmer's own text.
    for (const [index, outcome] of outcomes.entries()) if (index !== 2) secrecy.look('what the provider throws', outcome);
    secrecy.expectSilence('what the provider throws', 'log of 0');
  });
});
