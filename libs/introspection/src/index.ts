export * from './core.js';
export { BearerStrategy } from './nest/bearer.strategy.js';
export { Introspect, type IntrospectDecoratorOptions } from './nest/introspect.decorator.js';
export { IntrospectionGuard } from './nest/introspection.guard.js';
export { IntrospectionModule } from './nest/introspection.module.js';
export { IntrospectionService } from './nest/introspection.service.js';
export type {
  IntrospectionModuleAsyncOptions,
  IntrospectionModuleExtras,
  IntrospectionModuleOptions,
  IntrospectionOptionsFactory,
} from './nest/module-options.js';
export { OptionalAuth, Public } from './nest/openness.decorator.js';
export { Principal } from './nest/principal.decorator.js';
export { principalOf, type RequestWithPrincipal } from './nest/request-principal.js';
export { ResourceServerException } from './nest/resource-server.exception.js';
export { AnyScope, Scopes } from './nest/scopes.decorator.js';
