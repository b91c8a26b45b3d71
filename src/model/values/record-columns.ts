import type { JsonObject, JsonValue } from '../../platform/json-value.js';
import type { Entity, Property } from '../entity.js';
import { aboutOf } from '../sealed/about.js';
import { shadowTexts } from '../sealed/shadow-texts.js';
import { columnText } from './values.js';

/** Takes a record apart into the texts of its columns: the inverse of the row writer. Used by insert, replace and patch. */

export interface RecordColumns {
  /** Aligned with `entity.properties`, and behind them with the shadows that only the service can fill; null is SQL NULL. */
  readonly columns: readonly (string | null)[];
  /** JSON text for EXTRA_COLUMN: undeclared members, and explicit nulls. Null when there are none. */
  readonly extra: string | null;
}

const declaredNames = new WeakMap<Entity, ReadonlySet<string>>();

/**
 * @param id of the record: encrypted values are bound to it
 * @param record valid under the entity's document, and without system members
 * @throws KeysNeeded
 */
export function splitRecord(entity: Entity, id: string, record: JsonObject): RecordColumns {
  const extra: [string, JsonValue][] = [];
  let present = 0;
  const columns = entity.properties.map((property) => {
    if (!Object.hasOwn(record, property.name)) return null;
    present++;
    const value = record[property.name]!;
    if (value !== null) return sealedText(entity, property, id, record) ?? columnText(property, value);
    // Also in a required property, where the NULL of the column says as much: it need not stay required.
    extra.push([property.name, null]);
    return null;
  });
  const names = Object.keys(record);
  if (names.length > present) {
    const declared = namesOf(entity);
    for (const name of names) if (!declared.has(name)) extra.push([name, record[name]!]);
  }
  // fromEntries defines members, so that a name such as __proto__ stays one.
  if (entity.shadows) columns.push(...shadowTexts(entity, id, record));
  return { columns, extra: extra.length > 0 ? JSON.stringify(Object.fromEntries(extra)) : null };
}

/** undefined: the property is not encrypted. */
function sealedText(entity: Entity, { name, encrypted }: Property, id: string, record: JsonObject): string | undefined {
  if (!encrypted) return undefined;
  // Never in plain text, whatever was forgotten.
  if (!encrypted.cipher) throw new Error('an encrypted property without its keys');
  return encrypted.cipher.seal(id, record[name] as JsonValue, aboutOf(entity, record));
}

function namesOf(entity: Entity): ReadonlySet<string> {
  let names = declaredNames.get(entity);
  if (!names) {
    names = new Set(entity.properties.map((property) => property.name));
    declaredNames.set(entity, names);
  }
  return names;
}
