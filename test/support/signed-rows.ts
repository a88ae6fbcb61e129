import { expect } from 'vitest';
import { expect200, expect401Token, expect503 } from './expectations.js';
import type { Exchange } from './resource-server.js';
import { says, signedAnswer, type SignedAnswer } from './signed-answers.js';
import { row, type Fixture, type Row } from './table.js';

export type Make = SignedAnswer | ((fixture: Fixture) => string | Promise<string>);

export const CLIENT_TOKEN = 'opaque-client-token';

/** Presents a token about which the server answers so. */
export async function ask(fixture: Fixture, make: Make, contentType?: string): Promise<Exchange> {
  const body = typeof make === 'function' ? await make(fixture) : signedAnswer(fixture.as, make);
  fixture.as.answer(CLIENT_TOKEN, says(body, contentType));
  return fixture.rs.get('/r', `Bearer ${CLIENT_TOKEN}`);
}

export const accepted = (title: string, make: Make = {}, contentType?: string): Row =>
  row(title, async (fixture) => {
    const answer = await ask(fixture, make, contentType);
    const { principal } = expect200(answer);
    expect(principal).toMatchObject({ subject: 'u1', clientId: 'c1', scopes: ['read'], verifiedBy: 'introspection' });
    expect(answer.introspections).toBe(1);
  });

/** Nobody may take a faulty answer for a verdict on the token. `good` shows that it was this answer, not the set-up. */
export const faulty = (title: string, make: Make, contentType?: string, good: Make = {}): Row =>
  row(title, async (fixture) => {
    const answer = await ask(fixture, make, contentType);
    expect503(answer);
    expect(answer.introspections).toBe(1);
    expect200(await ask(fixture, good));
  });

export const refused = (title: string, make: Make, good: Make = {}): Row =>
  row(title, async (fixture) => {
    expect401Token(await ask(fixture, make));
    expect200(await ask(fixture, good));
  });
