import { Module } from '@nestjs/common';
import { Configuration } from './configuration.js';

@Module({
  providers: [{ provide: Configuration, useFactory: () => Configuration.read(process.env) }],
  exports: [Configuration],
})
export class ConfigurationModule {}
