import 'reflect-metadata';
import { Controller, Get, Module, Post, type INestApplication, type LoggerService, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import {
  AccessTokenPrincipal,
  IntrospectionModule,
  OptionalAuth,
  Principal,
  Public,
  Scopes,
  type IntrospectionModuleOptions,
} from 'nestjs-introspection';
import { AUDIENCE, type AuthorizationServer } from './authorization-server.js';
import { send, type HeaderLine, type RawConnection, type RawRequest, type RawResponse } from './raw-http.js';

export type Adapter = 'express' | 'fastify';
export const ADAPTERS: readonly Adapter[] = ['express', 'fastify'];

/** An answer with what it cost. The counts are right while one request is served at a time. */
export interface Exchange extends RawResponse {
  /** How many handlers ran. */
  handled: number;
  introspections: number;
  keySetFetches: number;
}

export interface ResourceServer {
  readonly adapter: Adapter;
  readonly app: INestApplication;
  readonly port: number;
  /** Handlers that ran since the start. */
  readonly handled: number;
  /** Every line that the application logged, all levels. */
  readonly logs: string[];
  send(request: RawRequest, connection?: RawConnection): Promise<Exchange>;
  /** `GET path` with one `Authorization` line per value given. */
  get(path: string, ...authorization: string[]): Promise<Exchange>;
  close(): Promise<void>;
}

export interface ResourceServerSetup {
  adapter: Adapter;
  authorizationServer: AuthorizationServer;
  /** Merged over `defaultOptions`. */
  options?: Partial<IntrospectionModuleOptions>;
  /** Options to leave out. */
  omit?: readonly string[];
  /** @default the fixture routes */
  controllers?: Type[];
  imports?: Type[];
  /** Runs before the application listens. */
  configure?(app: INestApplication): void | Promise<void>;
}

/** The fixture's configuration: everything that is asked of the authorization server is asked there. */
export function defaultOptions(authorizationServer: AuthorizationServer): IntrospectionModuleOptions {
  return {
    issuer: authorizationServer.issuer,
    audience: AUDIENCE,
    verification: 'remote',
    clientAuthentication: { method: 'client_secret_basic', clientId: 'rs1', clientSecret: 'rs1-secret-value' },
    allowInsecureHttp: true,
    realm: 'example',
  };
}

/** A principal's public members; `null` where a handler got none. */
export function describePrincipal(principal: AccessTokenPrincipal | undefined): Record<string, unknown> {
  if (!principal) return { principal: null };
  const { issuer, subject, clientId, subjectType, scopes, roles, audience, expiresAtSeconds, issuedAtSeconds } = principal;
  const { tokenId, sessionId, scheme, verifiedBy, actor, authorizationDetails, claims } = principal;
  const times = { expiresAtSeconds, issuedAtSeconds };
  const named = { issuer, subject, clientId, subjectType, scopes, roles, audience, tokenId, sessionId, scheme, verifiedBy };
  return { principal: { ...named, ...times, actor, authorizationDetails, claims }, serialized: JSON.stringify(principal) };
}

@Controller()
export class FixtureController {
  @Get('r')
  @Scopes('read')
  read(@Principal() principal: AccessTokenPrincipal): unknown {
    return describePrincipal(principal);
  }

  @Post('w')
  @Scopes('write')
  write(@Principal() principal: AccessTokenPrincipal): unknown {
    return describePrincipal(principal);
  }

  @Get('any')
  any(@Principal() principal: AccessTokenPrincipal): unknown {
    return describePrincipal(principal);
  }

  @Get('pub')
  @Public()
  open(@Principal() principal: AccessTokenPrincipal | undefined): unknown {
    return describePrincipal(principal);
  }

  @Get('opt')
  @OptionalAuth()
  optional(@Principal() principal: AccessTokenPrincipal | undefined): unknown {
    return describePrincipal(principal);
  }
}

export async function startResourceServer(setup: ResourceServerSetup): Promise<ResourceServer> {
  const { adapter, authorizationServer, omit = [], controllers = [FixtureController], imports = [] } = setup;
  const merged = Object.entries({ ...defaultOptions(authorizationServer), ...setup.options });
  const options = Object.fromEntries(merged.filter(([name]) => !omit.includes(name))) as unknown as IntrospectionModuleOptions;

  @Module({ imports: [IntrospectionModule.forRoot(options), ...imports], controllers })
  class ApplicationModule {}

  return serve({
    adapter,
    authorizationServer,
    module: ApplicationModule,
    ...(setup.configure && { configure: setup.configure }),
  });
}

export interface ServedModule {
  adapter: Adapter;
  authorizationServer: AuthorizationServer;
  module: Type;
  configure?(app: INestApplication): void | Promise<void>;
}

/** Any module, served and counted like the fixture. */
export async function serve({ adapter, authorizationServer, module, configure }: ServedModule): Promise<ResourceServer> {
  const logs: string[] = [];
  const platform = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter({ forceCloseConnections: true });
  const logger = capturingLogger(logs);
  const app = await NestFactory.create(module, platform, { logger, abortOnError: false, forceCloseConnections: true });
  let handled = 0;
  app.useGlobalInterceptors({
    intercept: (_context, next) => {
      handled += 1;
      return next.handle();
    },
  });
  await configure?.(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;

  const exchange = async (request: RawRequest, connection?: RawConnection): Promise<Exchange> => {
    const before = { handled, introspections: authorizationServer.introspections, keys: authorizationServer.keySetFetches };
    const response = await (connection ? connection.send(request) : send(port, request));
    return {
      ...response,
      handled: handled - before.handled,
      introspections: authorizationServer.introspections - before.introspections,
      keySetFetches: authorizationServer.keySetFetches - before.keys,
    };
  };
  return {
    adapter,
    app,
    port,
    get handled() {
      return handled;
    },
    logs,
    send: exchange,
    get: (path, ...authorization) =>
      exchange({ path, headers: authorization.map((value): HeaderLine => ['Authorization', value]) }),
    close: () => app.close(),
  };
}

function capturingLogger(logs: string[]): LoggerService {
  const write = (...parts: unknown[]): void => {
    logs.push(parts.map((part) => (typeof part === 'string' ? part : inspect(part, { depth: 10 }))).join(' '));
  };
  return { log: write, error: write, warn: write, debug: write, verbose: write, fatal: write };
}
