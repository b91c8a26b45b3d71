import { type Operation, ruleOf } from '../access/operations.js';
import { pointer } from '../platform/json-value.js';
import type { Fault } from '../platform/problem.js';

/**
 * What is wrong with permissions that are to be given, to a role or to an API key: one that permits nothing is a mistake, and found when
 * it is given rather than used.
 */

/** Entities that the tenant has, by name. */
export interface EntityNames {
  has(name: string): boolean;
}

export interface GivenPermissions {
  /** Of the body. */
  readonly member: string;
  /** Operations, `operation:Entity` where one entity is meant. */
  readonly names: readonly string[];
  readonly rule: string;
  /** Why an operation cannot be given, whatever it is; null where it can. */
  refusal(operation: string, entity: string | undefined): string | null;
}

export function permissionFaults({ member, names, rule, refusal }: GivenPermissions, entities: EntityNames): Fault[] {
  return names.flatMap((name, index) => {
    const [operation, entity] = partsOf(name);
    const message = refusal(operation, entity) ?? entityFault(operation as Operation, entity, entities);
    return message === null ? [] : [{ pointer: pointer(`/${member}`, index), rule, message }];
  });
}

function partsOf(name: string): [operation: string, entity?: string] {
  const at = name.indexOf(':');
  return at < 0 ? [name] : [name.slice(0, at), name.slice(at + 1)];
}

function entityFault(operation: Operation, entity: string | undefined, entities: EntityNames): string | null {
  if (entity === undefined) return null;
  if (!ruleOf(operation).ofEntity) return `${operation} reaches beyond one entity: leave the entity out`;
  return entities.has(entity) ? null : 'must name an entity that the tenant has, after the colon';
}
