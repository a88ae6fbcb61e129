import type { Requirement } from '../protocol/requirement.js';
import { type DeclaredRequirement, ownDeclaration } from './requirement-metadata.js';

/** What holds for one handler of one class, with everything it inherits. */
export interface RouteRequirement {
  /** `undefined`: a token is needed. */
  readonly openness: 'public' | 'optional' | undefined;
  /** Frozen: the same object for every request. */
  readonly requirement: Requirement;
}

type Handler = (...args: never[]) => unknown;
type Class = abstract new (...args: never[]) => unknown;

/**
 * Resolves the decorators of a handler: the nearest target that says anything decides whether a token is needed; each
 * kind of requirement is the nearest one's.
 *
 * Nearest first: the method; the methods that it overrides (their requirements, not their openness); then the class and
 * the classes that it extends.
 *
 * @throws {Error} for a handler that cannot be told from the decorated methods of its class: what holds is unknown
 */
export function resolveRouteRequirement(controller: Class, handler: Handler): RouteRequirement {
  const levels = [...declarationsOfMethod(controller, handler), ...declarationsOfClass(controller)].filter(
    (level) => level !== undefined,
  );
  const openness = levels[0]?.openness;
  const { scopes } = levels.find((level) => level.scopes !== undefined) ?? {};
  const { introspect } = levels.find((level) => level.introspect !== undefined) ?? {};
  return Object.freeze({ openness, requirement: Object.freeze({ ...scopes, ...introspect }) });
}

function declarationsOfClass(controller: Class): (DeclaredRequirement | undefined)[] {
  return chainOf(controller, Function.prototype).map((constructor) => ownDeclaration(constructor));
}

function declarationsOfMethod(controller: Class, handler: Handler): (DeclaredRequirement | undefined)[] {
  const prototypes = chainOf(controller.prototype as object, Object.prototype);
  const place = findMethod(prototypes, handler);
  const carried = ownDeclaration(handler);
  if (place === undefined) {
    if (carried !== undefined) return [carried];
    if (!prototypes.some(hasDecoratedMethod)) return [];
    throw new Error(
      `nestjs-introspection cannot tell which decorators hold for a handler of ${controller.name}: make it a plain method`,
    );
  }
  const [own, ...overridden] = prototypes.slice(place.level);
  const stated = own && ownDeclaration(own, place.name);
  const declared = place.isSame ? (stated ?? carried) : (carried ?? stated);
  return [declared, ...overridden.map((prototype) => withoutOpenness(ownDeclaration(prototype, place.name)))];
}

/** Finds a handler by identity; or by its name, which survives binding and the wrappers of monitoring tools. */
function findMethod(
  prototypes: readonly object[],
  handler: Handler,
): { level: number; name: string | symbol; isSame: boolean } | undefined {
  for (const [level, prototype] of prototypes.entries()) {
    const name = Reflect.ownKeys(prototype).find((key) => Object.getOwnPropertyDescriptor(prototype, key)?.value === handler);
    if (name !== undefined) return { level, name, isSame: true };
  }
  const name = handler.name.replace(/^(bound )+/, '');
  const level = prototypes.findIndex(
    (prototype) => typeof Object.getOwnPropertyDescriptor(prototype, name)?.value === 'function',
  );
  return level < 0 ? undefined : { level, name, isSame: false };
}

function hasDecoratedMethod(prototype: object): boolean {
  return Reflect.ownKeys(prototype).some((key) => ownDeclaration(prototype, key) !== undefined);
}

/** An override does not inherit that a route is open, only what it demands; a declaration of openness alone is none. */
function withoutOpenness(declared: DeclaredRequirement | undefined): DeclaredRequirement | undefined {
  const { openness: _openness, ...requirements } = declared ?? {};
  return Object.keys(requirements).length === 0 ? undefined : requirements;
}

function chainOf(start: object, end: object): object[] {
  const chain: object[] = [];
  for (let next: object | null = start; next !== null && next !== end; next = Object.getPrototypeOf(next) as object | null)
    chain.push(next);
  return chain;
}
