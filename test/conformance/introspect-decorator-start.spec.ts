import { Controller, Get, type Type } from '@nestjs/common';
import { AnyScope, Introspect, OptionalAuth, Public, Scopes } from 'nestjs-introspection';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { expect200, expect401None, expect401Token } from '../support/expectations.js';
import { ADAPTERS, startResourceServer, type ResourceServer, type ResourceServerSetup } from '../support/resource-server.js';

@Controller('accounts')
class AccountsController {
  @Get() list(): unknown {
    return {};
  }
  @Get('transfer') @Introspect() transferFunds(): unknown {
    return {};
  }
}

@Controller('vault')
@Introspect({ maxAgeMs: 60_000 })
class VaultController {
  @Get('door') openDoor(): unknown {
    return {};
  }
}

abstract class Base {
  @Get('inherited') @Introspect() inheritedHandler(): unknown {
    return {};
  }
}

@Controller('derived')
class DerivedController extends Base {}

@Controller('plain')
class PlainController {
  @Get() @Scopes('read') list(): unknown {
    return {};
  }
}

@Controller('optional')
@Introspect()
class OptionalController {
  @Get('anonymous') @OptionalAuth() anonymous(): unknown {
    return {};
  }
}

let as: AuthorizationServer;
beforeAll(async () => {
  as = await startAuthorizationServer();
});
beforeEach(() => as.reset());
afterAll(() => as.close());

type Given = Pick<ResourceServerSetup, 'options' | 'omit' | 'controllers'>;

/** Runs against a started application, which is closed afterwards. */
async function serving(given: ResourceServerSetup, run: (rs: ResourceServer) => Promise<void> | void): Promise<void> {
  const rs = await startResourceServer(given);
  try {
    await run(rs);
  } finally {
    await rs.close();
  }
}

describe.each(ADAPTERS)('@Introspect at start-up (%s)', (adapter) => {
  const local = (controllers: Type[], given: Given = { omit: ['clientAuthentication'] }): ResourceServerSetup => ({
    adapter,
    authorizationServer: as,
    ...given,
    options: { verification: 'local', ...given.options },
    controllers,
  });
  const failure = async (given: ResourceServerSetup): Promise<Error> => {
    const outcome = await serving(given, () => undefined).then(
      () => new Error('the application started'),
      (error: unknown) => error as Error,
    );
    expect(outcome).toMatchObject({ name: 'ConfigurationError', code: 'ERR_CONFIGURATION' });
    return outcome;
  };

  it.each([
    ['a method', [PlainController, AccountsController], /AccountsController\W+transferFunds|accounts\/transfer/],
    ['a class', [VaultController], /VaultController\W+openDoor|vault\/door/],
    ['an inherited method', [DerivedController], /DerivedController\W+inheritedHandler|derived\/inherited/],
  ] as [string, Type[], RegExp][])(
    'HYB-03 local without clientAuthentication: %s is named',
    async (_what, controllers, route) => {
      const { message } = await failure(local(controllers));
      expect(message).toMatch(route);
      expect(message).toMatch(/clientAuthentication/);
      expect(message).not.toMatch(/PlainController|AccountsController\W+list/);
    },
  );

  it('HYB-03 all such routes are named at once', async () => {
    const { message } = await failure(local([AccountsController, VaultController]));
    expect(message).toMatch(/transferFunds|accounts\/transfer/);
    expect(message).toMatch(/openDoor|vault\/door/);
  });

  it('HYB-03 local without discovery and introspectionEndpoint', async () => {
    const options = { discovery: false, jwksUri: as.jwksUri } as const;
    expect((await failure(local([AccountsController], { options }))).message).toMatch(/transferFunds|accounts\/transfer/);
  });

  it('HYB-03 local with an issuer that cannot be asked among several', async () => {
    const one = { issuer: as.issuer, audience: 'https://rs.example.com' };
    const clientAuthentication = { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'rs1-secret-value' } as const;
    const askable = { issuer: 'https://other.example.com', audience: 'https://rs.example.com', clientAuthentication };
    const options = { issuers: [askable, one] } as unknown as NonNullable<ResourceServerSetup['options']>;
    const omit = ['issuer', 'audience', 'clientAuthentication'];
    expect((await failure(local([AccountsController], { options, omit }))).message).toMatch(/transferFunds|accounts\/transfer/);
  });

  it('HYB-03 local without such a route starts', async () => {
    await serving(local([PlainController]), async (rs) => {
      expect200(await rs.get('/plain', `Bearer ${await as.sign()}`));
    });
  });

  it.each([
    ['discovery', {}],
    ['introspectionEndpoint', { discovery: false }],
  ])('HYB-03 local with clientAuthentication and %s starts, and asks', async (what, options) => {
    const endpoints = { jwksUri: as.jwksUri, introspectionEndpoint: as.introspectionEndpoint };
    const given = { options: { ...options, ...(what === 'introspectionEndpoint' && endpoints) } };
    await serving(local([AccountsController], given), async (rs) => {
      const token = await as.sign();
      expect200(await rs.get('/accounts', `Bearer ${token}`));
      expect(as.introspections).toBe(0);
      expect401Token(await rs.get('/accounts/transfer', `Bearer ${token}`));
      expect(as.introspections).toBe(1);
      as.answer(token, { active: true, ...as.claims() });
      expect200(await rs.get('/accounts/transfer', `Bearer ${token}`));
    });
  });

  it('HYB-03 beside @OptionalAuth a presented token is asked about', async () => {
    await serving(local([OptionalController], {}), async (rs) => {
      const token = await as.sign();
      expect200(await rs.get('/optional/anonymous'));
      expect401Token(await rs.get('/optional/anonymous', `Bearer ${token}`));
      expect(as.introspections).toBe(1);
    });
  });

  it('HYB-03 by itself it demands a token', async () => {
    await serving(local([AccountsController], {}), async (rs) => {
      expect401None(await rs.get('/accounts/transfer'));
    });
  });
});

describe('@Introspect when a class is defined', () => {
  const anything = Introspect as (...given: unknown[]) => MethodDecorator & ClassDecorator;

  it.each([
    ['a negative age', { maxAgeMs: -1 }],
    ['no number', { maxAgeMs: NaN }],
    ['an age without end', { maxAgeMs: Infinity }],
    ['a text', { maxAgeMs: '5' }],
    ['null', { maxAgeMs: null }],
    ['true', { maxAgeMs: true }],
    ['an unknown key', { maxAge: 5 }],
    ['an unknown key beside', { maxAgeMs: 5, scopes: ['a'] }],
    ['a number for the options', 5],
    ['a text for the options', 'live'],
    ['null for the options', null],
    ['a list for the options', [5]],
  ])('HYB-03 a TypeError: %s', (_what, given) => {
    expect(() => {
      class Routes {
        @anything(given)
        handler(): void {}
      }
      return Routes;
    }).toThrow(TypeError);
  });

  it.each([
    ['nothing', []],
    ['no age', [{}]],
    ['undefined', [undefined]],
    ['an age that is undefined', [{ maxAgeMs: undefined }]],
    ['zero', [{ maxAgeMs: 0 }]],
    ['an age', [{ maxAgeMs: 5000 }]],
  ] as [string, unknown[]][])('HYB-03 no error: %s', (_what, given) => {
    expect(() => anything(...given)).not.toThrow();
  });

  it.each([
    ['@Public before it', [Public(), Introspect()]],
    ['@Public after it', [Introspect(), Public()]],
    ['twice', [Introspect(), Introspect({ maxAgeMs: 5 })]],
  ] as [string, MethodDecorator[]][])('HYB-03 a TypeError on one target: %s', (_what, [first, second]) => {
    expect(() => {
      class Routes {
        @(first as MethodDecorator)
        @(second as MethodDecorator)
        handler(): void {}
      }
      return Routes;
    }).toThrow(TypeError);
    expect(() => {
      @(first as ClassDecorator & MethodDecorator)
      @(second as ClassDecorator & MethodDecorator)
      class Routes {}
      return Routes;
    }).toThrow(TypeError);
  });

  it('HYB-03 scopes are of another kind', () => {
    expect(() => {
      class Routes {
        @Introspect()
        @AnyScope('a', 'b')
        handler(): void {}
      }
      return Routes;
    }).not.toThrow();
  });
});
