export const JWT_RESOURCE = 'https://albums.example.com/jwt';
export const AUDIENCE = `https://albums.example.com,${JWT_RESOURCE}`;

/** Access tokens of the client `machine-read`: two to use, and one to revoke. */
export async function getAccessTokens(issuer, clientSecret, signal) {
  const get = (parameters) => getAccessToken(issuer, clientSecret, parameters, signal);
  const [opaque, jwt, toRevoke] = await Promise.all([get({}), get({ resource: JWT_RESOURCE }), get({})]);
  return { opaque, jwt, toRevoke };
}

async function getAccessToken(issuer, clientSecret, parameters, signal) {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`machine-read:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'read', ...parameters }),
    signal,
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`The authorization server gave no access token: ${response.status} ${answer.error}.`);
  return answer.access_token;
}
