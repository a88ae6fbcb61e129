// A good token comes first, so that keys are at hand. Then the authorization server is down for a while: before other
// bad tokens, as some of them have keys fetched again, and whoever pauses after that is right not to notice.
const COMMON = [
  { name: 'no token', headers: {}, status: 401, challenge: /^Bearer(?!.*\berror=)/ },
  { name: 'malformed header', headers: { authorization: 'Bearer two words' }, status: 400, challenge: /error="invalid_request"/ },
];

const INVALID = { status: 401, challenge: /^Bearer .*error="invalid_token"/ };
const INSUFFICIENT = { status: 403, challenge: /^Bearer .*error="insufficient_scope"/ };

/** Requests that every contestant answers before it is timed, and the answers that the RFCs ask for. */
export const JWT_CASES = [
  { name: 'good JWT', kind: 'RS256', when: 'first', status: 200 },
  ...COMMON,
  { name: 'expired', kind: 'expired', ...INVALID },
  { name: 'bad signature', kind: 'bad signature', ...INVALID },
  { name: 'wrong audience', kind: 'wrong audience', ...INVALID },
  { name: 'wrong issuer', kind: 'wrong issuer', ...INVALID },
  { name: 'missing scope', kind: 'missing scope', ...INSUFFICIENT },
  { name: 'alg none', kind: 'alg none', ...INVALID },
  { name: 'ID token', kind: 'ID token', ...INVALID },
  { name: 'garbage', kind: 'garbage', ...INVALID },
  { name: 'new key, authorization server down', kind: 'unknown key', when: 'down', status: 503 },
];

export const OPAQUE_CASES = [
  { name: 'good opaque token', kind: 'opaque', when: 'first', status: 200 },
  ...COMMON,
  { name: 'inactive', kind: 'opaque, inactive', ...INVALID },
  { name: 'active, but expired', kind: 'opaque, expired', ...INVALID },
  { name: 'answer for another audience', kind: 'opaque, wrong audience', ...INVALID },
  { name: 'answer of another issuer', kind: 'opaque, wrong issuer', ...INVALID },
  { name: 'answer without the scope', kind: 'opaque, missing scope', ...INSUFFICIENT },
  { name: 'active: "true"', kind: 'opaque, active: "true"', status: 503 },
  { name: 'answered with 500', kind: 'opaque, answered with 500', status: 503 },
  { name: 'our client refused', kind: 'opaque, our client refused', status: 503 },
  { name: 'authorization server down', kind: 'opaque', when: 'down', status: 503 },
];
