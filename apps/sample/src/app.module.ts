import { Module } from '@nestjs/common';
import { IntrospectionModule } from 'nestjs-introspection';
import { AlbumsController } from './albums/albums.controller.js';
import { Albums } from './albums/albums.js';
import { Configuration } from './configuration/configuration.js';
import { ConfigurationModule } from './configuration/configuration.module.js';
import { IndexController } from './index-page/index.controller.js';

@Module({
  imports: [
    ConfigurationModule,
    IntrospectionModule.forRootAsync({
      imports: [ConfigurationModule],
      inject: [Configuration],
      useFactory: (configuration: Configuration) => configuration.introspection,
    }),
  ],
  controllers: [AlbumsController, IndexController],
  providers: [Albums],
})
export class AppModule {}
