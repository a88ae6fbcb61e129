import { Controller, Get, Inject, Req } from '@nestjs/common';
import { IntrospectionService, Principal, type AccessTokenPrincipal, type RequestWithPrincipal } from 'nestjs-introspection';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { ADAPTERS, describePrincipal, startResourceServer, type ResourceServer } from '../support/resource-server.js';

/** Everything that can be tried on an object, with what it would look like had it worked. */
const ATTACKS: Record<string, (target: object, key: string) => unknown> = {
  set: (target, key) => ((target as Record<string, unknown>)[key] = 'forged'),
  'set by Reflect': (target, key) => Reflect.set(target, key, 'forged'),
  define: (target, key) => Object.defineProperty(target, key, { value: 'forged' }),
  delete: (target, key) => delete (target as Record<string, unknown>)[key],
  add: (target, key) => ((target as Record<string, unknown>)[`${key}-forged`] = 'forged'),
  adopt: (target) => Object.setPrototypeOf(target, { forged: 'forged' }),
  push: (target) => (target as string[]).push('forged'),
  fill: (target) => (target as string[]).fill('forged'),
  empty: (target) => ((target as string[]).length = 0),
};

/** Tries all of them on all that can be reached; counts what did not throw. */
function attack(root: object): { tried: number; silent: string[] } {
  let tried = 0;
  const silent: string[] = [];
  const seen = new Set<object>();
  const visit = (target: object, path: string): void => {
    if (seen.has(target)) return;
    seen.add(target);
    const keys = Reflect.ownKeys(target).filter((key) => typeof key === 'string');
    for (const key of keys.length > 0 ? keys : ['absent']) {
      for (const [how, run] of Object.entries(ATTACKS)) {
        if (!isPossible(how, target, key)) continue;
        tried += 1;
        try {
          // `Reflect.set` does not throw but says so.
          if (run(target, key) !== false) silent.push(`${how} ${path}.${key}`);
        } catch {
          // As it should be.
        }
      }
      const value: unknown = Reflect.get(target, key);
      if (typeof value === 'object' && value !== null) visit(value, `${path}.${key}`);
    }
  };
  visit(root, 'principal');
  return { tried, silent };
}

/** Whether it would change anything. */
function isPossible(how: string, target: object, key: string): boolean {
  if (how === 'delete') return Object.hasOwn(target, key);
  if (how === 'fill') return Array.isArray(target) && target.length > 0;
  return Array.isArray(target) || !['push', 'empty'].includes(how);
}

@Controller()
class VandalController {
  constructor(@Inject(IntrospectionService) private readonly service: IntrospectionService) {}

  @Get('look') look(@Principal() principal: AccessTokenPrincipal): unknown {
    return describePrincipal(principal);
  }

  @Get('attack') attack(@Principal() principal: AccessTokenPrincipal): unknown {
    return attack(principal);
  }

  /** What is a plain object of its own may be changed; that must not reach anybody else. */
  @Get('attack-answer') async attackAnswer(@Principal() principal: AccessTokenPrincipal): Promise<unknown> {
    const answer = await this.service.introspect(principal.token ?? '');
    const { tried } = attack(answer);
    return { tried, again: await this.service.introspect(principal.token ?? '') };
  }

  @Get('replace') replace(@Req() request: RequestWithPrincipal<unknown>): unknown {
    request.user = { subject: 'forged', scopes: ['forged'] };
    return 'replaced';
  }
}

const CLAIMS = {
  roles: ['reader', 'writer'],
  act: { sub: 'actor', act: { sub: 'first actor' } },
  authorization_details: [{ type: 'payment', amounts: [1, 2], to: { iban: 'x' } }],
  nested: { a: { b: [{ c: 'd' }] }, empty: {}, none: [] },
  sid: 'session',
};

describe.each(ADAPTERS)('A principal that a handler tries to change (%s)', (adapter) => {
  let as: AuthorizationServer;
  let rs: ResourceServer | undefined;
  beforeAll(async () => {
    as = await startAuthorizationServer();
    return () => as.close();
  });
  afterEach(() => rs?.close());

  it.each<[string, Record<string, unknown>, 'opaque' | 'JWT']>([
    ['of an answer', {}, 'opaque'],
    ['of a remembered answer', { cache: { ttlMs: 60_000 } }, 'opaque'],
    ['of a JWT', { verification: 'local' }, 'JWT'],
    ['of both', { verification: 'both' }, 'JWT'],
  ])('stays what it was, for this request and the next: %s', async (_what, options, kind) => {
    rs = await startResourceServer({ adapter, authorizationServer: as, controllers: [VandalController], options });
    const { port } = rs;
    const token = kind === 'JWT' ? await as.sign(CLAIMS) : as.token(CLAIMS);
    if (kind === 'JWT') as.answer(token, { active: true, ...as.claims(CLAIMS) });
    const get = async (path: string): Promise<unknown> => {
      const { status, body } = await (rs as ResourceServer).get(path, `Bearer ${token}`);
      expect([path, status, port]).toEqual([path, 200, port]);
      return body.startsWith('{') ? (JSON.parse(body) as unknown) : body;
    };
    const before = await get('/look');
    expect(before).toMatchObject({ principal: { subject: 'u1', roles: CLAIMS.roles, claims: { nested: CLAIMS.nested } } });
    const { tried, silent } = (await get('/attack')) as ReturnType<typeof attack>;
    expect(tried).toBeGreaterThan(100);
    expect(silent).toEqual([]);
    expect(await get('/look')).toEqual(before);
    const { again } = (await get('/attack-answer')) as { again: unknown };
    expect(again).toMatchObject({ active: true, sub: 'u1', nested: CLAIMS.nested, act: CLAIMS.act });
    expect(JSON.stringify(again)).not.toContain('forged');
    expect(await get('/replace')).toBe('replaced');
    expect(await get('/look')).toEqual(before);
  });
});
