import 'reflect-metadata';
import type { Requirement } from '../protocol/requirement.js';

/** What one class or method says. Kinds are resolved each by itself, so each has a slot of its own. */
export interface DeclaredRequirement {
  openness?: 'public' | 'optional';
  scopes?: Pick<Requirement, 'scopes' | 'anyScope'>;
  introspect?: Pick<Requirement, 'introspectMaxAgeMs'>;
}

/** The kinds of decorators; one of each at most on one target. */
export type RequirementKind = keyof DeclaredRequirement;

// Symbol.for: metadata written by one copy of this package must bind in another.
const METADATA_KEY = Symbol.for('nestjs-introspection.requirement');

/**
 * Makes a decorator for classes and methods that declares one kind of requirement.
 *
 * A method's declaration is kept twice: with its prototype and name, so that it survives a decorator that replaces the
 * function, and with the function, so that it goes along when the function is put on another class.
 *
 * @throws {TypeError} when the class is defined: a kind twice, or `@Public` beside a requirement, on one target
 */
export function requirementDecorator<K extends RequirementKind>(
  decorator: string,
  kind: K,
  value: NonNullable<DeclaredRequirement[K]>,
): ClassDecorator & MethodDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const handler: unknown = descriptor?.value;
    if (key !== undefined && typeof handler !== 'function') throw new TypeError(`@${decorator} belongs on a class or a method`);
    const declared = ownDeclaration(target, key) ?? {};
    assertCompatible(decorator, declared, kind, value);
    declared[kind] = value as DeclaredRequirement[K];
    if (key === undefined) {
      Reflect.defineMetadata(METADATA_KEY, declared, target);
    } else {
      Reflect.defineMetadata(METADATA_KEY, declared, target, key);
      Reflect.defineMetadata(METADATA_KEY, declared, handler as object);
    }
  };
}

/** What a class (or, with a name, a method of a prototype) says itself, without what it inherits. */
export function ownDeclaration(target: object, key?: string | symbol): DeclaredRequirement | undefined {
  const metadata: unknown =
    key === undefined ? Reflect.getOwnMetadata(METADATA_KEY, target) : Reflect.getOwnMetadata(METADATA_KEY, target, key);
  return metadata as DeclaredRequirement | undefined;
}

function assertCompatible(decorator: string, declared: DeclaredRequirement, kind: RequirementKind, value: unknown): void {
  if (declared[kind] !== undefined)
    throw new TypeError(`@${decorator}: this class or method already has a decorator of that kind`);
  const others = Object.keys(declared).filter((other) => other !== 'openness');
  const isPublic = declared.openness === 'public' || value === 'public';
  if (isPublic && (others.length > 0 || declared.openness === 'public')) {
    throw new TypeError(`@${decorator}: @Public() and a requirement contradict each other on one class or method`);
  }
}
