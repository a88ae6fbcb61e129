import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { linkApplication } from './application-link.js';
import { Authenticator } from './authenticator.js';
import { linkReplies } from './http-response.js';
import { AUTHENTICATOR } from './injection-tokens.js';

/** Ties the resource server to the life of the application. */
@Injectable()
export class IntrospectionLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    @Inject(AUTHENTICATOR) private readonly authenticator: Authenticator,
  ) {}

  onModuleInit(): void {
    const { httpAdapter } = this.adapterHost as { httpAdapter?: HttpAdapterHost['httpAdapter'] };
    const instance: unknown = httpAdapter?.getInstance();
    if (instance !== undefined && instance !== null) {
      linkApplication(instance as object, this.authenticator);
      if (httpAdapter?.getType() === 'fastify') linkReplies(instance as object);
    }
    this.authenticator.server.warmUp();
  }

  /** Not earlier: requests in flight still need the connections after `onModuleDestroy`. */
  async onApplicationShutdown(): Promise<void> {
    await this.authenticator.server.close();
  }
}
