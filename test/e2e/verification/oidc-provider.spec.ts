import type { ClientAuthentication, IntrospectionEvent, IntrospectionModuleOptions } from 'nestjs-introspection';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expect200, expect401Token, expect403Scope, expect503 } from '../../support/expectations.js';
import { ecKey, rsaKey } from '../../support/keys.js';
import { introspectingClient, exportJwk, startProvider, type RunningProvider } from '../../support/oidc-provider.js';
import { ADAPTERS, type Adapter, type ResourceServer } from '../../support/resource-server.js';
import { startResourceServerFor } from '../../support/tls-authorization-server.js';

type Options = Partial<IntrospectionModuleOptions>;

const secret = randomBytes(32).toString('hex');
const awkward = 'a:b%c+d/ &=~"';
const ec = ecKey('P-256', 'api-pk-1');
const other = ecKey('P-256', 'api-pk-2');
const encryption = await rsaKey(2048, 'api-enc-1');

let provider: RunningProvider;
beforeAll(async () => {
  provider = await startProvider([
    introspectingClient('api', { client_secret: secret }),
    introspectingClient('api awkward:id', { client_secret: awkward }),
    introspectingClient('api-post', { client_secret: secret, token_endpoint_auth_method: 'client_secret_post' }),
    introspectingClient('api-sj', { client_secret: secret, token_endpoint_auth_method: 'client_secret_jwt' }),
    introspectingClient('api-pk', {
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [exportJwk(ec.publicKey, { kid: ec.kid }), exportJwk(other.publicKey, { kid: other.kid })] },
    }),
    introspectingClient('api-es', { client_secret: secret, introspection_signed_response_alg: 'ES256' }),
    introspectingClient('api-enc', {
      client_secret: secret,
      introspection_signed_response_alg: 'RS256',
      introspection_encrypted_response_alg: 'RSA-OAEP-256',
      introspection_encrypted_response_enc: 'A256GCM',
      jwks: { keys: [exportJwk(encryption.publicKey, { kid: encryption.kid, use: 'enc', alg: 'RSA-OAEP-256' })] },
    }),
  ]);
});
afterAll(() => provider.close());

const basic = (clientId = 'api', clientSecret = secret): Options => ({
  clientAuthentication: { method: 'client_secret_basic', clientId, clientSecret },
});

interface Given {
  rs: ResourceServer;
  events: IntrospectionEvent[];
}

async function using(options: Options, run: (given: Given) => Promise<void>, adapter: Adapter = 'express'): Promise<void> {
  const events: IntrospectionEvent[] = [];
  const onEvent = (event: IntrospectionEvent): void => void events.push(event);
  const rs = await startResourceServerFor(adapter, provider, { allowInsecureHttp: true, onEvent, ...basic(), ...options });
  try {
    await run({ rs, events });
  } finally {
    await rs.close();
  }
}

const reasons = (events: IntrospectionEvent[]): unknown[] =>
  events.flatMap((event) => (event.type === 'verification.refused' ? [event.reason] : []));

const methods: [rows: string, what: string, clientAuthentication: ClientAuthentication][] = [
  ['CAUTH-01', 'client_secret_basic', { method: 'client_secret_basic', clientId: 'api', clientSecret: secret }],
  [
    'CAUTH-01 T126',
    'Basic with odd characters',
    { method: 'client_secret_basic', clientId: 'api awkward:id', clientSecret: awkward },
  ],
  ['CAUTH-02', 'client_secret_post', { method: 'client_secret_post', clientId: 'api-post', clientSecret: secret }],
  ['CAUTH-07', 'client_secret_jwt', { method: 'client_secret_jwt', clientId: 'api-sj', clientSecret: secret }],
  [
    'PKJ-01 PKJ-03 PKJ-08',
    'private_key_jwt',
    { method: 'private_key_jwt', clientId: 'api-pk', key: exportJwk(ec.privateKey, { kid: ec.kid }) },
  ],
];

describe.each(ADAPTERS)('oidc-provider, asked about opaque tokens (%s)', (adapter) => {
  it.each(methods)('%s %s: active, unknown, revoked, and no scope', async (_rows, _what, clientAuthentication) => {
    await using(
      { clientAuthentication },
      async ({ rs, events }) => {
        const { accessToken, revoke } = await provider.userTokens();
        const answer = await rs.get('/r', `Bearer ${accessToken}`);
        expect(expect200(answer).principal).toMatchObject({
          subject: 'u1',
          clientId: 'app',
          scopes: ['read'],
          issuer: provider.issuer,
        });
        expect(answer.introspections).toBe(1);
        expect403Scope(
          await rs.send({ method: 'POST', path: '/w', headers: [['Authorization', `Bearer ${accessToken}`]] }),
          'write',
        );
        expect401Token(await rs.get('/r', 'Bearer a-token-of-nobody'));
        await revoke();
        expect401Token(await rs.get('/r', `Bearer ${accessToken}`));
        expect(reasons(events)).toEqual(['inactive', 'inactive']);
        expect(rs.logs.join('\n')).not.toContain(accessToken);
      },
      adapter,
    );
  });
});

describe('oidc-provider, its own ways', () => {
  it('PKJ-05 PKJ-15 PKJ-09 every assertion is accepted once, also by another key from one call to the next', async () => {
    let current = ec;
    const key = () => exportJwk(current.privateKey, { kid: current.kid });
    await using({ clientAuthentication: { method: 'private_key_jwt', clientId: 'api-pk', key } }, async ({ rs }) => {
      const { accessToken } = await provider.userTokens();
      for (const next of [ec, ec, other, ec]) {
        current = next;
        expect200(await rs.get('/r', `Bearer ${accessToken}`));
      }
    });
  });

  it('IRESP-17 IRESP-08 a refresh token is active there, and no access token here', async () => {
    await using({}, async ({ rs, events }) => {
      const { refreshToken } = await provider.userTokens();
      expect401Token(await rs.get('/r', `Bearer ${refreshToken}`));
      expect(reasons(events)).toEqual(['audience']);
    });
    await using({ allowMissingAudience: true, requireTokenType: true }, async ({ rs, events }) => {
      const { refreshToken, accessToken } = await provider.userTokens();
      expect401Token(await rs.get('/any', `Bearer ${refreshToken}`));
      expect(reasons(events)).toEqual(['type']);
      expect200(await rs.get('/any', `Bearer ${accessToken}`));
    });
  });

  it('IRESP-08 a token without a resource has no audience', async () => {
    const token = await provider.audienceless();
    await using({}, async ({ rs, events }) => {
      expect401Token(await rs.get('/any', `Bearer ${token}`));
      expect(reasons(events)).toEqual(['audience']);
    });
    await using({ allowMissingAudience: true }, async ({ rs }) => {
      expect200(await rs.get('/any', `Bearer ${token}`));
    });
  });

  it('IRESP-03 T3 it answers unsupported_token_type to JWTs, its own and others: inactive, and no fault of its', async () => {
    await using({}, async ({ rs, events }) => {
      const { accessToken, idToken } = await provider.userTokens('jwt');
      for (const jwt of [accessToken, idToken]) expect401Token(await rs.get('/any', `Bearer ${jwt}`));
      expect(provider.introspectionRequests().at(-1)?.status).toBe(400);
      expect(reasons(events)).toEqual(['inactive', 'inactive']);
      expect(events.filter(({ type }) => type === 'verification.client_rejected')).toEqual([]);
    });
  });

  it('HYB-01 JWT-23 its JWTs are checked here, and its ID tokens are none', async () => {
    await using({ verification: 'hybrid' }, async ({ rs, events }) => {
      const { accessToken, idToken } = await provider.userTokens('jwt');
      const answer = await rs.get('/r', `Bearer ${accessToken}`);
      expect(expect200(answer).principal).toMatchObject({ subject: 'u1', clientId: 'app', verifiedBy: 'local' });
      expect(answer.introspections).toBe(0);
      expect401Token(await rs.get('/any', `Bearer ${idToken}`));
      expect(reasons(events)).toHaveLength(1);
      const { accessToken: opaque } = await provider.userTokens();
      expect(expect200(await rs.get('/r', `Bearer ${opaque}`)).principal).toMatchObject({ verifiedBy: 'introspection' });
    });
  });

  it('HYB-04 its JWTs cannot be introspected: with both they are refused, and the operator reads inactive', async () => {
    await using({ verification: 'both' }, async ({ rs, events }) => {
      const { accessToken } = await provider.userTokens('jwt');
      const answer = await rs.get('/any', `Bearer ${accessToken}`);
      expect401Token(answer);
      expect(answer.introspections).toBe(1);
      expect(reasons(events)).toEqual(['inactive']);
    });
  });

  it('CAUTH-10 T3 a wrong secret: 503, and the operator reads of our credentials', async () => {
    await using(basic('api', 'not-the-secret-of-the-api'), async ({ rs, events }) => {
      const { accessToken } = await provider.userTokens();
      expect503(await rs.get('/r', `Bearer ${accessToken}`));
      expect(events).toContainEqual(expect.objectContaining({ type: 'verification.client_rejected', status: 401 }));
      expect(rs.logs.join('\n')).not.toContain('not-the-secret-of-the-api');
    });
  });
});

const signed = (clientId: string, more: Options = {}): Options => ({ ...basic(clientId), introspectionResponse: 'jwt', ...more });

describe('oidc-provider, asked for signed answers', () => {
  it.each([
    ['RS256, the default', signed('api')],
    ['ES256, registered', signed('api-es', { introspectionResponse: { type: 'jwt', algorithms: ['ES256'] } })],
    ['preferred', signed('api', { introspectionResponse: 'jwt-preferred' })],
    [
      'encrypted',
      signed('api-enc', {
        decryptionKeys: [exportJwk(encryption.privateKey, { kid: encryption.kid, use: 'enc', alg: 'RSA-OAEP-256' })],
      }),
    ],
  ])('JINTRO-01 JINTRO-04 JINTRO-08 JINTRO-13 %s: active and inactive are both believed', async (_what, options) => {
    await using(options, async ({ rs, events }) => {
      const { accessToken, revoke } = await provider.userTokens();
      expect(expect200(await rs.get('/r', `Bearer ${accessToken}`)).principal).toMatchObject({ subject: 'u1', scopes: ['read'] });
      expect(provider.introspectionRequests().at(-1)?.headers.accept).toContain('application/token-introspection+jwt');
      await revoke();
      expect401Token(await rs.get('/r', `Bearer ${accessToken}`));
      expect(reasons(events)).toEqual(['inactive']);
    });
  });

  it.each([
    ['an algorithm that is not registered', signed('api-es')],
    ['another audience', signed('api', { introspectionResponse: { type: 'jwt', audience: 'rs2' } })],
    ['no key to open it', signed('api-enc')],
    [
      'only signed where encryption is expected',
      signed('api', { decryptionKeys: [exportJwk(encryption.privateKey, { kid: encryption.kid, alg: 'RSA-OAEP-256' })] }),
    ],
  ])('JINTRO-06 JINTRO-08 JINTRO-14 %s: 503', async (_what, options) => {
    await using(options, async ({ rs }) => {
      const { accessToken } = await provider.userTokens();
      expect503(await rs.get('/r', `Bearer ${accessToken}`));
    });
  });

  it('JINTRO-16 a signed answer is no access token', async () => {
    const { accessToken } = await provider.userTokens();
    const answer = await fetch(`${provider.issuer}/token/introspection`, {
      method: 'POST',
      headers: {
        accept: 'application/token-introspection+jwt',
        authorization: `Basic ${Buffer.from(`api:${secret}`).toString('base64')}`,
      },
      body: new URLSearchParams({ token: accessToken }),
    });
    const jwt = await answer.text();
    expect(jwt.split('.')).toHaveLength(3);
    await using(
      { verification: 'hybrid', audience: ['https://rs.example.com', 'api'], tokenTypes: ['at+jwt', 'JWT', null] },
      async ({ rs }) => {
        const presented = await rs.get('/any', `Bearer ${jwt}`);
        expect401Token(presented);
        expect(presented.introspections).toBe(0);
      },
    );
  });
});
