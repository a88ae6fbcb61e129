import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-http-bearer';
import { authenticatorOf } from './application-link.js';
import type { HttpRequest } from './authenticator.js';

/** What Passport gives a strategy for each request. */
interface PassportActions {
  success(user: unknown): void;
  error(error: unknown): void;
  authenticate(request: unknown, options?: unknown): void;
}

const HttpBearerStrategy = PassportStrategy(Strategy, 'bearer') as new () => PassportActions;

/**
 * The Passport strategy `'bearer'`: a plain `AuthGuard('bearer')` answers with the same status, challenge and body as
 * {@link IntrospectionGuard} and sets `request.user`. It checks no decorators.
 *
 * Serves each request with the application that received it. Where the token is taken from, what verifies it and what
 * is answered are this package's own.
 */
@Injectable()
export class BearerStrategy extends HttpBearerStrategy {
  override authenticate(request: HttpRequest): void {
    const authenticator = authenticatorOf(request);
    if (authenticator === undefined) {
      this.error(
        new Error("The Passport strategy 'bearer' got a request of an application without IntrospectionModule.forRoot()"),
      );
      return;
    }
    authenticator.admit(request, { openness: undefined, requirement: {} }).then(
      (principal) => this.success(principal),
      (error: unknown) => this.error(error),
    );
  }
}
