import { ForbiddenException } from '@nestjs/common';

/** What applications write themselves where a library leaves scopes to them. */
export class ScopeGuard {
  canActivate(context) {
    const { scope = '' } = context.switchToHttp().getRequest().user;
    if (!scope.split(' ').includes('read')) throw new ForbiddenException();
    return true;
  }
}
