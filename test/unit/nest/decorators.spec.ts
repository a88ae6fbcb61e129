import { applyDecorators, Controller, Get, UseGuards, type Type } from '@nestjs/common';
import {
  AccessTokenPrincipal,
  AnyScope,
  IntrospectionGuard,
  OptionalAuth,
  Principal,
  Public,
  Scopes,
} from 'nestjs-introspection';
import { describe, expect, it } from 'vitest';
import { expect200, expect401None, expect403Scope } from '../../support/expectations.js';
import { describeRows, row, type Fixture, type Row } from '../../support/table.js';

/** The status for nobody, and for tokens with these scopes. */
interface Verdicts {
  nobody: number;
  none: number;
  read: number;
  write: number;
}

const OPEN: Verdicts = { nobody: 200, none: 200, read: 200, write: 200 };
const TOKEN: Verdicts = { nobody: 401, none: 200, read: 200, write: 200 };
const READ: Verdicts = { nobody: 401, none: 403, read: 200, write: 403 };
const WRITE: Verdicts = { nobody: 401, none: 403, read: 403, write: 200 };
const EITHER: Verdicts = { nobody: 401, none: 403, read: 200, write: 200 };
const OPTIONAL: Verdicts = { nobody: 200, none: 200, read: 200, write: 200 };
const OPTIONAL_READ: Verdicts = { ...READ, nobody: 200 };

/** A token that is no good tells `@Public`, which does not look, from `@OptionalAuth`, which refuses. */
async function expectVerdicts(
  { as, rs }: Fixture,
  path: string,
  verdicts: Verdicts,
  openness: 'public' | 'closed',
): Promise<void> {
  const seen: Record<string, number> = {};
  const ask = async (name: string, ...authorization: string[]): Promise<void> => {
    const answer = await rs.get(path, ...authorization);
    seen[name] = answer.status;
    expect(answer.handled, `${path} for ${name}`).toBe(answer.status === 200 ? 1 : 0);
  };
  await ask('nobody');
  await ask('none', `Bearer ${as.token({ scope: 'other' })}`);
  await ask('read', `Bearer ${as.token({ scope: 'read' })}`);
  await ask('write', `Bearer ${as.token({ scope: 'write' })}`);
  await ask('bad', 'Bearer unknown-token');
  expect(seen).toEqual({ ...verdicts, bad: openness === 'public' ? 200 : 401 });
}

const judged = (title: string, path: string, verdicts: Verdicts): Row =>
  row(title, (fixture) => expectVerdicts(fixture, path, verdicts, verdicts === OPEN ? 'public' : 'closed'));

/** Replaces the method and copies nothing, as tracing and transaction decorators do. */
function Wrapped(): MethodDecorator {
  return (_target, _name, descriptor) => {
    const { value } = descriptor as PropertyDescriptor & { value?: (...args: unknown[]) => unknown };
    return {
      ...descriptor,
      value: function wrapped(this: unknown, ...args: unknown[]) {
        return value?.apply(this, args);
      },
    } as typeof descriptor;
  };
}

@Controller('plain')
class PlainController {
  @Get('guarded') guarded(): string {
    return 'ok';
  }
  @Get('read') @Scopes('read') read(): string {
    return 'ok';
  }
  @Scopes('read') @Get('swapped') swapped(): string {
    return 'ok';
  }
  @Get('either') @AnyScope('read', 'write') either(): string {
    return 'ok';
  }
  @AnyScope('read', 'write') @Get('swapped-either') swappedEither(): string {
    return 'ok';
  }
  @Get('public') @Public() open(): string {
    return 'ok';
  }
  @Public() @Get('swapped-public') swappedPublic(): string {
    return 'ok';
  }
  @Get('optional') @OptionalAuth() optional(): string {
    return 'ok';
  }
  @Get('optional-read') @OptionalAuth() @Scopes('read') optionalRead(): string {
    return 'ok';
  }
  @Get('read-optional') @Scopes('read') @OptionalAuth() readOptional(): string {
    return 'ok';
  }
  @applyDecorators(Get('applied'), Scopes('read')) applied(): string {
    return 'ok';
  }
  @Get(['two', 'paths']) @Scopes('read') two(): string {
    return 'ok';
  }
}

@Public()
@Controller('in-public')
class PublicClass {
  @Get('plain') plain(): string {
    return 'ok';
  }
  @Get('scopes') @Scopes('read') scopes(): string {
    return 'ok';
  }
  @Get('any-scope') @AnyScope('read', 'write') anyScope(): string {
    return 'ok';
  }
  @Get('optional') @OptionalAuth() optional(): string {
    return 'ok';
  }
}

@Controller('in-optional')
@OptionalAuth()
class OptionalClass {
  @Get('plain') plain(): string {
    return 'ok';
  }
  @Get('scopes') @Scopes('read') scopes(): string {
    return 'ok';
  }
  @Get('public') @Public() open(): string {
    return 'ok';
  }
}

@Controller('in-scopes')
@Scopes('read')
class ScopesClass {
  @Get('plain') plain(): string {
    return 'ok';
  }
  @Get('public') @Public() open(): string {
    return 'ok';
  }
  @Get('optional') @OptionalAuth() optional(): string {
    return 'ok';
  }
  @Get('scopes') @Scopes('write') scopes(): string {
    return 'ok';
  }
  @Get('any-scope') @AnyScope('write', 'admin') anyScope(): string {
    return 'ok';
  }
}

@Scopes('read')
@OptionalAuth()
@Controller('in-optional-scopes')
class OptionalScopesClass {
  @Get('plain') plain(): string {
    return 'ok';
  }
  @Get('scopes') @Scopes('write') scopes(): string {
    return 'ok';
  }
  @Get('public') @Public() open(): string {
    return 'ok';
  }
}

@Controller('in-any-scope')
@AnyScope('read', 'write')
class AnyScopeClass {
  @Get('plain') plain(): string {
    return 'ok';
  }
  @Get('scopes') @Scopes('read') scopes(): string {
    return 'ok';
  }
}

const together = [
  judged('T57 a route without decorators needs a token', '/plain/guarded', TOKEN),
  judged('T57 @Scopes below the route decorator', '/plain/read', READ),
  judged('T57 @Scopes above the route decorator', '/plain/swapped', READ),
  judged('T57 @AnyScope below the route decorator', '/plain/either', EITHER),
  judged('T57 @AnyScope above the route decorator', '/plain/swapped-either', EITHER),
  judged('@Public below the route decorator', '/plain/public', OPEN),
  judged('@Public above the route decorator', '/plain/swapped-public', OPEN),
  judged('@OptionalAuth serves nobody and refuses a bad token', '/plain/optional', OPTIONAL),
  judged('@OptionalAuth with @Scopes: scopes hold for a presented token', '/plain/optional-read', OPTIONAL_READ),
  judged('@Scopes with @OptionalAuth: the order does not matter', '/plain/read-optional', OPTIONAL_READ),
  judged('T57 applyDecorators', '/plain/applied', READ),
  judged('T57 several paths: the first', '/plain/two', READ),
  judged('T57 several paths: the second', '/plain/paths', READ),

  judged('@Public class: a plain method is open', '/in-public/plain', OPEN),
  judged('T57 @Public class: @Scopes on a method needs a token', '/in-public/scopes', READ),
  judged('T57 @Public class: @AnyScope on a method needs a token', '/in-public/any-scope', EITHER),
  judged('@Public class: @OptionalAuth on a method refuses a bad token', '/in-public/optional', OPTIONAL),

  judged('@OptionalAuth class: a plain method', '/in-optional/plain', OPTIONAL),
  judged('T57 @OptionalAuth class: @Scopes on a method needs a token', '/in-optional/scopes', READ),
  judged('@OptionalAuth class: @Public on a method does not look', '/in-optional/public', OPEN),

  judged('T57 @Scopes class: a plain method', '/in-scopes/plain', READ),
  judged('@Scopes class: @Public on a method is open', '/in-scopes/public', OPEN),
  judged('@Scopes class: @OptionalAuth on a method keeps the scopes for a presented token', '/in-scopes/optional', OPTIONAL_READ),
  judged('T57 @Scopes class: @Scopes on a method replaces them', '/in-scopes/scopes', WRITE),
  judged('T57 @Scopes class: @AnyScope on a method replaces them, being the same kind', '/in-scopes/any-scope', WRITE),

  judged('@OptionalAuth @Scopes class: a plain method', '/in-optional-scopes/plain', OPTIONAL_READ),
  judged('T57 @OptionalAuth @Scopes class: @Scopes on a method needs a token', '/in-optional-scopes/scopes', WRITE),
  judged('@OptionalAuth @Scopes class: @Public on a method is open', '/in-optional-scopes/public', OPEN),

  judged('T57 @AnyScope class: a plain method', '/in-any-scope/plain', EITHER),
  judged('T57 @AnyScope class: @Scopes on a method replaces it, being the same kind', '/in-any-scope/scopes', READ),

  row('a refused class-level requirement is named in the challenge, a replaced one is not', async ({ as, rs }) => {
    expect401None(await rs.get('/in-scopes/plain'), 'read');
    expect401None(await rs.get('/in-scopes/scopes'), 'write');
    expect403Scope(await rs.get('/in-any-scope/plain', `Bearer ${as.token({ scope: 'x' })}`), 'read write');
    expect403Scope(await rs.get('/in-any-scope/scopes', `Bearer ${as.token({ scope: 'x' })}`), 'read');
  }),
];

describeRows('How decorators of class and method meet', together, {
  controllers: [PlainController, PublicClass, OptionalClass, ScopesClass, OptionalScopesClass, AnyScopeClass],
});

abstract class BaseController {
  @Get('scopes') @Scopes('read') scopes(): string {
    return 'base';
  }
  @Get('any-scope') @AnyScope('read', 'write') anyScope(): string {
    return 'base';
  }
  @Get('public') @Public() open(): string {
    return 'base';
  }
  @Get('optional') @OptionalAuth() optional(): string {
    return 'base';
  }
  @Get('optional-scopes') @OptionalAuth() @Scopes('read') optionalScopes(): string {
    return 'base';
  }
  @Get('plain') plain(): string {
    return 'base';
  }
}

@Controller('inherits')
class InheritsController extends BaseController {}

@Controller('overrides')
class OverridesController extends BaseController {
  @Get('scopes') override scopes(): string {
    return 'own';
  }
  @Get('any-scope') override anyScope(): string {
    return 'own';
  }
  @Get('public') override open(): string {
    return 'own';
  }
  @Get('optional') override optional(): string {
    return 'own';
  }
  @Get('optional-scopes') override optionalScopes(): string {
    return 'own';
  }
}

@Controller('overrides-again')
class OverridesAgainController extends OverridesController {
  @Get('scopes') override scopes(): string {
    return 'own again';
  }
}

@Controller('decorates')
class DecoratesController extends BaseController {
  @Get('scopes') @Scopes('write') override scopes(): string {
    return 'own';
  }
  @Get('any-scope') @Public() override anyScope(): string {
    return 'own';
  }
  @Get('public') @Scopes('write') override open(): string {
    return 'own';
  }
  @Get('optional-scopes') @OptionalAuth() override optionalScopes(): string {
    return 'own';
  }
}

@Controller('decorates-again')
class DecoratesAgainController extends DecoratesController {
  @Get('scopes') override scopes(): string {
    return 'own again';
  }
  @Get('public') override open(): string {
    return 'own again';
  }
  @Get('optional-scopes') override optionalScopes(): string {
    return 'own again';
  }
}

@Public()
@Controller('public-overrides')
class PublicOverridesController extends BaseController {
  @Get('scopes') override scopes(): string {
    return 'own';
  }
}

@Scopes('write')
@Controller('scopes-overrides')
class ScopesOverridesController extends BaseController {
  @Get('scopes') override scopes(): string {
    return 'own';
  }
  @Get('public') override open(): string {
    return 'own';
  }
  @Get('own') own(): string {
    return 'own';
  }
}

@Scopes('read')
abstract class ScopedBase {
  @Get('inherited') inherited(): string {
    return 'base';
  }
  @Get('open') @Public() open(): string {
    return 'base';
  }
}

@Controller('scoped-base')
class FromScopedBase extends ScopedBase {
  @Get('own') own(): string {
    return 'own';
  }
}

@Controller('rescoped-base')
@Scopes('write')
class FromRescopedBase extends ScopedBase {
  @Get('own') own(): string {
    return 'own';
  }
}

function crud(scope: string): Type<{ list(): string }> {
  class Crud {
    @Get('list') @Scopes(scope) list(): string {
      return scope;
    }
  }
  return Crud;
}

@Controller('read-crud')
class ReadCrud extends crud('read') {}

@Controller('write-crud')
class WriteCrud extends crud('write') {
  @Get('list') override list(): string {
    return 'own';
  }
}

describeRows(
  'How decorators are inherited',
  [
    judged('T57 an inherited @Scopes', '/inherits/scopes', READ),
    judged('T57 an inherited @AnyScope', '/inherits/any-scope', EITHER),
    judged('an inherited @Public', '/inherits/public', OPEN),
    judged('an inherited @OptionalAuth', '/inherits/optional', OPTIONAL),
    judged('an inherited @OptionalAuth with @Scopes', '/inherits/optional-scopes', OPTIONAL_READ),
    judged('T57 an inherited plain method', '/inherits/plain', TOKEN),

    judged('T57 an overriding method keeps @Scopes', '/overrides/scopes', READ),
    judged('T57 an overriding method keeps @AnyScope', '/overrides/any-scope', EITHER),
    judged('T57 an overriding method does not keep @Public', '/overrides/public', TOKEN),
    judged('T57 an overriding method does not keep @OptionalAuth', '/overrides/optional', TOKEN),
    judged('T57 an overriding method keeps @Scopes, not the @OptionalAuth beside it', '/overrides/optional-scopes', READ),
    judged('T57 an overriding method of an overriding method keeps @Scopes', '/overrides-again/scopes', READ),
    judged('T57 an inherited overriding method keeps @Scopes', '/overrides-again/any-scope', EITHER),
    judged('T57 an inherited overriding method is still not @Public', '/overrides-again/public', TOKEN),

    judged('T57 @Scopes of an overriding method replaces the overridden', '/decorates/scopes', WRITE),
    judged('@Public of an overriding method opens what needed scopes', '/decorates/any-scope', OPEN),
    judged('T57 @Scopes of an overriding method closes what was @Public', '/decorates/public', WRITE),
    judged('T57 @OptionalAuth of an overriding method keeps the overridden scopes', '/decorates/optional-scopes', OPTIONAL_READ),
    judged('T57 the nearest of two overridden methods counts', '/decorates-again/scopes', WRITE),
    judged('T57 the nearest of two overridden methods counts, over a @Public one', '/decorates-again/public', WRITE),
    judged('T57 scopes are kept through an overridden @OptionalAuth', '/decorates-again/optional-scopes', READ),
    judged('a method that is not overridden is untouched by its neighbours', '/decorates/optional', OPTIONAL),

    judged('T57 @Public on the class does not open what the overridden method required', '/public-overrides/scopes', READ),
    judged('@Public on the class leaves an inherited @Scopes alone', '/public-overrides/any-scope', EITHER),
    judged('T57 the overridden @Scopes is nearer than the one of the class', '/scopes-overrides/scopes', READ),
    judged('T57 @Scopes of the class holds where @Public was overridden', '/scopes-overrides/public', WRITE),
    judged('@Scopes of the class holds for its own methods', '/scopes-overrides/own', WRITE),

    judged('T57 @Scopes of an abstract class holds for inherited methods', '/scoped-base/inherited', READ),
    judged('T57 @Scopes of an abstract class holds for methods of the subclass', '/scoped-base/own', READ),
    judged('@Public on an inherited method of a @Scopes class', '/scoped-base/open', OPEN),
    judged('T57 @Scopes of the subclass replaces that of the abstract class', '/rescoped-base/own', WRITE),

    judged('T57 a generated controller', '/read-crud/list', READ),
    judged('T57 an overriding method in a generated controller, with its own scopes', '/write-crud/list', WRITE),
  ],
  {
    controllers: [
      InheritsController,
      OverridesController,
      OverridesAgainController,
      DecoratesController,
      DecoratesAgainController,
      PublicOverridesController,
      ScopesOverridesController,
      FromScopedBase,
      FromRescopedBase,
      ReadCrud,
      WriteCrud,
    ],
  },
);

@Controller('wrapped')
class WrappedController {
  @Get('below') @Wrapped() @Scopes('read') below(): string {
    return 'ok';
  }
  @Get('above') @Scopes('read') @Wrapped() above(): string {
    return 'ok';
  }
  @Get('twice') @Wrapped() @Wrapped() @AnyScope('read', 'write') twice(): string {
    return 'ok';
  }
  @Get('between') @Wrapped() @Scopes('read') @Wrapped() between(): string {
    return 'ok';
  }
  @Get('optional') @Wrapped() @OptionalAuth() @Scopes('read') optional(): string {
    return 'ok';
  }
  @Get('plain') @Wrapped() plain(): string {
    return 'ok';
  }
}

@Controller('wrapped-overrides')
class WrappedOverridesController extends WrappedController {
  @Get('below') override below(): string {
    return 'own';
  }
  @Get('above') @Wrapped() override above(): string {
    return 'own';
  }
  @Get('twice') @Wrapped() @Scopes('write') override twice(): string {
    return 'own';
  }
  @Get('between') @Public() override between(): string {
    return 'own';
  }
}

@Controller('wrapped-in-public')
@Public()
class WrappedInPublicController {
  @Get('scopes') @Wrapped() @Scopes('read') scopes(): string {
    return 'ok';
  }
}

@Controller('wrapped-inherits')
class WrappedInheritsController extends WrappedController {}

describeRows(
  'Requirements under a decorator that replaces the method',
  [
    judged('T57 @Scopes below the wrapper', '/wrapped/below', READ),
    judged('T57 @Scopes above the wrapper', '/wrapped/above', READ),
    judged('T57 @AnyScope below two wrappers', '/wrapped/twice', EITHER),
    judged('T57 @Scopes between two wrappers', '/wrapped/between', READ),
    judged('T57 a wrapped method without requirements needs a token', '/wrapped/plain', TOKEN),
    judged('T57 a wrapped method in a @Public class keeps its @Scopes', '/wrapped-in-public/scopes', READ),
    judged('T57 an inherited wrapped method', '/wrapped-inherits/below', READ),
    judged('T57 a method that overrides a wrapped one', '/wrapped-overrides/below', READ),
    judged('T57 a wrapped method that overrides a wrapped one', '/wrapped-overrides/above', READ),
    judged('T57 a wrapped method with @Scopes of its own', '/wrapped-overrides/twice', WRITE),
    judged('@Public on a method that overrides a wrapped one', '/wrapped-overrides/between', OPEN),
    row('T57 @Scopes beside a wrapped @OptionalAuth holds for presented tokens', async ({ as, rs }) => {
      expect403Scope(await rs.get('/wrapped/optional', `Bearer ${as.token({ scope: 'other' })}`), 'read');
      expect((await rs.get('/wrapped/optional', `Bearer ${as.token()}`)).status).toBe(200);
    }),
  ],
  { controllers: [WrappedController, WrappedOverridesController, WrappedInheritsController, WrappedInPublicController] },
);

@Controller('own-guard')
class OwnGuardController {
  @Get('method') @UseGuards(IntrospectionGuard) @Scopes('read') method(): string {
    return 'ok';
  }
  @Get('twice') @UseGuards(IntrospectionGuard, IntrospectionGuard) @Scopes('read') twice(): string {
    return 'ok';
  }
  @Get('public') @UseGuards(IntrospectionGuard) @Public() open(): string {
    return 'ok';
  }
  @Get('none') none(): string {
    return 'ok';
  }
}

@Controller('class-guard')
@UseGuards(IntrospectionGuard)
class ClassGuardController {
  @Get('plain') plain(): string {
    return 'ok';
  }
  @Get('public') @Public() open(): string {
    return 'ok';
  }
}

const verifiedOnce = row('a request is verified once, however many guards stand in its way', async ({ as, rs }) => {
  for (const path of ['/own-guard/method', '/own-guard/twice']) {
    const good = await rs.get(path, `Bearer ${as.token()}`);
    expect([good.status, good.introspections]).toEqual([200, 1]);
    const short = await rs.get(path, `Bearer ${as.token({ scope: 'x' })}`);
    expect403Scope(short, 'read');
    expect(short.introspections).toBe(1);
    const bad = await rs.get(path, 'Bearer unknown-token');
    expect([bad.status, bad.introspections]).toEqual([401, 1]);
  }
});

describeRows(
  'The guard where it is placed, globalGuard: false',
  [
    judged('T57 on a method', '/own-guard/method', READ),
    judged('on a method that is @Public', '/own-guard/public', OPEN),
    judged('T57 on a class', '/class-guard/plain', TOKEN),
    judged('on a class with a @Public method', '/class-guard/public', OPEN),
    judged('nowhere', '/own-guard/none', OPEN),
    verifiedOnce,
  ],
  { options: () => ({ globalGuard: false }), controllers: [OwnGuardController, ClassGuardController] },
);

describeRows(
  'The guard where it is placed, besides the global one',
  [
    judged('T57 on a method', '/own-guard/method', READ),
    judged('on a method that is @Public', '/own-guard/public', OPEN),
    judged('T57 nowhere', '/own-guard/none', TOKEN),
    verifiedOnce,
  ],
  { controllers: [OwnGuardController, ClassGuardController] },
);

@Controller('principal')
class PrincipalController {
  @Get('members') @OptionalAuth() members(
    @Principal() principal: AccessTokenPrincipal | undefined,
    @Principal('subject') subject: string | undefined,
    @Principal('clientId') clientId: string | undefined,
    @Principal('scopes') scopes: string[] | undefined,
  ): unknown {
    const present = { whole: principal instanceof AccessTokenPrincipal, isUndefined: principal === undefined };
    return { principal: { ...present, subject, clientId, scopes } };
  }
}

describeRows(
  '@Principal',
  [
    row('injects the principal and its members', async ({ as, rs }) => {
      const body = expect200(await rs.get('/principal/members', `Bearer ${as.token()}`));
      expect(body.principal).toEqual({ whole: true, isUndefined: false, subject: 'u1', clientId: 'c1', scopes: ['read'] });
    }),
    row('injects undefined where nobody is', async ({ rs }) => {
      expect(expect200(await rs.get('/principal/members')).principal).toEqual({ whole: false, isUndefined: true });
    }),
  ],
  { controllers: [PrincipalController] },
);

type AnyDecorator = MethodDecorator & ClassDecorator;

/** Applies decorators as a class definition does: the last one first. */
function define(target: 'class' | 'method', ...decorators: (() => unknown)[]): () => void {
  return () => {
    class Defined {
      method(): void {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Defined.prototype, 'method') as PropertyDescriptor;
    for (const create of decorators.toReversed()) {
      const decorator = create() as AnyDecorator;
      if (target === 'class') decorator(Defined);
      else decorator(Defined.prototype, 'method', descriptor);
    }
  };
}

describe('Decorators that contradict each other', () => {
  const [open, optional] = [() => Public(), () => OptionalAuth()];
  const [scopes, anyScope] = [() => Scopes('a'), () => AnyScope('a', 'b')];
  const contradictions: [string, (() => unknown)[]][] = [
    ['@Public with @Scopes', [open, scopes]],
    ['@Public with @AnyScope', [open, anyScope]],
    ['@Public with @OptionalAuth', [open, optional]],
    ['@Scopes twice', [scopes, scopes]],
    ['@Scopes twice, with other scopes', [scopes, () => Scopes('b')]],
    ['@AnyScope twice', [anyScope, anyScope]],
    ['@Scopes with @AnyScope, which are one kind', [scopes, anyScope]],
    ['@Public twice', [open, open]],
    ['@OptionalAuth twice', [optional, optional]],
  ];

  describe.each(['class', 'method'] as const)('on one %s', (target) => {
    it.each(contradictions)('%s is a TypeError, in either order', (_what, decorators) => {
      expect(define(target, ...decorators)).toThrow(TypeError);
      expect(define(target, ...decorators.toReversed())).toThrow(TypeError);
    });

    it('each alone, and @OptionalAuth with a requirement, is none', () => {
      for (const decorators of [[open], [optional], [scopes], [anyScope], [optional, scopes], [anyScope, optional]]) {
        expect(define(target, ...decorators)).not.toThrow();
      }
    });
  });

  it('a wrapper in between does not hide it', () => {
    expect(define('method', open, Wrapped, scopes)).toThrow(TypeError);
    expect(define('method', scopes, Wrapped, scopes)).toThrow(TypeError);
  });

  it('class and method may say different things', () => {
    expect(() => {
      @Public()
      class Fine {
        @Scopes('a') closed(): void {}
        @Public() open(): void {}
        @AnyScope('a') another(): void {}
      }
      return Fine;
    }).not.toThrow();
  });

  it('an overriding method and a subclass may say different things', () => {
    expect(() => {
      @Scopes('a')
      class Parent {
        @Scopes('a') method(): void {}
        @Public() open(): void {}
      }
      @Scopes('b')
      class Child extends Parent {
        @Scopes('b') override method(): void {}
        @AnyScope('b') override open(): void {}
      }
      return Child;
    }).not.toThrow();
  });
});
