import { HttpException } from '@nestjs/common';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import { AUDIENCE } from '../tokens/access-token.mjs';

/** Express middleware in front of the Nest application. */
export function setUp({ issuer }) {
  return { middleware: [auth({ issuerBaseURL: issuer, audience: AUDIENCE }), requiredScopes('read')].map(withNestErrors) };
}

/** Its errors are for Express's own error handler, which Nest replaces; unchanged, each would be a 500. */
function withNestErrors(middleware) {
  return (request, response, next) =>
    middleware(request, response, (error) => {
      if (error?.status === undefined) return next(error);
      for (const [name, value] of Object.entries(error.headers ?? {})) response.setHeader(name, value);
      next(new HttpException(error.message, error.status, { cause: error }));
    });
}
