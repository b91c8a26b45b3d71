/** Builds the context that operations share: which property is which in both versions, and under what name at what time. */

import { withColumns } from '../access/row-rule-sql.js';
import { renamesBetween } from '../change/renames.js';
import type { Resolve } from '../ddl/add-relation.js';
import { columnType } from '../ddl/column.js';
import { indexName, uniqueKeyName } from '../document/read-keys.js';
import type { Entity, Property, TenantHome } from '../entity.js';
import { hiddenName } from '../names.js';

/** Both versions of the entity, and the tenant they live in. Swapped, it is the context of the way back. */
export interface Transition {
  readonly home: TenantHome;
  readonly before: Entity;
  readonly after: Entity;
  /** New name → old name, for the properties that keep their data under another name. */
  readonly renames: ReadonlyMap<string, string>;
  /** `before` as if its renames had happened: names of the new version, everything else of the old one. */
  readonly renamed: Entity;
  /** Finds the other entities of the tenant. */
  readonly resolve: Resolve;
  /** By the name of a dropped property: its hidden column, which comes back instead of a new one being made. */
  readonly kept: ReadonlyMap<string, string>;
  /** Names of the constraints that keep a member out of the undeclared ones: how many there are is history, not document. */
  readonly guards: ReadonlySet<string>;
  /** Physical names of the tables in which former versions and deleted records are kept, asked for by the document or not. */
  readonly past: readonly string[];
  /** Hidden columns of dropped properties that were encrypted. */
  readonly hiddenCells: readonly string[];
  /** Number of the version that results: part of the names of what is hidden. */
  readonly version: number;
}

export interface TransitionInput {
  readonly home: TenantHome;
  readonly before: Entity;
  readonly after: Entity;
  readonly resolve: Resolve;
  readonly version: number;
  /** Default: what the documents say with `renamedFrom`. */
  readonly renames?: ReadonlyMap<string, string>;
  readonly kept?: ReadonlyMap<string, string>;
  readonly guards?: ReadonlySet<string>;
  readonly past?: readonly string[];
  readonly hiddenCells?: readonly string[];
}

export function transition(input: TransitionInput): Transition {
  const { home, before, after, resolve, version, guards = new Set(), past = [], hiddenCells = [] } = input;
  const renames = input.renames ?? renamesBetween(before, after);
  const old = new Set(before.properties.map(({ name }) => name));
  // What the old version has needs nothing to come back.
  const kept = new Map([...(input.kept ?? [])].filter(([name]) => !old.has(renames.get(name) ?? name)));
  const columnBefore = new Map([...renames].map(([name, from]) => [from, name]));
  const renamed = withNames(before, after.table, after.name, (property) => {
    const name = columnBefore.get(property.name) ?? property.name;
    const column = after.properties.find((candidate) => candidate.name === name)?.column ?? property.column;
    return { name, column };
  });
  return { home, before, after, renames, renamed, resolve, kept, guards, past, hiddenCells, version };
}

/** Properties of the old version that the new one does not have under any name. */
export function droppedProperties({ before, after, renames }: Transition): Property[] {
  const stay = new Set(after.properties.map(({ name }) => renames.get(name) ?? name));
  return before.properties.filter(({ name }) => !stay.has(name));
}

/** The property of the old version that this one continues. */
export function formerProperty({ before, renames }: Transition, { name }: Property): Property | undefined {
  const former = renames.get(name) ?? name;
  return before.properties.find((property) => property.name === former);
}

/** The column of a dropped property while it is kept. No logical name begins with `~`. */
export function hiddenColumn({ version }: Transition, { column }: Property): string {
  return hiddenName(column, version);
}

/** Whether the column becomes one of another type, or of cells, or of cells no longer. */
export function changesType(before: TypeOf, after: TypeOf): boolean {
  return columnType(before) !== columnType(after) || changesEncryption(before, after);
}

/** Whether values come under keys that others, or undeclared ones of its name, may have been answered with in plain text before. */
export function encryptsAnew(t: Transition): boolean {
  return t.after.properties.some((property) => {
    const was = formerProperty(t, property);
    return property.encrypted !== undefined && (was ? !was.encrypted : t.before.keepsExtras);
  });
}

/** Only the service can tell the values of the new column from those of the old one. */
export function changesEncryption({ encrypted: was, ...before }: TypeOf, { encrypted: is, ...after }: TypeOf): boolean {
  if (!was || !is) return was !== is;
  return was.searchable !== is.searchable || columnType({ ...before, type: was.of }) !== columnType({ ...after, type: is.of });
}

type TypeOf = Pick<Property, 'type' | 'precision' | 'scale' | 'encrypted'>;

/** The same entity with other names for its table and columns, and hence for its keys and indexes. */
export function withNames(
  entity: Entity,
  table: string,
  name: string,
  namesOf: (property: Property) => { readonly name: string; readonly column: string },
): Entity {
  const names = new Map(entity.properties.map((property) => [property.name, namesOf(property)]));
  const nameOf = (property: string): string => names.get(property)?.name ?? property;
  const columnOf = (property: string): string => names.get(property)?.column ?? property;
  const properties = entity.properties.map((property) => ({
    ...property,
    ...(names.get(property.name) as { name: string; column: string }),
    ...(property.relation?.entity === entity.name
      ? { relation: { ...property.relation, entity: name, field: nameOf(property.relation.field) } }
      : {}),
  }));
  const { rowRules } = entity;
  return {
    ...entity,
    name,
    table,
    properties,
    ...(rowRules ? { rowRules: withColumns(rowRules, (column) => ({ ...column, ...names.get(column.name) })) } : {}),
    uniqueKeys: entity.uniqueKeys.map((key) => ({
      name: uniqueKeyName(table, key.properties.map(columnOf)),
      properties: key.properties.map(nameOf),
    })),
    indexes: entity.indexes.map((index) => ({
      ...index,
      name: indexName(
        table,
        index.fields.map(({ property, descending }) => ({ column: columnOf(property), descending })),
        index.method,
      ),
      fields: index.fields.map(({ property, descending }) => ({ property: nameOf(property), descending })),
    })),
  };
}
