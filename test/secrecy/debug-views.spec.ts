import { createPrincipal, IntrospectionGuard, IntrospectionService } from 'nestjs-introspection';
import { createResourceServer } from 'nestjs-introspection/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../support/authorization-server.js';
import { LeakSearch } from '../support/leaks.js';
import { ADAPTERS, type ResourceServer } from '../support/resource-server.js';
import { application, optionsFor, SECRET, start, startWatching } from '../support/witness.js';

describe.each(ADAPTERS)('T120 no debug view shows a secret (%s)', (adapter) => {
  let as: AuthorizationServer;
  let rs: ResourceServer;
  let watch: ReturnType<typeof startWatching>;
  let search: LeakSearch;

  beforeEach(async () => {
    watch = startWatching();
    as = await startAuthorizationServer();
    rs = await start(adapter, as, {});
    const token = as.token();
    await rs.get('/any', `Bearer ${token}`);
    search = new LeakSearch([
      { name: 'the client secret', text: SECRET },
      { name: 'the token', text: token },
    ]);
  });
  afterEach(async () => {
    watch.stop();
    await rs.close();
    await as.close();
  });

  it('of a principal, which shows claims and never its token', () => {
    expect(watch.seen.principals).toHaveLength(1);
    expect(watch.seen.principals.flatMap((principal) => search.findIn('principal', principal))).toEqual([]);
    expect(search.findIn('principal of the application', createPrincipal({ issuer: 'x' }))).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['the service', () => rs.app.get(IntrospectionService)],
    ['the guard', () => rs.app.get(IntrospectionGuard)],
    ['the dynamic module', () => application(optionsFor(as, {})).root],
    ['a resource server', () => createResourceServer(optionsFor(as, {}))],
  ])('of %s', (_what, select) => {
    expect(search.findIn('it', select())).toEqual([]);
  });
});
