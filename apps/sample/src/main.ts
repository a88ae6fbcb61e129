import 'reflect-metadata';
import { ConfigurationError } from 'nestjs-introspection';
import { Configuration } from './configuration/configuration.js';
import { ConfigurationVariablesError } from './configuration/variable-reader.js';
import { createApplication } from './create-application.js';
import { listen, PortTakenError } from './listen.js';

const explained = [ConfigurationVariablesError, ConfigurationError, PortTakenError];

try {
  const configuration = Configuration.read(process.env);
  const app = await createApplication(configuration.platform);
  await listen(app, configuration);
  app.flushLogs();
  const { platform, introspection } = configuration;
  console.log(`Albums API on ${await app.getUrl()} (${platform}), access tokens of ${introspection.issuer}`);
} catch (error) {
  const isExplained = explained.some((type) => error instanceof type);
  console.error(isExplained && error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
