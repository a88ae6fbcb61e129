import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answer, startRawUpstream, type RawUpstream } from '../support/raw-upstream.js';
import { describeRemembering } from '../support/remembering.js';

describe('A breaker is one issuer’s and one endpoint’s', () => {
  const fixture = describeRemembering();
  const times = async (number: number, work: () => Promise<unknown>): Promise<void> => {
    for (let done = 0; done < number; done += 1) await work();
  };
  let upstream: RawUpstream;
  beforeAll(async () => {
    upstream = await startRawUpstream(answer(503));
  });
  afterAll(() => upstream.close());

  it('IERR-06 IERR-07 that of introspection leaves the keys alone', async () => {
    const { as } = fixture;
    const { judge, eventsOf } = fixture.open({ verification: 'hybrid', http: { retries: 0 } });
    as.replace('introspection', (_request, response) => response.writeHead(503).end());
    await times(5, () => judge(as.token()));
    expect(eventsOf('breaker.opened')).toMatchObject([{ issuer: as.issuer, endpoint: 'introspection' }]);
    expect(await judge(as.token())).toMatchObject({ status: 503, asked: 0 });
    expect(await judge(await as.sign())).toMatchObject({ status: 200 });
  });

  it('IERR-06 IERR-07 that of one issuer leaves the other alone', async () => {
    const { as } = fixture;
    const common = { audience: null, discovery: false, verification: 'remote' };
    const clientAuthentication = { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'rs1-secret-value' };
    const { server, eventsOf } = fixture.open({
      ...Object.fromEntries(
        'issuer clientAuthentication introspectionEndpoint jwksUri audience'.split(' ').map((name) => [name, undefined]),
      ),
      issuers: [
        { ...common, clientAuthentication, issuer: upstream.origin, introspectionEndpoint: `${upstream.origin}/introspect` },
        { ...common, clientAuthentication, issuer: as.issuer, introspectionEndpoint: as.introspectionEndpoint },
      ],
      issuerFor: 'in-order',
    });
    const at = (issuer: string) => server.introspect(as.token(), { issuer }).catch((error: { status: number }) => error.status);
    await times(6, () => at(upstream.origin));
    expect(eventsOf('breaker.opened')).toMatchObject([{ issuer: upstream.origin }]);
    expect(await at(upstream.origin)).toBe(503);
    for (let round = 0; round < 10; round += 1) expect(await at(as.issuer)).toMatchObject({ active: true });
  });
});
