import type { IntrospectionModuleOptions } from 'nestjs-introspection';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { certificateAuthority, selfIssued, type Certificate } from '../../support/certificates.js';
import { expect200, expect503 } from '../../support/expectations.js';
import { ADAPTERS, type Adapter, type Exchange, type ResourceServer } from '../../support/resource-server.js';
import { generateSigningKeys, type SigningKeys } from '../../support/signing-keys.js';
import { AUDIENCE } from '../../support/authorization-server.js';
import {
  startResourceServerFor,
  startTlsAuthorizationServer,
  type TlsAuthorizationServer,
} from '../../support/tls-authorization-server.js';

type Options = Partial<IntrospectionModuleOptions>;

const authority = certificateAuthority();
const address = { commonName: 'as', addresses: ['127.0.0.1'] };
const good = authority.issue(address);

/** Certificates that say too little, or that nobody vouches for. */
const impostors: [what: string, certificate: Certificate][] = [
  ['for another host', authority.issue({ commonName: 'as', dns: ['other.example.com'] })],
  ['for another address', authority.issue({ commonName: 'as', addresses: ['127.0.0.2'] })],
  ['whose common name alone is right', authority.issue({ commonName: '127.0.0.1' })],
  ['that has expired', authority.issue({ ...address, notAfter: '200102000000Z' })],
  ['of another authority', certificateAuthority('Another authority').issue(address)],
  ['of another authority with the same name', certificateAuthority().issue(address)],
  ['that vouches for itself', selfIssued(address)],
];

let trusted: TlsAuthorizationServer;
let metadata: Record<string, unknown>;
let keys: SigningKeys;

beforeAll(async () => {
  trusted = await startTlsAuthorizationServer({ certificate: good });
  ({ metadata } = trusted);
  keys = await generateSigningKeys();
  trusted.keySet = keys.publicKeySet();
});
afterAll(async () => {
  keys.release();
  await trusted.close();
});
beforeEach(() => {
  trusted.metadata = metadata;
  trusted.requests.length = 0;
});

const signed = (): Promise<string> => {
  const now = Math.floor(Date.now() / 1000);
  return keys.sign({
    iss: trusted.origin,
    aud: AUDIENCE,
    sub: 'u1',
    client_id: 'c1',
    scope: 'read',
    iat: now,
    exp: now + 300,
    jti: 'j',
  });
};

async function using(
  options: Options,
  run: (rs: ResourceServer) => Promise<void>,
  issuer = trusted.origin,
  adapter: Adapter = 'express',
) {
  const local = options.verification === 'local' ? ['clientAuthentication'] : [];
  const counted = { issuer, introspections: 0, keySetFetches: 0 };
  const rs = await startResourceServerFor(adapter, counted, { http: { ca: authority.cert }, ...options }, local);
  try {
    await run(rs);
  } finally {
    await rs.close();
  }
}

function expectNoTrust(answer: Exchange, rs: ResourceServer): void {
  expect503(answer);
  expect(rs.logs.join('\n')).toMatch(/certificate|CERT|VERIFY_/i);
  expect(rs.logs.join('\n')).not.toContain('some-client-token');
}

describe.each(ADAPTERS)('Servers that prove who they are (%s)', (adapter) => {
  it('INTRO-06 META-15 JWK-16 metadata, key set and introspection come from a server that http.ca vouches for', async () => {
    await using(
      { verification: 'hybrid' },
      async (rs) => {
        expect200(await rs.get('/r', 'Bearer some-client-token'));
        expect200(await rs.get('/r', `Bearer ${await signed()}`));
        expect(new Set(trusted.requests.map(({ path }) => path.replace(/^\/\.well-known.*/, 'metadata')))).toEqual(
          new Set(['metadata', '/introspect', '/jwks']),
        );
      },
      trusted.origin,
      adapter,
    );
  });
});

describe('Servers that do not prove who they are', () => {
  it('INTRO-06 T125 without http.ca nobody here vouches for it: 503, the handler not reached', async () => {
    await using({ http: {} }, async (rs) => {
      expectNoTrust(await rs.get('/r', 'Bearer some-client-token'), rs);
      expect(trusted.requests).toEqual([]);
    });
  });

  it('INTRO-06 a list of authorities: any of them vouches', async () => {
    await using({ http: { ca: [certificateAuthority('Another').cert, authority.cert] } }, async (rs) => {
      expect200(await rs.get('/r', 'Bearer some-client-token'));
    });
  });

  it.each(impostors)(
    'INTRO-06 T4 an introspection endpoint with a certificate %s: 503, the handler not reached',
    async (_what, certificate) => {
      const impostor = await startTlsAuthorizationServer({ certificate });
      try {
        trusted.metadata = { ...metadata, introspection_endpoint: `${impostor.origin}/introspect` };
        await using({}, async (rs) => {
          expectNoTrust(await rs.get('/r', 'Bearer some-client-token'), rs);
          expect(impostor.requests).toEqual([]);
        });
      } finally {
        await impostor.close();
      }
    },
  );

  it.each(impostors)('META-15 metadata of a server with a certificate %s is not used', async (_what, certificate) => {
    const impostor = await startTlsAuthorizationServer({ certificate });
    try {
      await using(
        {},
        async (rs) => {
          expectNoTrust(await rs.get('/r', 'Bearer some-client-token'), rs);
          expect(impostor.requests).toEqual([]);
        },
        impostor.origin,
      );
    } finally {
      await impostor.close();
    }
  });

  it.each(impostors)('META-15 JWK-16 a key set of a server with a certificate %s is not used', async (_what, certificate) => {
    const impostor = await startTlsAuthorizationServer({ certificate });
    try {
      impostor.keySet = keys.publicKeySet();
      trusted.metadata = { ...metadata, jwks_uri: `${impostor.origin}/jwks` };
      await using({ verification: 'local' }, async (rs) => {
        expect503(await rs.get('/r', `Bearer ${await signed()}`));
        expect(impostor.requests).toEqual([]);
      });
    } finally {
      await impostor.close();
    }
  });

  it.each(['introspection_endpoint', 'jwks_uri'])(
    'META-08 META-11 an http: %s in a document over https is not used',
    async (member) => {
      trusted.metadata = { ...metadata, [member]: String(metadata[member]).replace('https:', 'http:') };
      const verification = member === 'jwks_uri' ? 'local' : 'remote';
      await using({ verification }, async (rs) => {
        const token = verification === 'local' ? await signed() : 'some-client-token';
        expect503(await rs.get('/r', `Bearer ${token}`));
        expect(trusted.requests.filter(({ path }) => !path.startsWith('/.well-known/'))).toEqual([]);
      });
    },
  );
});
