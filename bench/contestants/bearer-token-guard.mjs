import { UnauthorizedException } from '@nestjs/common';

/** The Nest guard that applications write around a function that verifies a token. */
export class BearerTokenGuard {
  #verify;

  /** @param {(token: string) => unknown} verify resolves with the claims, or rejects */
  constructor(verify) {
    this.#verify = verify;
  }

  async canActivate(context) {
    const request = context.switchToHttp().getRequest();
    const [scheme, token] = request.headers.authorization?.split(' ') ?? [];
    if (scheme !== 'Bearer' || token === undefined) throw new UnauthorizedException();
    try {
      request.user = await this.#verify(token);
    } catch {
      throw new UnauthorizedException();
    }
    return true;
  }
}
