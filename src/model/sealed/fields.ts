import type { Entity } from '../entity.js';

/**
 * What the encrypted properties of an entity are called for ever, since their values are bound to it: `<name>@<version>`, by the name and
 * the version of the document with which they were first encrypted. Names change and are given again; these are not.
 */

/** By the property's name, or of one that was dropped by the column in which it is kept. */
export type Fields = Readonly<Record<string, string>>;

export const NO_FIELDS: Fields = {};

/** What tells one version of a document from the next. */
export interface FieldChange {
  readonly after: Entity;
  /** New name → old name. */
  readonly renames: ReadonlyMap<string, string>;
  /** Name → the column in which it was kept since it was dropped. */
  readonly kept: ReadonlyMap<string, string>;
  /** Of the version before: what goes, by its name → the column in which it is kept. */
  readonly hidden: ReadonlyMap<string, string>;
  /** Of the document. */
  readonly version: number;
}

/** Of a new entity. */
export function firstFields(entity: Entity): Fields {
  const nothing = new Map<string, string>();
  return fieldsAfter(NO_FIELDS, { after: entity, renames: nothing, kept: nothing, hidden: nothing, version: 1 });
}

export function fieldsAfter(before: Fields, { after, renames, kept, hidden, version }: FieldChange): Fields {
  const passedOn = new Set(renames.values());
  const named = after.properties.flatMap(({ name, encrypted }): [string, string][] => {
    if (!encrypted) return [];
    const former = kept.get(name) ?? renames.get(name);
    // What had the name before may have another now, and keeps what it is called.
    const known = former === undefined && passedOn.has(name) ? undefined : before[former ?? name];
    return [[name, known ?? `${name}@${version}`]];
  });
  const restored = new Set(kept.values());
  const waiting = Object.entries(before).flatMap(([was, field]): [string, string][] => {
    const column = was.startsWith('~') ? was : hidden.get(was);
    return column === undefined || restored.has(column) ? [] : [[column, field]];
  });
  return Object.fromEntries([...waiting, ...named]);
}

/** The entity with what its encrypted properties are called for ever. The very same where none is. */
export function withFields(entity: Entity, fields: Fields): Entity {
  if (!entity.properties.some(({ encrypted }) => encrypted)) return entity;
  const properties = entity.properties.map((property) => {
    const { name, encrypted } = property;
    const field = fields[name];
    return encrypted && field !== undefined ? { ...property, encrypted: { ...encrypted, field } } : property;
  });
  return { ...entity, properties };
}
