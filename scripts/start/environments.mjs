import { AUDIENCE } from './access-tokens.mjs';

/** What each program is told, on top of the person's own environment. */
export function createEnvironments({ ports, issuer, platform, secrets }) {
  // Settings for somebody's own authorization server must not reach the demonstration.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('OAUTH_') && name !== 'LISTEN_HOST');
  const base = Object.fromEntries(inherited);
  return {
    authorizationServer: {
      ...base,
      AUTHORIZATION_SERVER_PORT: String(ports.authorizationServer),
      MACHINE_READ_SECRET: secrets.machineRead,
      MACHINE_WRITE_SECRET: secrets.machineWrite,
      API_SECRET: secrets.api,
    },
    sample: {
      ...base,
      PORT: String(ports.sample),
      PLATFORM: platform,
      OAUTH_ISSUER: issuer,
      OAUTH_AUDIENCE: AUDIENCE,
      OAUTH_CLIENT_ID: 'api',
      OAUTH_CLIENT_SECRET: secrets.api,
      OAUTH_ALLOW_INSECURE_HTTP: 'true',
    },
  };
}
