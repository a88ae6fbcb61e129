import { AccessDeniedError } from '../protocol/errors.js';
import type { Authenticator } from './authenticator.js';

/**
 * The refusal of a handler that is reached by another transport than HTTP, in the form in which that transport passes
 * errors on. Says what to do; nothing of the message is looked at.
 */
export async function unsupportedTransport(transport: string, authenticator: Authenticator): Promise<unknown> {
  const detail = `access tokens are not supported on ${transport} handlers in this version; mark the handler @Public() to guard it yourself`;
  const error = new AccessDeniedError({ detail });
  authenticator.server.notify({ level: 'error', text: `Refused a message: ${detail}` });
  const body = { ...authenticator.server.challenge(error).body, message: `Forbidden: ${detail}` };
  if (transport === 'ws') return new (await import('@nestjs/websockets')).WsException(body);
  if (transport === 'rpc') return new (await import('@nestjs/microservices')).RpcException(body);
  return authenticator.toException(error, undefined);
}
