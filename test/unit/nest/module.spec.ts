import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  type DynamicModule,
  type MiddlewareConsumer,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  ConfigurationError,
  IntrospectionGuard,
  IntrospectionModule,
  IntrospectionService,
  type IntrospectionModuleAsyncOptions,
  type IntrospectionModuleOptions,
  type IntrospectionOptionsFactory,
} from 'nestjs-introspection';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../../support/authorization-server.js';
import { expect200, expect401None, expect401Token } from '../../support/expectations.js';
import { ADAPTERS, defaultOptions, FixtureController, serve, type ResourceServer } from '../../support/resource-server.js';

let as: AuthorizationServer;

beforeAll(async () => {
  as = await startAuthorizationServer();
});
beforeEach(() => as.reset());
afterAll(() => as.close());

function application(...imports: (DynamicModule | Type)[]): Type {
  @Module({ imports, controllers: [FixtureController] })
  class ApplicationModule {}
  return ApplicationModule;
}

/** Both ways to make an application; what they reject with must be the same. */
async function bootFailures(module: Type): Promise<unknown[]> {
  const outcome = (boot: Promise<{ close(): Promise<unknown> }>): Promise<unknown> =>
    boot.then(
      async (app) => {
        await app.close();
        return 'it started';
      },
      (error: unknown) => error,
    );
  return [
    await outcome(NestFactory.create(module, { logger: false, abortOnError: false })),
    await outcome(Test.createTestingModule({ imports: [module] }).compile()),
  ];
}

async function expectRefusal(module: Type, ...texts: string[]): Promise<void> {
  for (const error of await bootFailures(module)) {
    expect(error).toBeInstanceOf(ConfigurationError);
    for (const text of texts) expect((error as Error).message).toContain(text);
  }
}

@Injectable()
class Settings implements IntrospectionOptionsFactory {
  createIntrospectionOptions(): IntrospectionModuleOptions {
    return defaultOptions(as);
  }
}

@Injectable()
class SlowSettings implements IntrospectionOptionsFactory {
  async createIntrospectionOptions(): Promise<IntrospectionModuleOptions> {
    await new Promise((resolve) => setImmediate(resolve));
    return defaultOptions(as);
  }
}

@Module({ providers: [Settings, { provide: 'REALM', useValue: 'injected' }], exports: [Settings, 'REALM'] })
class SettingsModule {}

const withRealm = (realm: string): IntrospectionModuleOptions => ({ ...defaultOptions(as), realm });

const ASYNC: Record<string, () => IntrospectionModuleAsyncOptions> = {
  useFactory: () => ({ useFactory: () => defaultOptions(as) }),
  'an async useFactory': () => ({ useFactory: () => Promise.resolve(defaultOptions(as)) }),
  'useFactory with inject and imports': () => ({ imports: [SettingsModule], inject: ['REALM'], useFactory: withRealm }),
  'useFactory with an optional dependency that is missing': () => ({
    inject: [{ token: 'NOWHERE', optional: true }],
    useFactory: (missing: undefined) => ({ ...defaultOptions(as), realm: missing ?? 'example' }),
  }),
  useClass: () => ({ useClass: Settings }),
  'an async useClass': () => ({ useClass: SlowSettings }),
  useExisting: () => ({ imports: [SettingsModule], useExisting: Settings }),
};

describe.each(ADAPTERS)('an application (%s)', (adapter) => {
  async function withServer(module: Type, run: (rs: ResourceServer) => Promise<void>): Promise<void> {
    const rs = await serve({ adapter, authorizationServer: as, module });
    try {
      await run(rs);
    } finally {
      await rs.close();
    }
  }

  const expectGuarded = async (rs: ResourceServer): Promise<void> => {
    expect401None(await rs.get('/any'));
    expect401Token(await rs.get('/any', 'Bearer unknown-token'));
    expect200(await rs.get('/any', `Bearer ${as.token()}`));
  };

  it('is guarded after forRoot', () => withServer(application(IntrospectionModule.forRoot(defaultOptions(as))), expectGuarded));

  it.each(Object.entries(ASYNC))('is guarded after forRootAsync with %s', async (_what, options) => {
    await withServer(application(IntrospectionModule.forRootAsync(options())), expectGuarded);
  });

  it('uses what was injected', async () => {
    const options = ASYNC['useFactory with inject and imports']?.() ?? {};
    await withServer(application(IntrospectionModule.forRootAsync(options)), async (rs) => {
      expect(expect401None(await rs.get('/any')).params.get('realm')).toBe('injected');
    });
  });

  it.each<[string, () => DynamicModule]>([
    ['forRoot', () => IntrospectionModule.forRoot({ ...defaultOptions(as), globalGuard: false })],
    ['forRootAsync', () => IntrospectionModule.forRootAsync({ globalGuard: false, useFactory: () => defaultOptions(as) })],
  ])('is not guarded after %s with globalGuard: false', async (_what, make) => {
    await withServer(application(make()), async (rs) => {
      expect200(await rs.get('/any'));
      expect(as.introspections).toBe(0);
    });
  });

  it('is guarded in modules that import nothing, and may import the same module object twice', async () => {
    const root = IntrospectionModule.forRoot(defaultOptions(as));
    @Controller('feature')
    class FeatureController {
      constructor(
        @Inject(IntrospectionService) private readonly service: IntrospectionService,
        @Inject(IntrospectionGuard) private readonly guard: IntrospectionGuard,
      ) {}
      @Get() get(): unknown {
        return [this.service instanceof IntrospectionService, this.guard instanceof IntrospectionGuard];
      }
    }
    @Module({ controllers: [FeatureController] })
    class FeatureModule {}
    @Module({ imports: [root, FeatureModule] })
    class OtherModule {}
    await withServer(application(root, FeatureModule, OtherModule), async (rs) => {
      expect401None(await rs.get('/feature'));
      expect(expect200(await rs.get('/feature', `Bearer ${as.token()}`))).toEqual([true, true]);
      expect(as.introspections).toBe(1);
    });
  });

  it('starts while the authorization server is down, says 503, and recovers', async () => {
    const down = await startAuthorizationServer();
    await down.stop();
    const module = application(IntrospectionModule.forRoot(defaultOptions(down)));
    const rs = await serve({ adapter, authorizationServer: down, module });
    const token = down.token();
    expect((await rs.get('/any', `Bearer ${token}`)).status).toBe(503);
    await down.restart();
    expect200(await rs.get('/any', `Bearer ${token}`));
    await rs.close();
    await down.close();
  });

  it('leaves middleware alone', async () => {
    const seen: string[] = [];
    @Module({ imports: [IntrospectionModule.forRoot(defaultOptions(as))], controllers: [FixtureController] })
    class WithMiddleware {
      configure(consumer: MiddlewareConsumer): void {
        consumer
          .apply((request: { url?: string; originalUrl?: string }, _response: unknown, next: () => void) => {
            seen.push(request.originalUrl ?? request.url ?? '');
            next();
          })
          .forRoutes(FixtureController);
      }
    }
    await withServer(WithMiddleware, async (rs) => {
      expect401None(await rs.get('/any'));
      expect(seen).toEqual(['/any']);
    });
  });
});

describe('a configuration that is wrong', () => {
  const wrong = (): IntrospectionModuleOptions =>
    ({ ...defaultOptions(as), issuer: '', audience: '', realm: '' }) as IntrospectionModuleOptions;

  it('is no exception of forRoot or forRootAsync', () => {
    for (const given of [wrong(), undefined, null, {}, 'x', 5])
      expect(() => IntrospectionModule.forRoot(given as IntrospectionModuleOptions)).not.toThrow();
    expect(() => IntrospectionModule.forRootAsync({ useFactory: wrong })).not.toThrow();
    expect(() => IntrospectionModule.forRootAsync({})).not.toThrow();
  });

  it.each<[string, () => DynamicModule]>([
    ['forRoot', () => IntrospectionModule.forRoot(wrong())],
    ['forRootAsync', () => IntrospectionModule.forRootAsync({ useFactory: wrong })],
    ['forRootAsync with a promise', () => IntrospectionModule.forRootAsync({ useFactory: () => Promise.resolve(wrong()) })],
  ])('rejects create() and compile() after %s, with every problem', async (_what, make) => {
    await expectRefusal(application(make()), 'issuer', 'audience', 'realm');
  });

  it.each([[undefined], [null], [{}], ['x']])('is %j', async (given) => {
    await expectRefusal(application(IntrospectionModule.forRoot(given as unknown as IntrospectionModuleOptions)));
  });

  it('is a factory that answers nothing', async () => {
    const useFactory = (): IntrospectionModuleOptions => undefined as unknown as IntrospectionModuleOptions;
    await expectRefusal(application(IntrospectionModule.forRootAsync({ useFactory })));
  });

  it.each<[string, IntrospectionModuleAsyncOptions]>([
    ['no way to make options', {}],
    ['two ways', { useFactory: () => defaultOptions(as), useClass: Settings }],
  ])('is %s', async (_what, options) => {
    await expectRefusal(application(IntrospectionModule.forRootAsync(options)), 'useFactory', 'useClass', 'useExisting');
  });

  it('is globalGuard in the result of a factory', async () => {
    const useFactory = (): IntrospectionModuleOptions => ({ ...defaultOptions(as), globalGuard: false });
    await expectRefusal(application(IntrospectionModule.forRootAsync({ useFactory })), 'globalGuard');
  });

  it('names globalGuard in a factory result beside every other problem', async () => {
    const useFactory = (): IntrospectionModuleOptions => ({ ...wrong(), globalGuard: false });
    await expectRefusal(application(IntrospectionModule.forRootAsync({ useFactory })), 'globalGuard', 'issuer', 'realm');
  });

  it.each(['false', 0, null, {}])('is globalGuard: %j', async (globalGuard) => {
    const options = { ...defaultOptions(as), globalGuard: globalGuard as unknown as boolean };
    await expectRefusal(application(IntrospectionModule.forRoot(options)), 'globalGuard');
  });

  it('is a second forRoot, and names issuers', async () => {
    const forRoot = (): DynamicModule => IntrospectionModule.forRoot(defaultOptions(as));
    const forRootAsync = (): DynamicModule => IntrospectionModule.forRootAsync({ useFactory: () => defaultOptions(as) });
    @Module({ imports: [forRoot()] })
    class FeatureModule {}
    for (const module of [
      application(forRoot(), forRoot()),
      application(forRoot(), forRootAsync()),
      application(FeatureModule, forRootAsync()),
    ])
      await expectRefusal(module, 'issuers');
  });

  it('is the bare class', async () => {
    await expectRefusal(application(IntrospectionModule), 'forRoot');
  });

  it('leaves an error of the factory itself as it is', async () => {
    const failure = new RangeError('no settings');
    const useFactory = (): never => {
      throw failure;
    };
    expect(await bootFailures(application(IntrospectionModule.forRootAsync({ useFactory })))).toEqual([failure, failure]);
  });
});
