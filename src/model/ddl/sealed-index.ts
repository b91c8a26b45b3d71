import type { Entity, Index, UniqueKey } from '../entity.js';
import { derivedName } from '../names.js';
import type { Slot } from '../sealed/field-cipher.js';
import { tagSql } from '../sealed/tag-sql.js';
import { columnOf } from './column.js';

/**
 * Keys and indexes over encrypted properties: of cells, only their tags can be compared. The tags of two versions of the index key
 * stand side by side while one takes the place of the other, so that each is two indexes, one for each slot, always both there. A slot
 * that nothing is looked for in is NULL, which no unique index minds.
 */

export const SLOTS: readonly Slot[] = [0, 1];

/** One of the two. */
export interface SlotIndex {
  readonly name: string;
  /** What follows `create [unique] index "name" on …`. */
  readonly definition: string;
  readonly sealed: SealedSlot;
}

export interface SealedSlot {
  /** Name of the key or index that both are. */
  readonly key: string;
  readonly slot: Slot;
}

/** Whether a key or an index over these properties has a member that is encrypted. */
export function isSealed({ properties }: Entity, names: readonly string[]): boolean {
  return properties.some(({ name, encrypted }) => encrypted !== undefined && names.includes(name));
}

/** Of a unique key with an encrypted member: no constraint, which would have to be over columns. */
export function sealedKeyIndexes(entity: Entity, { name, properties }: UniqueKey): readonly SlotIndex[] {
  const members = properties.map((property) => ({ property, descending: false }));
  return slotIndexes(entity, name, members, 'key');
}

/** Of an index with an encrypted member, which finds equal values and keeps no order. */
export function sealedIndexes(entity: Entity, { name, fields }: Index): readonly SlotIndex[] {
  return slotIndexes(entity, name, fields, 'idx');
}

/** The properties of the unique key that this constraint or index makes sure of; undefined: it is none of the entity's. */
export function uniqueKeyOfConstraint(entity: Entity, constraint: string): readonly string[] | undefined {
  return entity.uniqueKeys.find((key) => {
    if (!isSealed(entity, key.properties)) return key.name === constraint;
    return sealedKeyIndexes(entity, key).some(({ name }) => name === constraint);
  })?.properties;
}

function slotIndexes(entity: Entity, key: string, fields: Index['fields'], suffix: 'key' | 'idx'): readonly SlotIndex[] {
  const parts = fields.map(({ property, descending }) => `${descending ? '-' : ''}${physicalOf(entity, property)}`);
  return SLOTS.map((slot) => {
    const members = fields.map(({ property, descending }) => memberSql(entity, property, descending, slot));
    return {
      name: derivedName([entity.table, ...parts], `${suffix}${slot}`),
      definition: `using btree (${members.join(', ')})`,
      sealed: { key, slot },
    };
  });
}

function memberSql(entity: Entity, name: string, descending: boolean, slot: Slot): string {
  const property = entity.properties.find((candidate) => candidate.name === name);
  if (property?.encrypted) return tagSql(property.column, slot);
  return `${columnOf(entity, name)}${descending ? ' desc' : ''}`;
}

function physicalOf({ properties }: Entity, name: string): string {
  return properties.find((candidate) => candidate.name === name)?.column ?? name;
}
