import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../../', import.meta.url));

const compiles: [title: string, code: string][] = [
  ['the smallest options', `IntrospectionModule.forRoot({ issuer, audience, clientAuthentication });`],
  ['audience: null, the written opt-out', `IntrospectionModule.forRoot({ issuer, audience: null, clientAuthentication });`],
  ['several audiences', `IntrospectionModule.forRoot({ issuer, audience: ['a', 'b'], clientAuthentication });`],
  [
    'local verification without client authentication',
    `IntrospectionModule.forRoot({ issuer, audience, verification: 'local' });`,
  ],
  ['a JWT without typ', `IntrospectionModule.forRoot({ issuer, audience, clientAuthentication, tokenTypes: ['at+jwt', null] });`],
  [
    'a secret that is a function, sync or async',
    `for (const clientSecret of [() => 's', async () => 's'])
       IntrospectionModule.forRoot({ issuer, audience, clientAuthentication: { method: 'client_secret_post', clientId: 'api', clientSecret } });`,
  ],
  [
    'globalGuard beside the options',
    `IntrospectionModule.forRoot({ issuer, audience, clientAuthentication, globalGuard: false });`,
  ],
  [
    'forRootAsync with a factory whose parameters the application types',
    `class Config { readonly issuer = 'https://as.example.com'; }
     IntrospectionModule.forRootAsync({ inject: [Config], useFactory: (config: Config) => ({ issuer: config.issuer, audience, clientAuthentication }) });`,
  ],
  [
    'forRootAsync with a class',
    `class Factory implements IntrospectionOptionsFactory {
       async createIntrospectionOptions() { return { issuer, audience, clientAuthentication }; }
     }
     IntrospectionModule.forRootAsync({ useClass: Factory, globalGuard: false });`,
  ],
  [
    'decorators on classes, methods and parameters',
    `@Scopes('read')
     class Albums {
       @AnyScope('read', 'write') list(@Principal() principal: AccessTokenPrincipal) { return principal.subject; }
       @OptionalAuth() read(@Principal() principal: AccessTokenPrincipal | undefined) { return principal?.subject; }
       @Public() health() { return 'ok'; }
       create(@Principal('clientId') clientId: string | undefined) { return clientId; }
     }
     void Albums;`,
  ],
  [
    'onEvent narrows by type',
    `const onEvent = (event: IntrospectionEvent): string => {
       switch (event.type) {
         case 'verification.refused': return event.reason;
         case 'principal.accepted': return event.verifiedBy + event.durationMs.toFixed();
         default: return event.type + event.atMs.toFixed() + (event.issuer ?? '');
       }
     };
     IntrospectionModule.forRoot({ issuer, audience, clientAuthentication, onEvent });`,
  ],
  [
    'one Requirement for every way in',
    `const requirement: Requirement = { scopes: ['read'], audience: ['https://rs.example.com'] };
     const server: ResourceServer = createResourceServer({ issuer, audience, clientAuthentication });
     const answer = async (request: Request): Promise<string | undefined> => (await server.authenticate(request, requirement)).subject;
     void answer;`,
  ],
  [
    'a request typed with its principal',
    `const of = (request: RequestWithPrincipal): readonly string[] => request.user?.scopes ?? []; void of;`,
  ],
  [
    'a principal of the application',
    `const made: AccessTokenPrincipal = createPrincipal({ issuer, subject: 'alice', scopes: ['read'] }); void made;`,
  ],
];

const refused: [title: string, text: string, code: string][] = [
  ['no options', "'{}' is not assignable", `IntrospectionModule.forRoot({});`],
  ['no issuer', "Property 'issuer' is missing", `IntrospectionModule.forRoot({ audience, clientAuthentication });`],
  ['no audience', "Property 'audience' is missing", `IntrospectionModule.forRoot({ issuer, clientAuthentication });`],
  [
    'audience: undefined',
    "'undefined' is not assignable to type 'string | readonly string[] | null'",
    `IntrospectionModule.forRoot({ issuer, audience: undefined, clientAuthentication });`,
  ],
  [
    'an unknown option',
    "'audiences' does not exist",
    `IntrospectionModule.forRoot({ issuer, audience, clientAuthentication, audiences: ['a'] });`,
  ],
  [
    'an unknown option of a group',
    "'proxy' does not exist",
    `IntrospectionModule.forRoot({ issuer, audience, clientAuthentication, http: { proxy: 'x' } });`,
  ],
  [
    'an unknown verification',
    `'"none"' is not assignable`,
    `IntrospectionModule.forRoot({ issuer, audience, clientAuthentication, verification: 'none' });`,
  ],
  [
    'client authentication without a secret',
    "Property 'clientSecret' is missing",
    `IntrospectionModule.forRoot({ issuer, audience, clientAuthentication: { method: 'client_secret_basic', clientId: 'api' } });`,
  ],
  ['@Scopes without a scope', 'Expected at least 1 argument', `@Scopes() class A {} void A;`],
  ['@AnyScope without a scope', 'Expected at least 1 argument', `@AnyScope() class A {} void A;`],
  ['a scope that is no string', "'number' is not assignable", `@Scopes(1) class A {} void A;`],
  ['@Public with an argument', 'Expected 0 arguments', `@Public(true) class A {} void A;`],
  [
    'a member that the principal has not',
    `'"email"' is not assignable`,
    `class A { a(@Principal('email') email: string) { return email; } } void A;`,
  ],
  [
    'a changed principal',
    "Cannot assign to 'subject'",
    `const change = (principal: AccessTokenPrincipal) => { principal.subject = 'mallory'; }; void change;`,
  ],
  [
    'changed scopes',
    "Property 'push' does not exist",
    `const change = (principal: AccessTokenPrincipal) => principal.scopes.push('admin'); void change;`,
  ],
  [
    'a subject taken as always there',
    "'undefined' is not assignable to type 'string'",
    `const subject = (principal: AccessTokenPrincipal): string => principal.subject; void subject;`,
  ],
  [
    'an event member of another type',
    "Property 'reason' does not exist",
    `const reason = (event: IntrospectionEvent) => event.reason; void reason;`,
  ],
  [
    'an event type that does not exist',
    `'"token.seen"' is not comparable`,
    `const on = (event: IntrospectionEvent) => { switch (event.type) { case 'token.seen': break; } }; void on;`,
  ],
  ['an unknown requirement', "'group' does not exist", `const requirement: Requirement = { group: 'staff' }; void requirement;`],
  ['a principal without an issuer', "Property 'issuer' is missing", `createPrincipal({ subject: 'alice' });`],
];

const preamble = `import {
  AccessTokenPrincipal, AnyScope, createPrincipal, createResourceServer, type IntrospectionEvent, IntrospectionModule,
  type IntrospectionOptionsFactory, OptionalAuth, Principal, Public, type RequestWithPrincipal, type Requirement, type ResourceServer, Scopes,
} from 'nestjs-introspection';
const issuer = 'https://as.example.com';
const audience = 'https://rs.example.com';
const clientAuthentication = { method: 'client_secret_basic', clientId: 'api', clientSecret: 's' } as const;
void [issuer, audience, clientAuthentication, AnyScope, createPrincipal, createResourceServer, IntrospectionModule, OptionalAuth, Principal, Public, Scopes];
`;
const readmeModule = /^```ts\n(.*?)^```$/ms.exec(readFileSync(`${repository}README.md`, 'utf8'))?.[1] ?? '';

/** The errors that the compiler finds in files that exist only here, against the library's sources. */
function compile(sources: ReadonlyMap<string, string>): Map<string, string[]> {
  const { config } = ts.readConfigFile(`${repository}tsconfig.base.json`, ts.sys.readFile) as {
    config: { compilerOptions: unknown };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, repository);
  const files = new Map([...sources].map(([name, code]) => [`${repository}test/types/${name}`, code]));
  const host = ts.createCompilerHost({});
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists.call(host, name);
  host.readFile = (name) => files.get(name) ?? readFile.call(host, name);
  host.getSourceFile = (name, version, ...rest) => {
    const code = files.get(name);
    return code === undefined ? getSourceFile.call(host, name, version, ...rest) : ts.createSourceFile(name, code, version);
  };
  const program = ts.createProgram(
    [...files.keys()],
    {
      ...options,
      noEmit: true,
      declaration: false,
      declarationMap: false,
      paths: { 'nestjs-introspection': [`${repository}libs/introspection/src/index.ts`] },
    },
    host,
  );
  return new Map(
    [...files.keys()].map((name) => {
      const source = program.getSourceFile(name);
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      return [
        name.slice(name.lastIndexOf('/') + 1),
        found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
      ];
    }),
  );
}

describe('the public types', () => {
  let found: ReturnType<typeof compile>;
  beforeAll(() => {
    found = compile(
      new Map([
        ...compiles.map(([, code], i) => [`compiles-${i}.ts`, preamble + code] as const),
        ...refused.map(([, , code], i) => [`refused-${i}.ts`, preamble + code] as const),
        ['readme.ts', readmeModule],
      ]),
    );
  });

  it.each(compiles.map(([title], i) => [title, i] as const))('accept %s', (_title, i) => {
    expect(found.get(`compiles-${i}.ts`)).toEqual([]);
  });

  it.each(refused.map(([title, text], i) => [title, text, i] as const))('refuse %s', (_title, text, i) => {
    const errors = found.get(`refused-${i}.ts`);
    expect(errors, JSON.stringify(errors)).toEqual([expect.stringContaining(text)]);
  });

  it("accept the README's module", () => {
    expect(readmeModule).toContain('IntrospectionModule');
    expect(found.get('readme.ts')).toEqual([]);
  });
});
