import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { repository } from './pack.js';

export interface EntryPoint {
  /** The package's folder. */
  readonly project: string;
  /** The entry's declarations, relative to it. */
  readonly types: string;
  /** Names the report: `test/package/api/<name>.api.md`. */
  readonly name: string;
}

/** Compares an entry point's public declarations with the committed report; with API_REPORT=update, writes it instead. */
export function compareApiReport({ project, types, name }: EntryPoint): { changed: boolean; report: string } {
  const compilerOptions = {
    module: 'nodenext',
    moduleResolution: 'nodenext',
    target: 'es2023',
    lib: ['es2023'],
    types: ['node'],
    skipLibCheck: true,
    strict: true,
  };
  const temporary = join(project, '../reports', name);
  const committed = join(repository, 'test/package/api', `${name}.api.md`);
  mkdirSync(temporary, { recursive: true });
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['dist'] }));
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: join(project, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: project,
      mainEntryPointFilePath: join(project, types),
      compiler: { tsconfigFilePath: join(project, 'tsconfig.json') },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: temporary,
        reportTempFolder: join(temporary, 'actual'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        // No release tags here: all that an entry point exports is public.
        extractorMessageReporting: { 'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
  Extractor.invoke(config, { localBuild: true, messageCallback: (message) => (message.handled = true) });
  const actual = join(temporary, 'actual', `${name}.api.md`);
  if (process.env.API_REPORT === 'update') copyFileSync(actual, committed);
  const report = readFileSync(actual, 'utf8');
  return { changed: !existsSync(committed) || readFileSync(committed, 'utf8') !== report, report };
}
