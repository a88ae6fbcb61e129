import type { IntrospectionModuleOptions } from 'nestjs-introspection';
import type { VariableReader } from './variable-reader.js';

/** Only what is missing is noticed here: whether the values make sense together is the library's to say. */
export function readIntrospectionOptions(variables: VariableReader) {
  const verification = variables.oneOf('OAUTH_VERIFICATION', ['local', 'remote', 'hybrid', 'both'], 'hybrid');
  const tokenTypes = variables.optionalList('OAUTH_TOKEN_TYPES');
  return {
    issuer: variables.required('OAUTH_ISSUER', 'the issuer identifier of your authorization server'),
    audience: variables.list('OAUTH_AUDIENCE', 'what access tokens for this API carry as aud; several are separated by commas'),
    verification,
    ...(verification !== 'local' && { clientAuthentication: readClientAuthentication(variables) }),
    ...(tokenTypes && { tokenTypes }),
    allowMissingAudience: variables.flag('OAUTH_ALLOW_MISSING_AUDIENCE'),
    allowInsecureHttp: variables.flag('OAUTH_ALLOW_INSECURE_HTTP'),
  } satisfies IntrospectionModuleOptions;
}

export type IntrospectionOptions = ReturnType<typeof readIntrospectionOptions>;

function readClientAuthentication(variables: VariableReader) {
  const method = variables.oneOf(
    'OAUTH_CLIENT_AUTHENTICATION',
    ['client_secret_basic', 'client_secret_post'],
    'client_secret_basic',
  );
  const unlessLocal = 'at the introspection endpoint (not needed with OAUTH_VERIFICATION=local)';
  return {
    method,
    clientId: variables.required('OAUTH_CLIENT_ID', `the name of this API ${unlessLocal}`),
    clientSecret: variables.required('OAUTH_CLIENT_SECRET', `the secret of this API ${unlessLocal}`),
  };
}
