import { JWT_RESOURCE } from './access-tokens.mjs';

const styled = process.stdout.isTTY && !process.env.NO_COLOR;
const bold = (text) => (styled ? `\x1b[1m${text}\x1b[22m` : text);

/** What to paste into another terminal, and what it answers. */
export function formatInstructions({ api, issuer, secrets, tokens }) {
  const bearer = (token) => `-H "Authorization: Bearer ${token}"`;
  return `
${bold('Ready.')}
  Albums API             ${api}   (open it in a browser: all routes on one page)
  Authorization server   ${issuer}   (in memory, on this machine only)

Paste these lines into another terminal. The access tokens are fresh and live for an hour.

${bold('1. An opaque access token, checked by introspection: 200')}
curl -i ${api}/albums ${bearer(tokens.opaque)}

${bold('2. A JWT access token, checked by its signature: 200')}
curl -i ${api}/albums ${bearer(tokens.jwt)}

${bold('3. An access token that lacks a scope: 403, which names scope="write"')}
curl -i -X POST ${api}/albums ${bearer(tokens.opaque)}

${bold('4. No access token: 401, without error')}
curl -i ${api}/albums

${bold('5. A revoked access token. Its client revokes it: 200')}
curl -i ${issuer}/token/revocation -u machine-read:${secrets.machineRead} -d token=${tokens.toRevoke}
${bold('   The same access token from now on: 401, error="invalid_token"')}
curl -i ${api}/albums ${bearer(tokens.toRevoke)}

${bold('6. A new access token, with scope write too: 200')}
   (it is opaque; with -d resource=${JWT_RESOURCE} it is a JWT)
curl -i ${issuer}/token -u machine-write:${secrets.machineWrite} -d grant_type=client_credentials -d scope="read write"

Ctrl-C stops both.
`;
}
