import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { AccessTokenPrincipal } from '../pipeline/principal/access-token-principal.js';
import { principalOf } from './request-principal.js';

/**
 * Injects the principal, or one of its members; `undefined` on a public route and for anonymous requests.
 *
 * @example
 * list(@Principal() principal: AccessTokenPrincipal, @Principal('subject') subject: string) {}
 */
export const Principal = createParamDecorator(
  (member: keyof AccessTokenPrincipal | undefined, context: ExecutionContext): unknown => {
    const principal = principalOf(context);
    return member === undefined ? principal : principal?.[member];
  },
);
