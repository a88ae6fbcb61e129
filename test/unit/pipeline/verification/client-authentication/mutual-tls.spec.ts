import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Deadline } from '../../../../../libs/introspection/src/pipeline/deadline.js';
import type { HttpClient } from '../../../../../libs/introspection/src/pipeline/outbound/http-client.js';
import { mutualTls } from '../../../../../libs/introspection/src/pipeline/verification/client-authentication/mutual-tls.js';
import { authenticate, authenticatorFor, unavailability } from '../../../../support/authenticated-call.js';
import { httpOptions } from '../../../../support/endpoint-client.js';
import { certificateAuthority } from '../../../../support/certificates.js';

const authority = certificateAuthority();
const own = authority.issue({ commonName: 'localhost', addresses: ['127.0.0.1'] });
const [one, two] = [authority.issue({ commonName: 'rs1' }), authority.issue({ commonName: 'rs1' })];
let server: Server;

beforeAll(async () => {
  server = createServer({ cert: own.cert, key: own.key, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    response.end((request.socket as TLSSocket).getPeerCertificate().fingerprint256);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const soon = () => new Deadline(5000);

/** An authenticator that trusts the test's authority, and the certificate that a server sees of it. */
function connecting(
  certificate: unknown,
  key: unknown,
  method: 'tls_client_auth' | 'self_signed_tls_client_auth' = 'tls_client_auth',
) {
  const options = { method, clientId: 'rs1', certificate: certificate as string, key: key as string };
  const authenticator = mutualTls(options, httpOptions({ ca: authority.cert }));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const peer = async (given?: HttpClient): Promise<string> => {
    const client = given ?? (await authenticator.transport?.(soon()));
    const response = await client?.send(() => ({ method: 'GET', url, headers: {} }), soon());
    return Buffer.from(response?.body ?? []).toString();
  };
  const works = (client?: HttpClient): Promise<boolean> => peer(client).then(Boolean, () => false);
  return { authenticator, peer, works };
}

describe('Our certificate', () => {
  it('CAUTH-05 is on the connection, and the client id in the body', async () => {
    const { authenticator, peer } = connecting(one.cert, one.key);
    expect(await authenticate(authenticator)).toEqual({ form: { client_id: 'rs1' }, headers: {} });
    expect(await peer()).toBe(one.fingerprint);
    await authenticator.close?.();
  });

  it('CAUTH-05 keeps its connections while it stays, and gets others when it changes', async () => {
    let current = one;
    const { authenticator, peer } = connecting(
      () => current.cert,
      () => current.key,
    );
    const client = await authenticator.transport?.(soon());
    expect(await peer()).toBe(one.fingerprint);
    expect(await authenticator.transport?.(soon())).toBe(client);
    current = two;
    expect(await peer()).toBe(two.fingerprint);
    expect(await authenticator.transport?.(soon())).not.toBe(client);
    await authenticator.close?.();
  });

  it('gets other connections when only one of certificate and key is given in another form', async () => {
    let [cert, key] = [one.cert, one.key];
    const { authenticator } = connecting(
      () => cert,
      () => key,
    );
    const client = await authenticator.transport?.(soon());
    key = `${one.key}\n`;
    const second = await authenticator.transport?.(soon());
    expect(second).not.toBe(client);
    cert = `${one.cert}\n`;
    expect(await authenticator.transport?.(soon())).not.toBe(second);
    await authenticator.close?.();
  });

  it('takes no new calls on old connections, nor on any after the end', async () => {
    let current = one;
    const { authenticator, works } = connecting(
      () => current.cert,
      () => current.key,
    );
    const old = await authenticator.transport?.(soon());
    expect(await works(old)).toBe(true);
    current = two;
    const late = await authenticator.transport?.(soon());
    expect([await works(old), await works(late)]).toEqual([false, true]);
    await authenticator.close?.();
    expect(await works(late)).toBe(false);
  });

  it.each([
    ['certificate', '', 'x'],
    ['key', 'x', ''],
  ])('names the option %s where its function answers nothing', async (name, certificate, key) => {
    const { authenticator } = connecting(
      () => certificate,
      () => key,
    );
    expect(await unavailability(Promise.resolve(authenticator.transport?.(soon())))).toContain(name);
    await authenticator.close?.();
  });

  it.each(['tls_client_auth', 'self_signed_tls_client_auth'])('is what %s stands for', async (method) => {
    const authenticator = authenticatorFor({ method, clientId: 'rs1', certificate: one.cert, key: one.key });
    expect(await authenticate(authenticator)).toEqual({ form: { client_id: 'rs1' }, headers: {} });
    expect(authenticator.transport).toBeDefined();
    await authenticator.close?.();
  });
});
