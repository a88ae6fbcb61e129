import type { ClientAuthentication } from './options.js';
import { isTextList, type OptionGroup } from './option-group.js';
import { DEFAULT_ALGORITHMS } from './resolve-keys.js';
import type { ResolvedIntrospectionResponse } from './resolved-options.js';

const TYPES = ['json', 'jwt', 'jwt-preferred'] as const;
const OUR_FIELDS = ['token', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type'];

/** Checks what kind of introspection response is asked for. */
export function resolveIntrospectionResponse(
  options: OptionGroup,
  authentication: ClientAuthentication | undefined,
): ResolvedIntrospectionResponse {
  const given = options.get('introspectionResponse');
  const clientId = authentication !== undefined && 'clientId' in authentication ? [authentication.clientId] : [];
  if (given === undefined || typeof given === 'string') {
    const type = options.oneOf('introspectionResponse', TYPES, 'json');
    if (type !== 'json' && authentication !== undefined && clientId.length === 0) {
      options.refuse('introspectionResponse', 'without a client id, give { type, audience }: who signed responses are for');
    }
    return { type, algorithms: ['RS256'], audience: clientId };
  }
  const group = options.group('introspectionResponse');
  group.allowOnly(['type', 'algorithms', 'audience']);
  if (!group.has('type')) group.refuse('type', "give 'jwt' or 'jwt-preferred'");
  const type = group.oneOf('type', TYPES, 'json');
  const algorithms = group.texts('algorithms', ['RS256']);
  if (!algorithms.every((algorithm) => DEFAULT_ALGORITHMS.includes(algorithm))) {
    group.refuse('algorithms', `give some of ${DEFAULT_ALGORITHMS.join(', ')}`);
  }
  const audience = group.given('audience', clientId);
  const isAudience = (typeof audience === 'string' && audience !== '') || isTextList(audience);
  if (!isAudience && type !== 'json' && authentication !== undefined)
    group.refuse('audience', 'give who signed responses are for');
  return { type, algorithms, audience: typeof audience === 'string' ? [audience] : isTextList(audience) ? audience : [] };
}

/** Checks the extra form fields: they may not replace the token or our credentials. */
export function resolveIntrospectionParameters(options: OptionGroup): Readonly<Record<string, string>> {
  const group = options.group('introspectionParameters');
  const parameters: Record<string, string> = {};
  for (const name of group.names) {
    const value = group.get(name);
    if (OUR_FIELDS.includes(name)) group.refuse(name, 'the token and our credentials are not for parameters: leave it out');
    else if (typeof value !== 'string') group.refuse(name, 'give a text');
    else parameters[name] = value;
  }
  return parameters;
}
