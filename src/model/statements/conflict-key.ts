import type { JsonValue } from '../../platform/json-value.js';
import { columnType } from '../ddl/column.js';
import { type Entity, isKeptBack } from '../entity.js';
import { fieldForbidden } from '../query/fields.js';
import { invalidQuery, quoteName } from '../query/invalid-query.js';
import type { FieldCipher } from '../sealed/field-cipher.js';
import { tagSql } from '../sealed/tag-sql.js';
import { quoteIdent, type Statement } from '../sql.js';
import { columnText } from '../values/values.js';

/** What makes two records the same one for an upsert: the id, or a unique key of the entity. */
export interface ConflictKey {
  readonly members: readonly ConflictMember[];
}

export interface ConflictMember {
  readonly name: string;
  readonly column: string;
  /** Of the column, as in DDL: a value is compared as it would be stored. */
  readonly sqlType: string;
  /** Index into `entity.properties`; -1 is the id. */
  readonly at: number;
  /** Encrypted: compared are the tags of the values. */
  readonly cipher?: FieldCipher;
}

/** What is compared with the text of a key. @param ref empty, or the alias of the table and a dot */
export function memberSql({ column, cipher }: ConflictMember, ref = ''): string {
  return cipher ? tagSql(column, cipher.slot, ref) : ref + quoteIdent(column);
}

/** The text of a key for a value that is not null. */
export function memberText({ at, cipher }: ConflictMember, { properties }: Entity, value: JsonValue): string {
  return cipher ? cipher.tag(value) : columnText(properties[at] ?? { type: 'uuid' }, value);
}

/** What a statement that looks for the key says of keys that it is encrypted under. */
export function soughtKeys({ members }: ConflictKey): Pick<Statement, 'keys'> {
  const epoch = members.find(({ cipher }) => cipher)?.cipher?.epoch;
  return epoch === undefined ? {} : { keys: epoch };
}

/** Texts, aligned with the members of the conflict key. */
export type Key = readonly (string | null)[];

/**
 * The key of exactly these names, in any order.
 * @throws Problem request/invalid-query naming the keys there are
 */
export function conflictKeyOf(entity: Entity, names: readonly string[], parameter: string): ConflictKey {
  if (names.length === 1 && names[0] === 'id') return ID;
  const wanted = new Set(names);
  const key = entity.uniqueKeys.find(
    ({ properties }) => properties.length === wanted.size && properties.every((name) => wanted.has(name)),
  );
  if (!key) {
    const keys = [['id'], ...entity.uniqueKeys.map(({ properties }) => properties)].map((members) => members.join(','));
    throw invalidQuery(
      parameter,
      `${names.map(quoteName).join(' and ')} is no unique key of ${quoteName(entity.name)}, whose keys are ${keys.map(quoteName).join(', ')}.`,
    );
  }
  const members = key.properties.flatMap((name): ConflictMember[] => {
    const at = entity.properties.findIndex((property) => property.name === name);
    const property = entity.properties[at];
    // Whether there is one with a value would tell the value.
    if (property && isKeptBack(property)) throw fieldForbidden(entity, name);
    if (!property) return [];
    const cipher = property.encrypted?.cipher;
    return [{ name, column: property.column, sqlType: columnType(property), at, ...(cipher && { cipher }) }];
  });
  return { members };
}

export const ID: ConflictKey = { members: [{ name: 'id', column: 'id', sqlType: 'uuid', at: -1 }] };
