import type { KeyObject } from 'node:crypto';
import type { Entity, Property } from '../entity.js';
import type { Redacted } from './redaction.js';

/**
 * An entity as a caller sees it: what its roles may not read is `hidden` in it, what they get only a shadow of is `redacted`, and what
 * they may not write is `fixed`. Statements, lists, writers, history, export and OpenAPI are made of the entity they are given, so that
 * one answer serves all of them.
 */

/** Whom an entity is seen by. */
export interface Sight {
  readonly roles: readonly string[];
  /** Of the tenant, to hash with, where personal values are redacted; null: they are seen as they are. */
  readonly redaction: KeyObject | null;
}

/** @returns the very entity where nothing of it is kept from the roles. */
export function viewOf(entity: Entity, sight: Sight): Entity {
  const properties = entity.properties.map((property) => propertySeen(property, sight));
  return properties.every((property, index) => property === entity.properties[index]) ? entity : { ...entity, properties };
}

/** The roles that it matters for an entity to have; empty: all callers see it alike. */
export function rolesThatMatter({ properties }: Entity): ReadonlySet<string> {
  return new Set(properties.flatMap(({ access }) => [...(access?.read ?? []), ...(access?.write ?? [])]));
}

/** Whether anything is kept from anybody who reads it as it is: also from those who have none of the roles. */
export function isSeenAlike({ properties }: Entity): boolean {
  return properties.every(({ access }) => access?.read === undefined && access?.write === undefined);
}

/** Whether anything in it is kept from those who read as auditors. */
export function isRedacted({ properties }: Entity): boolean {
  return properties.some(({ redact }) => redact !== undefined);
}

function propertySeen(property: Property, sight: Sight): Property {
  const { access, redact } = property;
  const isGone = redact === 'remove' && sight.redaction !== null;
  const isHidden = isGone || isKept(access?.read, sight.roles);
  const redacted = isHidden ? undefined : redactedFor(property, sight);
  // Whoever does not see what is there could only write over it: a shadow that is sent back would take the place of the value.
  const isFixed = isGone || redacted !== undefined || isKept(access?.write, sight.roles);
  if (!isHidden && !isFixed) return property;
  return {
    ...property,
    ...(isHidden && { hidden: true as const }),
    ...(redacted && { redacted }),
    ...(isFixed && { fixed: true as const }),
  };
}

function redactedFor({ redact, personal, writeOnly }: Property, { redaction }: Sight): Redacted | undefined {
  if (redaction === null || writeOnly) return undefined;
  switch (redact) {
    case 'full':
      return { as: 'full' };
    case 'partial':
      return { as: 'partial', ...(personal !== undefined && { of: personal }) };
    case 'hash':
      return { as: 'hash', key: redaction };
    default:
      return undefined;
  }
}

function isKept(allowed: readonly string[] | undefined, roles: readonly string[]): boolean {
  return allowed !== undefined && !allowed.some((role) => roles.includes(role));
}
