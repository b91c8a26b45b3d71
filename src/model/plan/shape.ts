/**
 * What the catalog holds for an entity, as its document describes it: the one list of columns, constraints and indexes that
 * creating a table, planning a change and looking for drift have in common.
 */

import { checkConditions, tenantPin } from '../ddl/add-check.js';
import { indexDefinition } from '../ddl/add-index.js';
import {
  foreignKeyDefinition,
  foreignKeyIndex,
  type Reference,
  type Resolve,
  referenceOf,
  relationConstraintName,
} from '../ddl/add-relation.js';
import { uniqueDefinition } from '../ddl/add-unique.js';
import { columnType, holdsNull } from '../ddl/column.js';
import { isSealed, type SealedSlot, sealedIndexes, sealedKeyIndexes } from '../ddl/sealed-index.js';
import { type Entity, EXTRA_COLUMN, type Property, SYSTEM_MEMBERS, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { derivedName } from '../names.js';

export interface TableShape {
  readonly table: string;
  readonly columns: readonly ColumnShape[];
  readonly constraints: readonly ConstraintShape[];
  /** Those that belong to no constraint. */
  readonly indexes: readonly IndexShape[];
}

export interface ColumnShape {
  readonly name: string;
  /** As `format_type` spells it, such as `numeric(10,2)`. */
  readonly type: string;
  readonly notNull: boolean;
  /** Absent for the columns every table has. */
  readonly property?: Property;
}

export interface ConstraintShape {
  readonly name: string;
  readonly kind: 'primary key' | 'unique' | 'check' | 'foreign key';
  /** What follows `add constraint "name"`. */
  readonly definition: string;
  /** Logical names of the properties it is about; empty for those every table has. */
  readonly properties: readonly string[];
  /** Of a foreign key. */
  readonly reference?: Reference;
}

export interface IndexShape {
  readonly name: string;
  /** What follows `create index "name" on …`. */
  readonly definition: string;
  readonly properties: readonly string[];
  /** No two rows may be alike in it. */
  readonly unique?: true;
  /** Of the two over tags: which. */
  readonly sealed?: SealedSlot;
}

/** @throws Error when a relation's target is unknown to `resolve`. */
export function tableShape(home: TenantHome, entity: Entity, resolve: Resolve): TableShape {
  const { properties } = entity;
  const relations = properties.filter(({ relation }) => relation !== undefined);
  const sealedKeys = entity.uniqueKeys.filter((key) => isSealed(entity, key.properties));
  return {
    table: entity.table,
    columns: columnsOf(entity),
    constraints: [
      { name: derivedName([entity.table], 'pkey'), kind: 'primary key', definition: 'primary key (id)', properties: [] },
      { ...tenantPin(home, entity), kind: 'check', properties: [] },
      ...properties.flatMap((property) =>
        checkConditions(entity, property).map((check) => ({ ...check, kind: 'check' as const, properties: [property.name] })),
      ),
      ...entity.uniqueKeys
        .filter((key) => !sealedKeys.includes(key))
        .map((key) => ({
          name: key.name,
          kind: 'unique' as const,
          definition: uniqueDefinition(entity, key),
          properties: key.properties,
        })),
      ...relations.map((property) => ({
        name: relationConstraintName(entity, property),
        kind: 'foreign key' as const,
        definition: foreignKeyDefinition(home, entity, property, resolve),
        properties: [property.name],
        reference: referenceOf(home, entity, property, resolve),
      })),
    ],
    indexes: [
      ...sealedKeys.flatMap((key) =>
        sealedKeyIndexes(entity, key).map((index) => ({ ...index, properties: key.properties, unique: true as const })),
      ),
      ...entity.indexes.flatMap((index): IndexShape[] => {
        const names = index.fields.map(({ property }) => property);
        if (isSealed(entity, names)) return sealedIndexes(entity, index).map((each) => ({ ...each, properties: names }));
        return [{ name: index.name, definition: indexDefinition(entity, index), properties: names }];
      }),
      ...relations.flatMap((property) => {
        const index = foreignKeyIndex(entity, property);
        return index ? [{ ...index, properties: [property.name] }] : [];
      }),
    ],
  };
}

function columnsOf(entity: Entity): ColumnShape[] {
  const { id, ...stamps } = SYSTEM_MEMBERS;
  return [
    { name: TENANT_COLUMN, type: 'uuid', notNull: true },
    { name: 'id', type: id, notNull: true },
    ...entity.properties.map((property) => ({
      name: property.column,
      type: columnType(property),
      notNull: !holdsNull(property),
      property,
    })),
    { name: EXTRA_COLUMN, type: 'jsonb', notNull: false },
    ...Object.entries(stamps).map(([name, type]) => ({ name, type, notNull: true })),
  ];
}
