import { verify, type KeyObject } from 'node:crypto';
import type { IntrospectionEvent } from 'nestjs-introspection';
import { expect } from 'vitest';
import type { RecordedRequest } from './authorization-server.js';

export const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export interface ClientAssertion {
  readonly compact: string;
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
  /** The bytes that are signed. */
  readonly input: Buffer;
  readonly signature: Buffer;
}

/** The one assertion of a request, taken apart by hand: the library's own parser has no say in it. */
export function assertionOf(request: RecordedRequest | undefined): ClientAssertion {
  const sent = request?.form.getAll('client_assertion') ?? [];
  expect(sent, 'client assertions in the request').toHaveLength(1);
  const [compact = ''] = sent;
  expect(compact).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  const [header = '', claims = '', signature = ''] = compact.split('.');
  return {
    compact,
    header: decode(header),
    claims: decode(claims),
    input: Buffer.from(`${header}.${claims}`),
    signature: Buffer.from(signature, 'base64url'),
  };
}

/** Whether the key made the signature, by node:crypto alone. */
export function isSignedBy({ header, input, signature }: ClientAssertion, key: KeyObject): boolean {
  const alg = String(header['alg']);
  const hash = alg.startsWith('Ed') ? null : `sha${alg.slice(2)}`;
  const pss = alg.startsWith('PS') ? { padding: 6, saltLength: Number(alg.slice(2)) / 8 } : {};
  return verify(hash, input, { key, dsaEncoding: 'ieee-p1363', ...pss }, signature);
}

/** What would betray a second credential beside an assertion. */
export function otherCredentials(request: RecordedRequest | undefined): string[] {
  const fields = ['client_secret', 'assertion', 'grant_type'].filter((name) => request?.form.has(name));
  return [...fields, ...(request?.headers.authorization === undefined ? [] : ['Authorization'])];
}

/** A listener with what it has heard. */
export function eventLog(): { events: IntrospectionEvent[]; onEvent: (event: IntrospectionEvent) => void } {
  const events: IntrospectionEvent[] = [];
  return { events, onEvent: (event) => void events.push(event) };
}

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;
}
