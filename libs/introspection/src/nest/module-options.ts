import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency, Type } from '@nestjs/common';
import type { ResourceServerOptions } from '../pipeline/options/options.js';

/** What stands beside the options and is known before any factory runs. */
export interface IntrospectionModuleExtras {
  /**
   * Whether every route needs a valid access token unless it says otherwise. With `false`, only those with
   * `@UseGuards(IntrospectionGuard)` do.
   * @default true
   */
  readonly globalGuard?: boolean;
}

/** The options of `IntrospectionModule.forRoot`. */
export type IntrospectionModuleOptions = ResourceServerOptions & IntrospectionModuleExtras;

/** What a class given as `useClass` or `useExisting` implements. */
export interface IntrospectionOptionsFactory {
  createIntrospectionOptions(): ResourceServerOptions | Promise<ResourceServerOptions>;
}

/** The options of `IntrospectionModule.forRootAsync`: one of `useFactory`, `useClass` and `useExisting`. */
export interface IntrospectionModuleAsyncOptions extends IntrospectionModuleExtras, Pick<ModuleMetadata, 'imports'> {
  /** What the factory is called with. */
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  // The types of what is injected are the application's: `never` lets it name them.
  readonly useFactory?: (...dependencies: never[]) => ResourceServerOptions | Promise<ResourceServerOptions>;
  readonly useClass?: Type<IntrospectionOptionsFactory>;
  readonly useExisting?: InjectionToken<IntrospectionOptionsFactory>;
}
