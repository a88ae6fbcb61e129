import { Catch, Controller, Get, Inject, Module, Req, type ArgumentsHost, type INestApplication } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { randomBytes } from 'node:crypto';
import {
  Introspect,
  IntrospectionModule,
  IntrospectionService,
  OptionalAuth,
  Principal,
  Public,
  Scopes,
  type AccessTokenPrincipal,
  type IntrospectionEvent,
  type IntrospectionModuleOptions,
} from 'nestjs-introspection';
import type { AuthorizationServer } from './authorization-server.js';
import { defaultOptions, serve, type Adapter, type ResourceServer } from './resource-server.js';

export const randomText = (): string => randomBytes(18).toString('hex');
/** The client secret of every application here. */
export const SECRET = `secret-${randomText()}`;

/** What a test saw on the way: every exception before Nest answered it, every principal, event and line. */
export interface Seen {
  exceptions: unknown[];
  principals: AccessTokenPrincipal[];
  events: IntrospectionEvent[];
  warnings: string[];
}
let seen: Seen = nothing();

function nothing(): Seen {
  return { exceptions: [], principals: [], events: [], warnings: [] };
}

/** Forgets what was seen, and watches what is written past the logger. */
export function startWatching(): { seen: Seen; stop(): void } {
  seen = nothing();
  return { seen, stop: listenToStreams() };
}

@Controller()
class Routes {
  @Get('any') any(@Principal() principal: AccessTokenPrincipal): unknown {
    seen.principals.push(principal);
    return 'ok';
  }
  @Get('scoped') @Scopes('other') scoped(): unknown {
    return 'ok';
  }
  @Get('fresh') @Introspect({ maxAgeMs: 0 }) fresh(): unknown {
    return 'ok';
  }
  @Get('opt') @OptionalAuth() optional(): unknown {
    return 'ok';
  }
  @Get('pub') @Public() open(): unknown {
    return 'ok';
  }
  constructor(@Inject(IntrospectionService) private readonly service: IntrospectionService) {}
  @Get('service') @Public() async asked(@Req() request: Parameters<IntrospectionService['authenticate']>[0]): Promise<unknown> {
    return (await this.service.authenticate(request)).scheme;
  }
}

/** Sees every exception before Nest answers it. */
@Catch()
class Witness extends BaseExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): void {
    seen.exceptions.push(exception);
    super.catch(exception, host);
  }
}

/** The module of the application, with what `forRoot` made in `root`. */
export const application = (options: IntrospectionModuleOptions): { new (): object; root: object } => {
  const root = IntrospectionModule.forRoot(options);
  @Module({ imports: [root], controllers: [Routes] })
  class ApplicationModule {
    static root = root;
  }
  return ApplicationModule;
};

export function optionsFor(as: AuthorizationServer, options: Record<string, unknown>): IntrospectionModuleOptions {
  return {
    ...defaultOptions(as),
    clientAuthentication: { method: 'client_secret_basic', clientId: 'rs1', clientSecret: SECRET },
    onEvent: (event: IntrospectionEvent) => seen.events.push(event),
    ...options,
  } as IntrospectionModuleOptions;
}

export async function start(
  adapter: Adapter,
  as: AuthorizationServer,
  options: Record<string, unknown>,
  configure?: (app: INestApplication) => void,
): Promise<ResourceServer> {
  return serve({
    adapter,
    authorizationServer: as,
    module: application(optionsFor(as, options)),
    configure: (app) => {
      app.useGlobalFilters(new Witness(app.get(HttpAdapterHost).httpAdapter));
      configure?.(app);
    },
  });
}

/** Node's warnings, and whatever is written past the logger. */
function listenToStreams(): () => void {
  const { warnings } = seen;
  const note = (warning: Error): void => void warnings.push(`${warning.name} ${warning.message}`);
  process.on('warning', note);
  const streams = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write.bind(stream);
    stream.write = ((chunk: string | Uint8Array, ...rest: never[]) => {
      warnings.push(String(chunk));
      return write(chunk, ...rest);
    }) as typeof stream.write;
    return () => (stream.write = write);
  });
  return () => {
    process.off('warning', note);
    for (const restore of streams) restore();
  };
}
