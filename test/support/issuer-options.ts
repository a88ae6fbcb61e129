import { expect } from 'vitest';
import { resolveOptions } from '../../libs/introspection/src/pipeline/options/resolve-options.js';
import type { ResolvedIssuerOptions } from '../../libs/introspection/src/pipeline/options/resolved-options.js';
import { InvalidTokenError, type InvalidTokenReason } from '../../libs/introspection/src/protocol/errors.js';
import { AUDIENCE } from './authorization-server.js';

export const ISSUER = 'https://as.example.com';
export const NOW_SECONDS = 1_900_000_000;

/** One issuer's options as the library resolves them: its own defaults, and what a test changes. */
export function issuerOptions(options: Record<string, unknown> = {}): ResolvedIssuerOptions {
  const { issuers } = resolveOptions({
    issuer: ISSUER,
    audience: AUDIENCE,
    clientAuthentication: { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'rs1-secret-value' },
    allowInsecureHttp: true,
    ...options,
  });
  const [issuer] = issuers as readonly ResolvedIssuerOptions[];
  if (issuer === undefined) throw new Error('one issuer expected');
  return issuer;
}

/** Why a token is refused; `undefined` where it is not. The operator is told something in every case. */
export async function refusalReason(judge: () => unknown): Promise<InvalidTokenReason | undefined> {
  try {
    await judge();
    return undefined;
  } catch (error) {
    expect(error, String(error)).toBeInstanceOf(InvalidTokenError);
    const { reason, detail } = error as InvalidTokenError;
    expect(detail, `what the operator is told about ${reason}`).toMatch(/\S/);
    return reason;
  }
}
