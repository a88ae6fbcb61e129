import type { ClientAuthentication, IntrospectionModuleOptions } from 'nestjs-introspection';
import { secretFromFile } from 'nestjs-introspection';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { certificateAuthority, selfIssued } from '../../support/certificates.js';
import { wrongOptions, changed } from '../../support/configuration.js';
import { expect200, expect503 } from '../../support/expectations.js';
import { ADAPTERS, type ResourceServer } from '../../support/resource-server.js';
import {
  startResourceServerFor,
  startTlsAuthorizationServer,
  type TlsAuthorizationServer,
} from '../../support/tls-authorization-server.js';

type Options = Partial<IntrospectionModuleOptions>;
type MutualTls = Extract<ClientAuthentication, { method: 'tls_client_auth' | 'self_signed_tls_client_auth' }>;

const authority = certificateAuthority();
const clients = certificateAuthority('Authority of the clients');
const serverCertificate = authority.issue({ commonName: 'as', dns: ['localhost'], addresses: ['127.0.0.1'] });
const own = clients.issue({ commonName: 'rs1' });
const renewed = clients.issue({ commonName: 'rs1' });
const selfSigned = selfIssued({ commonName: 'rs1' });
const stranger = certificateAuthority('Nobody').issue({ commonName: 'rs1' });

let strict: TlsAuthorizationServer;
let alias: TlsAuthorizationServer;
let metadata: Record<string, unknown>;

beforeAll(async () => {
  const common = { certificate: serverCertificate, clientAuthorities: [clients.cert] };
  strict = await startTlsAuthorizationServer({ ...common, clientCertificate: 'any' });
  alias = await startTlsAuthorizationServer({ ...common, clientCertificate: 'required', host: 'localhost' });
  alias.answer = strict.answer;
  ({ metadata } = strict);
});
afterAll(() => Promise.all([strict.close(), alias.close()]));
beforeEach(() => {
  strict.metadata = metadata;
  strict.requests.length = 0;
  alias.requests.length = 0;
});

const mutual = (overrides: Partial<MutualTls> = {}): Options => ({
  clientAuthentication: { method: 'tls_client_auth', clientId: 'rs1', certificate: own.cert, key: own.key, ...overrides },
});
const withAlias = (endpoint: string = `${alias.origin}/introspect`): void => {
  strict.metadata = { ...metadata, mtls_endpoint_aliases: { introspection_endpoint: endpoint } };
};

async function using(
  options: Options,
  run: (rs: ResourceServer) => Promise<void>,
  adapter: (typeof ADAPTERS)[number] = 'express',
) {
  const trusting: Options = { http: { ca: authority.cert, timeoutMs: 1000 } };
  const rs = await startResourceServerFor(
    adapter,
    {
      issuer: strict.origin,
      get introspections() {
        return strict.introspections + alias.introspections;
      },
      keySetFetches: 0,
    },
    { ...trusting, ...options },
  );
  try {
    await run(rs);
  } finally {
    await rs.close();
  }
}

describe.each(ADAPTERS)('Mutual TLS at the introspection endpoint (%s)', (adapter) => {
  it.each([
    ['tls_client_auth', own],
    ['self_signed_tls_client_auth', selfSigned],
  ] as const)(
    'CAUTH-05 CAUTH-03 CAUTH-11 BCP-08 %s presents the certificate and sends client_id, and no secret',
    async (method, { cert, key, fingerprint }) => {
      await using(
        mutual({ method, certificate: cert, key }),
        async (rs) => {
          expect200(await rs.get('/r', 'Bearer some-client-token'));
          const [request, ...others] = strict.introspectionRequests();
          expect(others).toEqual([]);
          expect(request?.peer).toBe(fingerprint);
          expect(Object.fromEntries(request?.form ?? [])).toEqual({
            token: 'some-client-token',
            token_type_hint: 'access_token',
            client_id: 'rs1',
          });
          expect(request?.authorization).toBeUndefined();
          expect(rs.logs.join('\n')).not.toContain(key.split('\n')[1]);
        },
        adapter,
      );
    },
  );

  it('CAUTH-06 the alias of the metadata is called, and only it', async () => {
    withAlias();
    await using(
      mutual(),
      async (rs) => {
        expect200(await rs.get('/r', 'Bearer some-client-token'));
        expect(alias.introspectionRequests().map(({ peer }) => peer)).toEqual([own.fingerprint]);
        expect(strict.introspections).toBe(0);
      },
      adapter,
    );
  });
});

describe('Aliases for mutual TLS', () => {
  it('CAUTH-06 without an alias for introspection the normal endpoint is called', async () => {
    for (const aliases of [undefined, {}, { token_endpoint: `${alias.origin}/token` }]) {
      strict.metadata = { ...metadata, mtls_endpoint_aliases: aliases };
      strict.requests.length = 0;
      await using(mutual(), async (rs) => {
        expect200(await rs.get('/r', 'Bearer some-client-token'));
        expect(strict.introspections).toBe(1);
      });
    }
    expect(alias.requests).toEqual([]);
  });

  it('CAUTH-06 with another method the alias is not for us', async () => {
    withAlias();
    await using({}, async (rs) => {
      expect200(await rs.get('/r', 'Bearer some-client-token'));
      expect([strict.introspections, alias.requests.length]).toEqual([1, 0]);
      expect(strict.introspectionRequests()[0]?.peer).toBeUndefined();
    });
  });

  it('CAUTH-06 META-08 an explicit endpoint wins', async () => {
    withAlias();
    await using({ ...mutual(), introspectionEndpoint: `${strict.origin}/introspect` }, async (rs) => {
      expect200(await rs.get('/r', 'Bearer some-client-token'));
      expect([strict.introspections, alias.requests.length]).toEqual([1, 0]);
    });
  });

  it('CAUTH-06 META-08 META-11 an http: endpoint in a document over https is not used', async () => {
    withAlias(alias.origin.replace('https:', 'http:'));
    await using(mutual(), async (rs) => {
      expect503(await rs.get('/r', 'Bearer some-client-token'));
      expect(strict.introspections + alias.introspections).toBe(0);
    });
  });
});

describe('Client certificates, renewed and refused', () => {
  it('CAUTH-05 T123 functions are asked before each call, so that a certificate is renewed without a restart', async () => {
    let current = own;
    const certificate = (): string => current.cert;
    const key = async (): Promise<string> => Promise.resolve(current.key);
    withAlias();
    await using(mutual({ certificate, key }), async (rs) => {
      const order = [own, own, renewed, renewed, own];
      for (const next of order) {
        current = next;
        expect200(await rs.get('/r', 'Bearer some-client-token'));
      }
      expect(alias.introspectionRequests().map(({ peer }) => peer)).toEqual(order.map(({ fingerprint }) => fingerprint));
    });
  });

  it('CAUTH-05 T123 certificate and key in files', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mutual-tls-'));
    const [certificate, key] = [join(directory, 'tls.crt'), join(directory, 'tls.key')] as const;
    try {
      await using(mutual({ certificate: secretFromFile(certificate), key: secretFromFile(key) }), async (rs) => {
        expect503(await rs.get('/r', 'Bearer some-client-token'));
        for (const next of [own, renewed]) {
          writeFileSync(certificate, next.cert);
          writeFileSync(key, next.key);
          expect200(await rs.get('/r', 'Bearer some-client-token'));
          expect(strict.introspectionRequests().at(-1)?.peer).toBe(next.fingerprint);
        }
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('CAUTH-05 CAUTH-10 a certificate that the server does not trust: 503, the handler not reached', async () => {
    withAlias();
    await using(mutual({ certificate: stranger.cert, key: stranger.key }), async (rs) => {
      expect503(await rs.get('/r', 'Bearer some-client-token'));
      expect(alias.requests).toEqual([]);
      expect(rs.logs).not.toEqual([]);
      expect(rs.logs.join('\n')).not.toContain('some-client-token');
    });
  });

  it('CAUTH-05 the control: the server that wants a certificate refuses a client without one', async () => {
    await using({ introspectionEndpoint: `${alias.origin}/introspect` }, async (rs) => {
      expect503(await rs.get('/r', 'Bearer some-client-token'));
      expect(alias.requests).toEqual([]);
    });
  });

  it.each([
    ['a text that is no certificate', { certificate: () => 'not-a-certificate' }],
    ['a text that is no key', { key: () => 'not-a-key-but-secret' }],
    ['a key of another certificate', { key: () => renewed.key }],
    [
      'a function that throws',
      {
        key: (): string => {
          throw new Error('secret-of-the-vault');
        },
      },
    ],
    ['a function that answers nothing', { certificate: (() => undefined) as unknown as () => string }],
  ])('CAUTH-05 T123 %s: 503, nothing asked, nothing told', async (_what, overrides) => {
    await using(mutual(overrides), async (rs) => {
      const answer = await rs.get('/r', 'Bearer some-client-token');
      expect503(answer);
      expect(strict.introspections).toBe(0);
      expect(rs.logs).not.toEqual([]);
      expect(rs.logs.join('\n')).not.toMatch(/secret-of-the-vault|not-a-key-but-secret|PRIVATE KEY/);
    });
  });

  it.each([
    ['a text that is no certificate', { certificate: 'not-a-certificate' }],
    ['a text that is no key', { key: 'not-a-key-but-secret' }],
    ['a key of another certificate', { key: renewed.key }],
    ['certificate and key exchanged', { certificate: own.key, key: own.cert }],
  ])('CAUTH-05 refused at start-up: %s', (_what, overrides) => {
    const clientAuthentication = { method: 'tls_client_auth', clientId: 'rs1', certificate: own.cert, key: own.key };
    expect(wrongOptions(changed({ clientAuthentication }))).toEqual([]);
    const wrong = wrongOptions(changed({ clientAuthentication: { ...clientAuthentication, ...overrides } }));
    expect(wrong.join()).toMatch(/^clientAuthentication/);
  });
});
