import {
  Controller,
  Get,
  Module,
  type ExecutionContext,
  type INestApplication,
  type LoggerService,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { ClientProxyFactory, MessagePattern, Transport, type ClientProxy, type TcpOptions } from '@nestjs/microservices';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { createServer, type AddressInfo, type Server } from 'node:net';
import {
  IntrospectionGuard,
  IntrospectionModule,
  Principal,
  principalOf,
  Public,
  Scopes,
  type AccessTokenPrincipal,
} from 'nestjs-introspection';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAuthorizationServer, type AuthorizationServer } from '../../support/authorization-server.js';
import { connectByPolling, type PollingClient } from '../../support/polling-client.js';
import { defaultOptions } from '../../support/resource-server.js';

let as: AuthorizationServer;
let handled: string[];
let logs: string[];

const write = (...parts: unknown[]): void => void logs.push(parts.map(String).join(' '));
const logger: LoggerService = { log: write, warn: write, error: write, debug: write, verbose: write, fatal: write };

beforeAll(async () => {
  as = await startAuthorizationServer();
});
beforeEach(() => {
  as.reset();
  handled = [];
  logs = [];
});
afterAll(() => as.close());

const SAYS_WHY = /not supported/;

@WebSocketGateway()
class Gateway {
  @SubscribeMessage('any') any(@MessageBody() data: unknown): unknown {
    handled.push('any');
    return { event: 'answer', data };
  }
  @SubscribeMessage('scoped') @Scopes('read') scoped(): unknown {
    handled.push('scoped');
    return { event: 'answer', data: 'scoped' };
  }
  @SubscribeMessage('open') @Public() open(
    @MessageBody() data: unknown,
    @Principal() principal: AccessTokenPrincipal | undefined,
  ): unknown {
    handled.push('open');
    return { event: 'answer', data: { data, principal: principal ?? null } };
  }
}

@Controller()
class Messages {
  @MessagePattern('any') any(): string {
    handled.push('any');
    return 'any';
  }
  @MessagePattern('scoped') @Scopes('read') scoped(): string {
    handled.push('scoped');
    return 'scoped';
  }
  @MessagePattern('open') @Public() open(): string {
    handled.push('open');
    return 'open';
  }
  @Get('http') http(): string {
    return 'http';
  }
}

function application(...declared: { controllers?: Type[]; providers?: Type[] }[]): Type {
  @Module({ imports: [IntrospectionModule.forRoot(defaultOptions(as))], ...Object.assign({}, ...declared) })
  class ApplicationModule {}
  return ApplicationModule;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a WebSocket gateway', () => {
  let app: INestApplication;
  let client: PollingClient;

  beforeAll(async () => {
    logs = [];
    app = await NestFactory.create(application({ providers: [Gateway] }), {
      logger,
      abortOnError: false,
      forceCloseConnections: true,
    });
    app.useWebSocketAdapter(new IoAdapter(app));
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const token = as.token();
    client = await connectByPolling(port, { authorization: `Bearer ${token}` }, { token });
  });
  afterAll(async () => {
    await client.close();
    await app.close();
  });

  it.each(['any', 'scoped'])('T55 refuses the handler %s, even with a good token, and says why', async (event) => {
    await client.emit(event, { x: 1 });
    const [name, said] = await client.nextEvent();
    expect(name).toBe('exception');
    expect(JSON.stringify(said)).toMatch(SAYS_WHY);
    expect(handled).toEqual([]);
    expect(as.introspections).toBe(0);
  });

  it('lets public handlers pass, without a principal', async () => {
    await client.emit('open', 'hello');
    expect(await client.nextEvent()).toEqual(['answer', { data: 'hello', principal: null }]);
    expect(handled).toEqual(['open']);
  });

  it('is no crash for any message', async () => {
    for (const data of [null, [], { toString: 1 }, { __proto__: null }, 'x', 5]) {
      await client.emit('any', data);
      expect((await client.nextEvent())[0]).toBe('exception');
    }
    expect(handled).toEqual([]);
  });

  it('does not fill the log: one line per reason and minute', async () => {
    for (let round = 0; round < 20; round += 1) {
      await client.emit('any', round);
      await client.nextEvent();
    }
    expect(logs.filter((line) => SAYS_WHY.test(line)).length).toBeLessThanOrEqual(1);
  });
});

const reply = async (client: ClientProxy, pattern: string): Promise<unknown> =>
  firstValueFrom(client.send<unknown, unknown>(pattern, { authorization: `Bearer ${as.token()}` })).catch((error: unknown) => ({
    error,
  }));

async function expectRefusals(client: ClientProxy): Promise<void> {
  for (const pattern of ['any', 'scoped']) expect(JSON.stringify(await reply(client, pattern))).toMatch(SAYS_WHY);
  expect(handled).toEqual([]);
  expect(as.introspections).toBe(0);
  expect(await reply(client, 'open')).toBe('open');
  expect(handled).toEqual(['open']);
}

function tcpClient(port: number): ClientProxy {
  return ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
}

describe('a TCP microservice', () => {
  it('T55 refuses handlers, says why, and lets public ones pass', async () => {
    const options: TcpOptions = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } };
    const service = await NestFactory.createMicroservice(application({ controllers: [Messages] }), {
      ...options,
      logger,
      abortOnError: false,
    });
    await service.listen();
    const { port } = service.unwrap<Server>().address() as AddressInfo;
    const client = tcpClient(port);
    await expectRefusals(client);
    await client.close();
    await service.close();
  });
});

describe('a hybrid application', () => {
  it('T55 that inherits its configuration refuses messages, and serves HTTP', async () => {
    const app = await NestFactory.create(application({ controllers: [Messages] }), {
      logger,
      abortOnError: false,
      forceCloseConnections: true,
    });
    const port = await freePort();
    app.connectMicroservice<TcpOptions>(
      { transport: Transport.TCP, options: { host: '127.0.0.1', port } },
      { inheritAppConfig: true },
    );
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    const client = tcpClient(port);
    await expectRefusals(client);
    const http = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/http`;
    expect((await fetch(http)).status).toBe(401);
    expect((await fetch(http, { headers: { authorization: `Bearer ${as.token()}` } })).status).toBe(200);
    await client.close();
    await app.close();
  });
});

describe('a context of another kind', () => {
  const contextOf = (type: string, args: unknown[], handler: 'any' | 'open' = 'any'): ExecutionContext => {
    const context = new ExecutionContextHost(args, Messages, Messages.prototype[handler]);
    context.setType(type);
    return context;
  };
  const request = { headers: { authorization: 'Bearer x' } };
  const CONTEXTS: [string, string, unknown[]][] = [
    ['a GraphQL operation', 'graphql', [undefined, {}, { req: request }, {}]],
    ['a GraphQL operation whose root value looks like a request', 'graphql', [request, {}, { req: request }, {}]],
    ['a GraphQL subscription', 'graphql', [undefined, {}, { connectionParams: { authorization: 'Bearer x' } }, {}]],
    ['an unknown transport', 'telegram', [request, {}]],
    ['a name from a prototype', 'constructor', [request, {}]],
    ['HTTP in capitals', 'HTTP', [request, {}]],
    ['no arguments', 'ws', []],
    ['an rpc call without data', 'rpc', [undefined, undefined]],
  ];

  it.each(CONTEXTS)('%s is refused, whatever was sent, and says why', async (_what, type, args) => {
    const app = await NestFactory.createApplicationContext(application({ controllers: [Messages] }), {
      logger,
      abortOnError: false,
    });
    const guard = app.get(IntrospectionGuard);
    const context = contextOf(type, args);
    const refusal: unknown = await guard.canActivate(context).then(
      (allowed) => ({ allowed }),
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(Error);
    const said = [JSON.stringify(refusal), (refusal as Error).message, ...logs].join('\n');
    expect(said).toMatch(SAYS_WHY);
    expect(as.introspections).toBe(0);
    expect(principalOf(context)).toBeUndefined();
    expect(await guard.canActivate(contextOf(type, args, 'open'))).toBe(true);
    await app.close();
  });

  it('refuses GraphQL with an HttpException, from which drivers make an error code', async () => {
    const app = await NestFactory.createApplicationContext(application({ controllers: [Messages] }), {
      logger,
      abortOnError: false,
    });
    const refusal = await app
      .get(IntrospectionGuard)
      .canActivate(contextOf('graphql', [undefined, {}, {}, {}]))
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'ResourceServerException', status: 403 });
    await app.close();
  });
});
