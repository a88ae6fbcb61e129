import type { AuthorizationServer } from '../../apps/authorization-server/src/authorization-server.js';
import type { ClientName } from '../../apps/authorization-server/src/clients.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Empty where the answer is no JSON. */
  readonly body: Record<string, unknown>;
}

export type Parameters = Record<string, string>;

/** A client of the embedded authorization server: posts a form with the client's own secret. */
export async function post(server: AuthorizationServer, path: string, client: ClientName, form: Parameters): Promise<Answer> {
  const authorization = `Basic ${Buffer.from(`${client}:${server.secrets[client]}`).toString('base64')}`;
  return answerOf(
    await fetch(`${server.issuer}${path}`, { method: 'POST', headers: { authorization }, body: new URLSearchParams(form) }),
  );
}

export async function getJson(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return answerOf(await fetch(url, { headers }));
}

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, text, body: isJson ? (JSON.parse(text) as Answer['body']) : {} };
}

/** An access token by client credentials. */
export async function getAccessToken(server: AuthorizationServer, client: ClientName, parameters: Parameters): Promise<string> {
  const { status, body } = await post(server, '/token', client, { grant_type: 'client_credentials', ...parameters });
  if (status !== 200 || typeof body['access_token'] !== 'string') throw new Error(`no access token: ${status} ${body['error']}`);
  return body['access_token'];
}
